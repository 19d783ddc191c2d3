"""What has no owner and fits a selector is taken over, what it no longer fits is let go: as each controller that has a selector does it."""

from collections.abc import Iterable
from typing import Any

from cluster.client import ClusterClient
from cluster.documents import (
    Document,
    controller_of,
    is_deleting,
    key_of,
    labels_of,
    name_of,
    namespace_of,
    owner_reference,
    owners_of,
    uid_of,
)
from cluster.errors import NotFound
from cluster.kinds import Kind
from cluster.simulator.selectors import object_selector_test
from cluster.watch import WatchCache

Key = tuple[str, str]


class Claims:
    """For the objects of one cache, and what they manage: objects of `kind`."""

    def __init__(self, client: ClusterClient, kind: Kind, owners: WatchCache) -> None:
        self._client, self._kind, self._owners = client, kind, owners

    def concerned(self, new: Document | None, old: Document | None) -> set[Key]:
        """Whose affair a change is: its owner's before and after it, or everyone's whose selector fits it when it has none."""
        keys = set()
        for one in (new, old):
            controller = controller_of(one) if one is not None else None
            if one is not None and controller is not None and controller["kind"] == self._owners.kind.kind:
                keys.add((namespace_of(one), controller["name"]))
        if new is not None and controller_of(new) is None:
            keys |= {key_of(owner) for owner in self._owners.items() if _fits(owner, new)}
        return keys

    def claim(self, owner: Document, owned: Iterable[Document], others: Iterable[Document]) -> list[Document]:
        """What the owner has afterwards; `others` are those that belong to nobody."""
        kept = []
        for one in owned:
            if is_deleting(one) or _fits(owner, one):
                kept.append(one)
            else:
                self._release(owner, one)
        found = [one for one in others if not is_deleting(one) and _fits(owner, one)]
        if found and self._is_there(owner):
            kept += [self._refer(one, [*owners_of(one), owner_reference(owner)]) for one in found]
        return kept

    def _is_there(self, owner: Document) -> bool:
        """The cache may be behind: who takes over for an object that has gone leaves its pods to the garbage collector."""
        try:
            fresh = self._client.get(self._owners.kind, name_of(owner), namespace_of(owner))
        except NotFound:
            return False
        return uid_of(fresh) == uid_of(owner) and not is_deleting(fresh)

    def _release(self, owner: Document, one: Document) -> None:
        self._refer(one, [reference for reference in owners_of(one) if reference["uid"] != uid_of(owner)])

    def _refer(self, one: Document, references: list[Any]) -> Document:
        version = one["metadata"][
            "resourceVersion"
        ]  # as it was seen: another may have taken it over meanwhile
        patch = {"metadata": {"resourceVersion": version, "ownerReferences": references or None}}
        return self._client.merge_patch(self._kind, name_of(one), patch, namespace=namespace_of(one))


def _fits(owner: Document, one: Document) -> bool:
    if namespace_of(owner) != namespace_of(one):
        return False
    return object_selector_test(owner["spec"]["selector"])(labels_of(one))
