"""The simulated kubelet itself: takes in pods and nodes, moves lives along, and has what changed written.

All it knows stands in the cluster (statuses, the devices annotation), so it may be killed at any moment: what was
bound, finished or deleted while it was away is found by the list it begins with.
"""

import logging
from collections import defaultdict
from datetime import datetime

from cluster import clock
from cluster.client import ClusterClient
from cluster.documents import Document, annotations_of, is_deleting, key_of, name_of, uid_of
from cluster.simulator import annotations as told
from cluster.simulator.annotations import AnnotationWrong
from cluster.simulator.gpus import Devices
from cluster.simulator.kubelet import addresses
from cluster.simulator.kubelet.admission import admit, read_pod
from cluster.simulator.kubelet.agenda import Agenda
from cluster.simulator.kubelet.debugging import begin_debuggers, debuggers_in
from cluster.simulator.kubelet.differences import deviates, told_parts
from cluster.simulator.kubelet.endings import ask_to_stop, fails_on_dead_devices, strike
from cluster.simulator.kubelet.lives import NodeAgent, PodLife, retell
from cluster.simulator.kubelet.mounts import Mounts
from cluster.simulator.kubelet.pages import cpu_seconds
from cluster.simulator.kubelet.prospects import foresee, tellings
from cluster.simulator.kubelet.references import Findings
from cluster.simulator.kubelet.resizing import resize, resize_deferred
from cluster.simulator.kubelet.roster import Roster
from cluster.simulator.kubelet.supplies import Supplies
from cluster.simulator.kubelet.writer import KubeletWriter
from cluster.simulator.shapes import read_shape
from cluster.simulator.stages import PodState, advance, due, is_over, resupplied
from cluster.simulator.told_lives import life_of

logger = logging.getLogger(__name__)


