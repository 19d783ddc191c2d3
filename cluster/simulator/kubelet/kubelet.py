"""The simulated kubelet itself: takes in pods and nodes, moves lives along, and has what changed written.

All it knows stands in the cluster (statuses, the devices annotation), so it may be killed at any moment: what was
bound, finished or deleted while it was away is found by the list it begins with.
"""

import logging
from collections import defaultdict
from datetime import datetime

from cluster import clock
from cluster.documents import Document, annotations_of, is_deleting, key_of, name_of, uid_of
from cluster.simulator import annotations as told
from cluster.simulator.annotations import AnnotationWrong
from cluster.simulator.gpus import Devices
from cluster.simulator.kubelet.admission import admit, read_pod
from cluster.simulator.kubelet.agenda import Agenda
from cluster.simulator.kubelet.differences import deviates, told_parts
from cluster.simulator.kubelet.lives import NodeAgent, PodLife, retell
from cluster.simulator.kubelet.mounts import Mounts
from cluster.simulator.kubelet.pages import cpu_seconds
from cluster.simulator.kubelet.roster import Roster
from cluster.simulator.kubelet.writer import KubeletWriter
from cluster.simulator.shapes import read_shape
from cluster.simulator.stages import (
    STAGES,
    PodState,
    advance,
    crash,
    due,
    is_over,
    life_of,
    stop,
    with_grace,
)

logger = logging.getLogger(__name__)

_DEFAULT_GRACE = 30
DEVICE_LOST_EXIT = 1
_LOOPBACK_ADDRESSES = (127, 64)
"""Each node answers on an address of its own on this machine."""
_TUNNELLED_ADDRESSES = (10, 200)
"""Nobody dials them but through the tunnel; a real API server does not proxy to loopback addresses."""


