"""Writes what the kubelet decided: device annotations, statuses, the last delete, events; a few threads, newest state only."""

import logging
from dataclasses import dataclass

from cluster import clock
from cluster.client import ClusterClient
from cluster.documents import Document, name_of, namespace_of
from cluster.errors import ClusterUnavailable, Conflict, Forbidden, Invalid, NotFound
from cluster.events import EventRecorder
from cluster.kinds import NODES, PODS
from cluster.simulator import annotations as told
from cluster.simulator.kubelet.lives import Telling
from cluster.simulator.kubelet.node_statuses import node_status
from cluster.simulator.kubelet.resizing import show_resources
from cluster.simulator.kubelet.roster import Roster
from cluster.simulator.kubelet.statuses import describe, status_of
from cluster.simulator.stages import PodState, is_over
from cluster.simulator.work_queue import WorkQueue

logger = logging.getLogger(__name__)

_THREADS = 8


@dataclass(frozen=True)
class _Errand:
    """What is to be sent for one pod, taken under the lock so that it belongs together."""

    pod: Document
    node: str
    state: PodState
    devices: tuple[int, ...] | None
    status: Document | None
    finalise: bool
    tell: list[Telling]


class KubeletWriter:
    """A queue of pods and nodes whose status is due. What changed twice before its turn is written once."""

    def __init__(self, client: ClusterClient, roster: Roster, *, port: int, events: bool = True) -> None:
        self._client = client
        self._roster = roster
        self._port = port
        self._recorder = EventRecorder(client, controller="kubelet", instance="simulated") if events else None
        self._queue: WorkQueue[tuple[str, str]] = WorkQueue("kubelet-writer", self._write, threads=_THREADS)

    def start(self) -> None:
        self._queue.start()

    def stop(self) -> None:
        self._queue.stop()

    def idle(self) -> bool:
        """All that was due is written."""
        return self._queue.idle()

    def pod_due(self, uid: str) -> None:
        self._queue.add(("pod", uid))

    def node_due(self, name: str) -> None:
        self._queue.add(("node", name))

    def _write(self, key: tuple[str, str]) -> None:
        kind, name = key
        if kind == "node":
            self._write_node(name)
        else:
            self._write_pod(name)

    # --- nodes ----------------------------------------------------------------------------------------------------

    def _write_node(self, name: str) -> None:
        with self._roster.lock:
            agent = self._roster.agents.get(name)
            if agent is None or agent.silent:
                return
            status = node_status(
                agent.node,
                agent.shape,
                dead_devices=agent.devices.dead_count(),
                ip=agent.ip,
                port=self._port,
                now=clock.now(),
            )
        try:
            self._client.strategic_patch(NODES, name, {"status": status}, subresource="status")
        except NotFound:
            logger.info("node %s is gone", name)

    # --- pods -----------------------------------------------------------------------------------------------------

    def _write_pod(self, uid: str) -> None:
        errand = self._errand(uid)
        if errand is None:
            return
        try:
            self._send(uid, errand)
            self._tell(errand)
        except NotFound:
            logger.debug(
                "pod %s/%s went before it was written", namespace_of(errand.pod), name_of(errand.pod)
            )
        except Conflict as conflict:
            # a namesake stands in its place by now; the watch will tell
            logger.info("pod %s/%s: %s", namespace_of(errand.pod), name_of(errand.pod), conflict.message)
        except ClusterUnavailable:
            self._put_back(uid, errand)
            raise

    def _put_back(self, uid: str, errand: _Errand) -> None:
        """What has not been told yet is told when the server is back."""
        with self._roster.lock:
            life = self._roster.lives.get(uid)
            if life is not None:
                life.untold = errand.tell + life.untold

    def _errand(self, uid: str) -> _Errand | None:
        with self._roster.lock:
            life = self._roster.lives.get(uid)
            agent = self._roster.agents.get(life.node) if life else None
            if life is None or agent is None or agent.silent:
                return None
            status = show_resources(
                status_of(
                    life.pod,
                    life.state,
                    host_ip=agent.ip,
                    pod_ip=life.ip,
                    rejection=life.rejection,
                    debuggers=life.debuggers,
                ),
                life,
            )
            tell, life.untold = life.untold, []
            return _Errand(
                pod=life.pod,
                node=agent.name,
                state=life.state,
                devices=None if life.devices_written else life.devices,
                status=None if status == life.written else status,
                finalise=life.stop_asked and is_over(life.state),
                tell=tell,
            )

    def _send(self, uid: str, errand: _Errand) -> None:
        name, namespace = name_of(errand.pod), namespace_of(errand.pod)
        if errand.devices is not None:  # first of all: a restart must find who has which device
            text = ",".join(str(index) for index in errand.devices)
            patch = {"metadata": {"uid": uid, "annotations": {told.DEVICES: text}}}
            self._client.merge_patch(PODS, name, patch, namespace=namespace)
            self._devices_are_written(uid)
        if errand.status is not None:
            patch = {"metadata": {"uid": uid}, "status": errand.status}
            written = self._client.strategic_patch(
                PODS, name, patch, namespace=namespace, subresource="status"
            )
            self._remember(uid, errand.status, int(written["metadata"]["resourceVersion"]))
        if errand.finalise:
            self._client.delete(PODS, name, namespace, uid=uid, grace_seconds=0)

    def _devices_are_written(self, uid: str) -> None:
        with self._roster.lock:
            life = self._roster.lives.get(uid)
            if life is not None:
                life.devices_written = True

    def _remember(self, uid: str, status: Document, version: int) -> None:
        with self._roster.lock:
            life = self._roster.lives.get(uid)
            if life is not None:
                life.written, life.written_version = status, version

    def _tell(self, errand: _Errand) -> None:
        if self._recorder is None:
            return
        container = errand.pod["spec"]["containers"][0]
        while errand.tell:
            told = errand.tell[0]
            kind, reason, note = told.event
            try:
                self._recorder.record(
                    errand.pod,
                    reason=reason,
                    note=describe(note, container, told.detail or errand.state.detail),
                    action=reason,
                    at=told.at,
                    kind=kind,
                    instance=errand.node,
                )
            except (Forbidden, Invalid) as refusal:  # such as a namespace that is going away
                logger.info("event %s was refused: %s", reason, refusal.message)
            errand.tell.pop(0)