class Kubelet:
    """Plays the kubelets of all nodes that have a shape. Thread-safe by one lock; no network call is made under it."""

    def __init__(
        self, client: ClusterClient, roster: Roster, writer: KubeletWriter, *, tunnelled: bool = False
    ) -> None:
        self._roster = roster
        self._addresses = addresses.TUNNELLED if tunnelled else addresses.LOOPBACK
        self._homeless: defaultdict[str, dict[str, Document]] = defaultdict(dict)
        self._mounts = Mounts()
        self._begun = False
        self._writer = writer
        self._agenda = Agenda(self.wake)
        self._supplies = Supplies(client, self.supplied)

    def begin(self) -> None:
        """Once the first lists of nodes and pods are in: those that already have devices get them before any other."""
        with self._roster.lock:
            self._begun = True
            for agent in self._roster.agents.values():
                self._adopt_homeless(agent)
        self._agenda.start()
        self._supplies.start()

    def stop(self) -> None:
        self._supplies.stop()
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

    def supplied(self, uid: str, findings: Findings) -> bool:
        """What a pod's ConfigMaps and Secrets hold; whether to look again, for the pod waits for what is missing."""
        with self._roster.lock:
            record = self._roster.lives.get(uid)
            agent = self._roster.agents.get(record.node) if record else None
            return record is not None and agent is not None and self._take_in(agent, record, findings)

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
        used = {agent.ip for agent in self._roster.agents.values()}
        ip = addresses.address_of(node, used, self._addresses)
        agent = NodeAgent(node=node, shape=shape, devices=Devices(name, shape), ip=ip)
        self._roster.agents[name] = agent
        if self._begun:
            self._adopt_homeless(agent)
        self._writer.node_due(name)
        return agent

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
                strike(record, clock.now())
                self._move(record, changed=True)
            elif recovered:
                record.written = None  # others may have written meanwhile
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
        if record.state.stage != "misconfigured":
            foresee(agent, record, clock.now())
        elif not (pod.get("status") or {}).get("startTime"):
            record.untold += tellings(record, record.state.stage, record.state.since)
        if record.references:
            self._supplies.due(record.uid, record.key[0], record.references)
        # nothing is to be told before what it names is read, a moment later
        self._move(record, changed=not finished_before and (not record.unread or is_over(record.state)))

    def _take_in(self, agent: NodeAgent, record: PodLife, findings: Findings) -> bool:
        """Whether what is missing is waited for."""
        if record.runs and record.findings is not None:
            return False  # what runs keeps what it was started with
        record.findings = findings
        if record.stop_asked:
            return False
        now = clock.now()
        if record.state.stage != "misconfigured":
            foresee(agent, record, now)
            record.state = resupplied(record.state, record.life, now)
        if record.waits_for_supplies:
            record.untold += tellings(record, record.state.stage, now)
        self._move(record, changed=True)
        return record.lacks_supplies

    def _refresh(self, record: PodLife, pod: Document) -> None:
        before = record.pod
        record.pod = pod
        if is_deleting(pod) and not record.stop_asked:
            self._move(record)
        elif told_parts(before) != told_parts(pod):
            self._retell(record)
        elif len(debuggers_in(before)) != len(debuggers_in(pod)):
            self._move(record)
        agent = self._roster.agents.get(record.node)
        if agent is not None and resize(agent, record, clock.now()):
            self._move(record, changed=True)
            self._resize_deferred(agent)
        if int(pod["metadata"]["resourceVersion"]) > record.written_version and deviates(pod, record.written):
            record.written = None  # somebody else wrote, or our write was lost: ours is the truth
            self._writer.pod_due(record.uid)

    def _retell(self, record: PodLife) -> None:
        """The annotations of a pod that runs were changed: its further life follows them."""
        agent = self._roster.agents.get(record.node)
        if record.stop_asked or agent is None:
            return
        now = clock.now()
        try:
            life_of(record.pod)  # all of them can be followed, or none is
            retell(record)
            foresee(agent, record, now)
        except AnnotationWrong as error:
            logger.warning("pod %s/%s goes on as before: %s", *record.key, error)
            return
        if record.state.stage == "misconfigured":
            record.state = PodState("mounting", since=now, began_at=record.state.began_at)
            if record.lacks_supplies:
                self._supplies.due(record.uid, record.key[0], record.references)
        self._move(record, changed=True)

    def _move(self, record: PodLife, *, changed: bool = False) -> None:
        """Bring a life to the present: along the stages, or to its stop; then see what is due next."""
        agent = self._roster.agents.get(record.node)
        if agent is None or agent.silent:
            return
        now = clock.now()
        changed |= self._advance(record, now)
        if is_deleting(record.pod) and not record.stop_asked:
            ask_to_stop(record, now)
            self._advance(record, now)
            changed = True
        if fails_on_dead_devices(agent, record, now):
            self._advance(record, now)
            changed = True
        changed |= begin_debuggers(record, now)
        if is_over(record.state):
            agent.devices.release(record.uid)
            self._resize_deferred(agent)
        if changed:
            self._writer.pod_due(record.uid)
        if not record.unread and (moment := due(record.state, record.life)) is not None:
            self._agenda.at(moment, record.uid)

    def _resize_deferred(self, agent: NodeAgent) -> None:
        for record in resize_deferred(agent, clock.now()):
            self._move(record, changed=True)

    def _advance(self, record: PodLife, now: datetime) -> bool:
        if record.unread:
            return False
        record.state, entered = advance(record.state, record.life, now)
        for stage in entered:
            record.untold += tellings(record, stage, record.state.since)
        if "backing-off" in entered and record.references:  # it is started with what they hold then
            self._supplies.due(record.uid, record.key[0], record.references)
        return bool(entered)

    def _forget(self, uid: str, pod: Document) -> None:
        self._homeless[pod["spec"].get("nodeName") or ""].pop(uid, None)
        self._mounts.forget(uid)
        self._supplies.forget(uid)
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
            self._resize_deferred(agent)