class Kubelet:
    """Plays the kubelets of all nodes that have a shape. Thread-safe by one lock; no network call is made under it."""

    def __init__(self, roster: Roster, writer: KubeletWriter, *, tunnelled: bool = False) -> None:
        self._roster = roster
        self._first_address = _TUNNELLED_ADDRESSES if tunnelled else _LOOPBACK_ADDRESSES
        self._homeless: defaultdict[str, dict[str, Document]] = defaultdict(dict)
        self._mounts = Mounts()
        self._begun = False
        self._writer = writer
        self._agenda = Agenda(self.wake)

    def begin(self) -> None:
        """Once the first lists of nodes and pods are in: those that already have devices get them before any other."""
        with self._roster.lock:
            self._begun = True
            for agent in self._roster.agents.values():
                self._adopt_homeless(agent)
        self._agenda.start()

    def stop(self) -> None:
        self._agenda.stop()

    # --- what the watches tell ------------------------------------------------------------------------------------

    def pod_changed(self, kind: str, new: Document | None, old: Document | None) -> None:
        """A listener for a WatchCache of pods."""
        with self._roster.lock:
            if new is None:
                if old is not None:
                    self._forget(uid_of(old), old)
                return
            node = new["spec"].get("nodeName")
            if not node:
                return
            record = self._roster.lives.get(uid_of(new))
            if record is not None:
                self._refresh(record, new)
            elif self._begun and node in self._roster.agents:
                self._adopt(self._roster.agents[node], new)
            else:
                self._homeless[node][uid_of(new)] = new

    def node_changed(self, kind: str, new: Document | None, old: Document | None) -> None:
        """A listener for a WatchCache of nodes."""
        with self._roster.lock:
            if new is None:
                if old is not None:
                    self._drop_node(name_of(old))
                return
            agent = self._roster.agents.get(name_of(new)) or self._new_agent(new)
            if agent is None:
                return
            agent.node = new
            self._follow_faults(agent)

    def claim_changed(self, kind: str, new: Document | None, old: Document | None) -> None:
        """A listener for a WatchCache of claims."""
        with self._roster.lock:
            for pod in self._mounts.claim_changed(new, old):
                agent = self._roster.agents.get(pod["spec"]["nodeName"])
                if agent is not None and self._begun:
                    self._adopt(agent, pod)

    def wake(self, uid: str) -> None:
        """Something about the pod is due."""
        with self._roster.lock:
            record = self._roster.lives.get(uid)
            if record is not None:
                self._move(record)

    # --- nodes ----------------------------------------------------------------------------------------------------

    def _new_agent(self, node: Document) -> NodeAgent | None:
        name = name_of(node)
        try:
            shape = read_shape(node)
        except AnnotationWrong as error:
            logger.warning("node %s is not driven: %s", name, error)
            return None
        if shape is None:
            return None
        agent = NodeAgent(node=node, shape=shape, devices=Devices(name, shape), ip=self._address_of(node))
        self._roster.agents[name] = agent
        if self._begun:
            self._adopt_homeless(agent)
        self._writer.node_due(name)
        return agent

    def _address_of(self, node: Document) -> str:
        """The address the node had before, else the next free one: one for each, so that a call tells its node."""
        used = {agent.ip for agent in self._roster.agents.values()}
        first, second = self._first_address
        for address in (node.get("status") or {}).get("addresses") or []:
            ip = str(address["address"])
            if address.get("type") == "InternalIP" and ip.startswith(f"{first}.") and ip not in used:
                return ip
        number = len(self._roster.agents) + 1
        while (ip := f"{first}.{second + number // 65_536}.{number // 256 % 256}.{number % 256}") in used:
            number += 1
        return ip

    def _follow_faults(self, agent: NodeAgent) -> None:
        notes = annotations_of(agent.node)
        silent = notes.get(told.NODE_FAULT) == "not-ready"
        try:
            faults = told.device_faults(notes)
        except AnnotationWrong as error:
            logger.warning("node %s: %s", agent.name, error)
            return
        dead_before = agent.devices.dead_count()
        struck = agent.devices.set_faults(faults)
        recovered = agent.silent and not silent
        agent.silent = silent
        if recovered or agent.devices.dead_count() != dead_before:
            self._writer.node_due(agent.name)
        for record in list(agent.pods.values()):
            if record.uid in struck:
                self._strike(record)
            elif recovered:
                record.written = None  # others may have written meanwhile
                self._move(record, changed=True)

    def _strike(self, record: PodLife) -> None:
        record.state, _ = advance(record.state, record.life, clock.now())
        record.state = crash(record.state, record.life, clock.now(), exit_code=DEVICE_LOST_EXIT)
        record.trouble = "DeviceLost"
        self._move(record, changed=True)

    def _drop_node(self, name: str) -> None:
        agent = self._roster.agents.pop(name, None)
        if agent is None:
            return
        for record in list(agent.pods.values()):
            self._forget(record.uid, record.pod)
            self._homeless[name][record.uid] = record.pod

    # --- pods -----------------------------------------------------------------------------------------------------

    def _adopt_homeless(self, agent: NodeAgent) -> None:
        def old_ones_first(pod: Document) -> tuple[bool, str]:
            return told.DEVICES not in annotations_of(pod), str(pod["metadata"].get("creationTimestamp"))

        for pod in sorted(self._homeless.pop(agent.name, {}).values(), key=old_ones_first):
            self._adopt(agent, pod)

    def _adopt(self, agent: NodeAgent, pod: Document) -> None:
        if self._mounts.hold_back(pod):
            return
        record = read_pod(agent, pod)
        agent.pods[record.uid] = record
        self._roster.lives[record.uid] = record
        self._roster.by_key[record.key] = record
        finished_before = is_over(record.state)
        if not finished_before:
            admit(agent, record)
        if not (pod.get("status") or {}).get("startTime"):
            record.untold.append((record.state.stage, record.state.since))
        self._move(record, changed=not finished_before)

    def _refresh(self, record: PodLife, pod: Document) -> None:
        before = record.pod
        record.pod = pod
        if is_deleting(pod) and not record.stop_asked:
            self._move(record)
        elif told_parts(before) != told_parts(pod):
            self._retell(record)
        if int(pod["metadata"]["resourceVersion"]) > record.written_version and deviates(pod, record.written):
            record.written = None  # somebody else wrote, or our write was lost: ours is the truth
            self._writer.pod_due(record.uid)

    def _retell(self, record: PodLife) -> None:
        """The annotations of a pod that runs were changed: its further life follows them."""
        if record.stop_asked:
            return
        try:
            life = life_of(record.pod)
            retell(record)
        except AnnotationWrong as error:
            logger.warning("pod %s/%s goes on as before: %s", *record.key, error)
            return
        record.life = life
        if record.state.stage == "misconfigured":
            now = clock.now()
            record.state = PodState("pulling", since=now, began_at=record.state.began_at)
        self._move(record, changed=True)

    def _move(self, record: PodLife, *, changed: bool = False) -> None:
        """Bring a life to the present: along the stages, or to its stop; then see what is due next."""
        agent = self._roster.agents.get(record.node)
        if agent is None or agent.silent:
            return
        now = clock.now()
        changed |= self._advance(record, now)
        if is_deleting(record.pod) and not record.stop_asked:
            self._ask_to_stop(record, now)
            self._advance(record, now)
            changed = True
        changed |= self._fail_on_dead_devices(agent, record, now)
        if is_over(record.state):
            agent.devices.release(record.uid)
        if changed:
            self._writer.pod_due(record.uid)
        moment = due(record.state, record.life)
        if moment is not None:
            self._agenda.at(moment, record.uid)

    def _advance(self, record: PodLife, now: datetime) -> bool:
        record.state, entered = advance(record.state, record.life, now)
        record.untold += [(stage, record.state.since) for stage in entered if STAGES[stage].event]
        return bool(entered)

    def _ask_to_stop(self, record: PodLife, now: datetime) -> None:
        record.stop_asked = True
        grace = record.pod["metadata"].get("deletionGracePeriodSeconds")
        record.life = with_grace(record.life, _DEFAULT_GRACE if grace is None else grace)
        record.state = stop(record.state, now)
        if record.state.stage == "stopping":
            record.untold.append(("stopping", now))

    def _fail_on_dead_devices(self, agent: NodeAgent, record: PodLife, now: datetime) -> bool:
        """A container that is restarted on a device that is gone fails again."""
        if not record.runs or not any(agent.devices.is_dead(index) for index in record.devices):
            return False
        crashed = crash(record.state, record.life, now, exit_code=DEVICE_LOST_EXIT)
        if crashed is record.state:
            return False
        record.state, record.trouble = crashed, "DeviceLost"
        self._advance(record, now)
        return True

    def _forget(self, uid: str, pod: Document) -> None:
        self._homeless[pod["spec"].get("nodeName") or ""].pop(uid, None)
        self._mounts.forget(uid)
        record = self._roster.lives.pop(uid, None)
        if record is None:
            return
        if self._roster.by_key.get(key_of(pod)) is record:
            del self._roster.by_key[key_of(pod)]
        agent = self._roster.agents.get(record.node)
        if agent is not None:
            agent.cpu_seconds_gone += cpu_seconds(record, clock.now())
            agent.pods.pop(uid, None)
            agent.devices.release(uid)
