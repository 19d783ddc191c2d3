"""What a scope path is called: `/1/<uuid>/4/17/` is the project vision. The app that knows the names says so once, at start."""

from collections.abc import Collection, Mapping
from dataclasses import dataclass
from typing import Protocol

from access.checks import Person
from access.permissions import Permission


@dataclass(frozen=True)
class ScopeName:
    """`kind` is tenant, cluster, department or project; `key` its id as text."""

    scope: str
    kind: str
    key: str
    name: str

    @property
    def words(self) -> str:
        return f"{self.kind} {self.name}"


class ScopeNames(Protocol):
    def of(self, scopes: Collection[str]) -> Mapping[str, ScopeName]:
        """What does not exist (any more) is not in the answer."""

    def where(self, person: Person, permission: Permission) -> list[ScopeName]:
        """Every scope on which the person holds the permission, from wide to narrow."""

    def find(self, kind: str, key: str) -> ScopeName | None: ...


_names: ScopeNames | None = None


def provide(names: ScopeNames) -> None:
    """Called once at start."""
    global _names
    _names = names


def names_of(scopes: Collection[str]) -> dict[str, str]:
    """Scope -> words; a scope whose object is gone stays as its path."""
    known = _names.of(scopes) if _names else {}
    return {scope: known[scope].words if scope in known else scope for scope in scopes}


def known(scopes: Collection[str]) -> Mapping[str, ScopeName]:
    return _names.of(scopes) if _names else {}


def where(person: Person, permission: Permission) -> list[ScopeName]:
    return _names.where(person, permission) if _names else []


def find(kind: str, key: str) -> ScopeName | None:
    return _names.find(kind, key) if _names else None
