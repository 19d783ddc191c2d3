"""What the product's accounts asked a kube-apiserver for, from its audit log."""

import json
from collections import defaultdict
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from tests.cluster.rights.rules import Right

PREFIX = "system:serviceaccount:runai:"
EVERYBODY = frozenset({"/version"})
"""Paths that every authenticated client may read."""


@dataclass
class Asked:
    """By account. `refused` holds what the server did not allow, as (right, path)."""

    used: defaultdict[str, set[Right]] = field(default_factory=lambda: defaultdict(set))
    refused: defaultdict[str, set[tuple[Right, str]]] = field(default_factory=lambda: defaultdict(set))


def read_audit(log: Path) -> Asked:
    """All files of a log that was rotated, and of this one; a line that is being written just now is left out."""
    asked = Asked()
    for path in sorted(log.parent.glob(f"{log.stem}*{log.suffix}")):
        for line in path.read_text().splitlines():
            if line.endswith("}"):
                _take(asked, json.loads(line))
    return asked


def unused(granted: Mapping[str, set[Right]], asked: Asked) -> dict[str, set[Right]]:
    """What is granted to an account and was never asked for."""
    return {name: found for name, mine in granted.items() if (found := mine - _met(mine, asked.used[name]))}


def beyond(granted: Mapping[str, set[Right]], asked: Asked) -> dict[str, set[Right]]:
    """What an account did that our roles do not grant it: other roles of the cluster do."""
    found = {}
    for name, used in asked.used.items():
        mine = granted.get(name, set())
        extra = {right for right in used if not any(_covers(one, right) for one in mine)}
        if extra:
            found[name] = extra
    return found


def _take(asked: Asked, event: Mapping[str, Any]) -> None:
    account = event["user"]["username"].removeprefix(PREFIX)
    if account == event["user"]["username"]:
        return
    path = event["requestURI"].partition("?")[0]
    target = event.get("objectRef")
    if target is None and path in EVERYBODY:
        return
    for right in _rights(event, target or {}, path):
        if event["annotations"]["authorization.k8s.io/decision"] == "allow":
            asked.used[account].add(right)
        else:
            asked.refused[account].add((right, path))


def _rights(event: Mapping[str, Any], target: Mapping[str, str], path: str) -> Iterable[Right]:
    resource = "/".join(part for part in (target.get("resource"), target.get("subresource")) if part) or path
    where = target.get("namespace", "")
    if resource == "namespaces":
        where = ""  # the object's own name stands there
    yield Right(target.get("apiGroup", ""), resource, event["verb"], where)
    if event["verb"] == "patch" and event.get("responseStatus", {}).get("code") == 201:
        # an apply that made the object: the server asked for this right as well
        yield Right(target.get("apiGroup", ""), resource, "create", where)


def _met(granted: set[Right], used: set[Right]) -> set[Right]:
    return {one for one in granted if any(_covers(one, right) for right in used)}


def _covers(granted: Right, used: Right) -> bool:
    same = (granted.group, granted.resource, granted.verb) == (used.group, used.resource, used.verb)
    return same and granted.namespace in ("", used.namespace)
