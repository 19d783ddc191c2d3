"""Empties what is being deleted: namespaces, and the objects of deleted CustomResourceDefinitions."""

import asyncio
import logging

from cluster.simulator.kinds.definitions import CLEANUP_FINALIZER
from cluster.simulator.kinds.namespaces import FINALIZER
from cluster.simulator.problems import Problem
from cluster.simulator.resources import Resource
from cluster.simulator.server.api import CRDS, Api
from cluster.simulator.server.deleting import DeleteOptions, delete
from cluster.simulator.server.updating import settle
from cluster.simulator.store.history import Change
from cluster.simulator.store.objects import Stored

logger = logging.getLogger(__name__)

NAMESPACES = "namespaces"


class Cleaner:
    """Sleeps until a namespace or definition is being deleted, or something in one of them went."""

    def __init__(self, api: Api) -> None:
        self._api = api
        self._awake = asyncio.Event()
        self._waiting: set[str] = set()
        """Namespaces and storage names whose emptying goes on."""
        announce = api.store.announce

        def announce_and_look(changes: list[Change]) -> None:
            announce(changes)
            if any(self._concerns(change) for change in changes):
                self._awake.set()

        api.store.announce = announce_and_look

    def _concerns(self, change: Change) -> bool:
        if change.resource in (NAMESPACES, CRDS):
            return not change.gone and "deletionTimestamp" in change.stored.document["metadata"]
        return change.gone and (change.stored.namespace in self._waiting or change.resource in self._waiting)

    async def run(self) -> None:
        """Until cancelled."""
        self._awake.set()
        while True:
            await self._awake.wait()
            self._awake.clear()
            try:
                self._look()
            except Problem:
                logger.exception("cleaning up failed")
            self._api.store.commit()

    def _look(self) -> None:
        """One round over everything that is being deleted."""
        store = self._api.store
        self._waiting.clear()
        for stored in store.listed(CRDS):
            if _leaving(stored) and not self._emptied(store.listed(stored.name)):
                self._waiting.add(stored.name)
            elif _leaving(stored):
                self._release_definition(stored)
        for stored in store.listed(NAMESPACES):
            if not _leaving(stored):
                continue
            inside = [one for storage in store.resources() for one in store.listed(storage, stored.name)]
            if self._emptied(inside):
                self._release_namespace(stored)
            else:
                self._waiting.add(stored.name)

    def _emptied(self, found: list[Stored]) -> bool:
        """Delete what does not go already; whether nothing is left."""
        left = False
        for one in found:
            resource = self._resource_of(one)
            if resource is None:
                continue
            if _leaving(one):
                left = True
            else:
                left = (
                    not delete(self._api, resource, one, DeleteOptions(propagation="Background"))[1] or left
                )
        return not left

    def _resource_of(self, stored: Stored) -> Resource | None:
        group, _, version = stored.document["apiVersion"].rpartition("/")
        return self._api.registry.with_kind(group, version, stored.document["kind"])

    def _release_namespace(self, stored: Stored) -> None:
        resource = self._api.registry.find("", "v1", NAMESPACES)
        finalizers = [
            entry for entry in stored.document.get("spec", {}).get("finalizers", []) if entry != FINALIZER
        ]
        spec = {"finalizers": finalizers} if finalizers else {}
        if resource is not None and spec != stored.document.get("spec"):
            settle(self._api, resource, stored, {**stored.document, "spec": spec})

    def _release_definition(self, stored: Stored) -> None:
        resource = self._api.registry.of_storage(CRDS)
        metadata = stored.document["metadata"]
        if resource is None or CLEANUP_FINALIZER not in metadata.get("finalizers", []):
            return
        kept = [entry for entry in metadata["finalizers"] if entry != CLEANUP_FINALIZER]
        metadata = {key: value for key, value in metadata.items() if key != "finalizers"}
        if kept:
            metadata["finalizers"] = kept
        settle(self._api, resource, stored, {**stored.document, "metadata": metadata})


def _leaving(stored: Stored) -> bool:
    return "deletionTimestamp" in stored.document["metadata"]


async def clean_up(api: Api) -> None:
    """The background task of a server."""
    await Cleaner(api).run()
