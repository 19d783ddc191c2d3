"""Makes and takes away imaginary disks, as an external provisioner does beside a real cluster too."""

import logging

from cluster.client import ClusterClient
from cluster.documents import Document, annotations_of, is_deleting, key_of, name_of, namespace_of, uid_of
from cluster.errors import AlreadyExists, NotFound
from cluster.kinds import PERSISTENT_VOLUME_CLAIMS, PERSISTENT_VOLUMES, STORAGE_CLASSES
from cluster.simulator.volumes import (
    OLD_STORAGE_PROVISIONER,
    PROVISIONED_BY,
    PROVISIONER,
    SELECTED_NODE,
    STORAGE_PROVISIONER,
    class_of,
    new_volume,
    phase_of,
    waits_for_consumer,
)
from cluster.simulator.work_queue import WorkQueue
from cluster.watch import WatchCache

logger = logging.getLogger(__name__)

Key = tuple[str, str]


class Provisioner:
    """Serves claims that the volume binder has asked us for; keys without a namespace are volumes."""

    def __init__(self, client: ClusterClient) -> None:
        self._client = client
        self._queue: WorkQueue[Key] = WorkQueue("provisioner", self._reconcile, threads=1)
        self.classes = WatchCache(client, STORAGE_CLASSES)
        self.claims = WatchCache(client, PERSISTENT_VOLUME_CLAIMS, on_change=self._changed)
        self.volumes = WatchCache(client, PERSISTENT_VOLUMES, on_change=self._changed)

    def start(self, timeout: float = 60) -> None:
        for cache in (self.classes, self.volumes, self.claims):
            cache.start()
        self.claims.synced(timeout)
        self._queue.start()

    def stop(self) -> None:
        self._queue.stop()
        for cache in (self.classes, self.volumes, self.claims):
            cache.stop()

    def _changed(self, kind: str, new: Document | None, old: Document | None) -> None:
        if new is not None:
            self._queue.add(key_of(new))

    def _reconcile(self, key: Key) -> None:
        if key[0]:
            self._provide(key)
        else:
            self._take_back(key[1])

    def _provide(self, key: Key) -> None:
        claim = self.claims.get(*key)
        if claim is None or is_deleting(claim) or claim["spec"].get("volumeName"):
            return
        notes = annotations_of(claim)
        if PROVISIONER not in (notes.get(STORAGE_PROVISIONER), notes.get(OLD_STORAGE_PROVISIONER)):
            return
        storage_class = self.classes.get("", class_of(claim))
        if storage_class is None:
            self._queue.add_after(key, 0.5)  # its watch is behind, or it is gone
            return
        if waits_for_consumer(storage_class) and SELECTED_NODE not in notes:
            return
        try:
            self._client.create(PERSISTENT_VOLUMES, new_volume(claim, storage_class))
        except AlreadyExists:
            logger.debug("the volume of claim %s/%s is there", namespace_of(claim), name_of(claim))

    def _take_back(self, name: str) -> None:
        volume = self.volumes.get("", name)
        if volume is None or annotations_of(volume).get(PROVISIONED_BY) != PROVISIONER:
            return
        deletes = volume["spec"].get("persistentVolumeReclaimPolicy") == "Delete"
        if phase_of(volume) == "Released" and deletes and not is_deleting(volume):
            try:
                self._client.delete(PERSISTENT_VOLUMES, name, uid=uid_of(volume))
            except NotFound:
                logger.debug("volume %s is gone", name)
