"""Pure: scope paths `/tenant/cluster/department/project/`. A right on a scope covers everything below it.

Compared segment by segment: `/1/2/` covers `/1/2/7/` but not `/1/20/`; the closing slash makes prefix comparison exact.
"""

from collections.abc import Iterable


def covers(scope: str, other: str) -> bool:
    """Whether a right given on `scope` holds on `other`."""
    return other.startswith(scope)


def ancestors(scope: str) -> list[str]:
    """The scope itself and everything above it, widest first: `/1/2/` -> [`/1/`, `/1/2/`]."""
    segments = scope.strip("/").split("/")
    return ["/" + "/".join(segments[: n + 1]) + "/" for n in range(len(segments))]


def widest(scopes: Iterable[str]) -> list[str]:
    """The scopes that are not covered by another of them, sorted."""
    kept: list[str] = []
    for scope in sorted(set(scopes)):
        if not (kept and covers(kept[-1], scope)):
            kept.append(scope)
    return kept


def is_tenant(scope: str) -> bool:
    """Whether the scope is a whole tenant."""
    return scope.strip("/").count("/") == 0
