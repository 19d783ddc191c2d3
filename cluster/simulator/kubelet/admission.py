"""How a node takes in a pod: what its annotations tell, whether there is room, which devices it gets."""

import logging
from dataclasses import replace

from cluster import clock
from cluster.documents import Document, annotations_of
from cluster.simulator import annotations as told
from cluster.simulator.annotations import AnnotationWrong
from cluster.simulator.kubelet.lives import NodeAgent, PodLife, new_life
from cluster.simulator.kubelet.references import references_of
from cluster.simulator.kubelet.requests import gpus_of, requests_of, too_much
from cluster.simulator.kubelet.resizing import allocation_of, deferred_of, wanted_by, with_allocation
from cluster.simulator.kubelet.statuses import starts_in, state_from
from cluster.simulator.shapes import capacity_of
from cluster.simulator.stages import Life, PodState, is_over
from cluster.simulator.told_lives import life_of

logger = logging.getLogger(__name__)


def read_pod(agent: NodeAgent, pod: Document) -> PodLife:
    now = clock.now()
    ip = agent.free_ip()
    try:
        life = life_of(pod)
        record = new_life(pod, life, state_from(pod, life, now), ip)
    except AnnotationWrong as error:
        state = PodState("misconfigured", since=now, began_at=now, detail=str(error))
        record = PodLife(pod, Life(), state, ip, requests_of(pod))
    record.allocation, record.deferred = allocation_of(pod), deferred_of(pod)
    if record.allocation != wanted_by(pod):
        record.requests = requests_of(with_allocation(pod, record.allocation))
    record.debuggers = starts_in((pod.get("status") or {}).get("ephemeralContainerStatuses"))
    record.references = references_of(pod)
    record.findings = None if record.references else {}
    return record


def admit(agent: NodeAgent, record: PodLife) -> None:
    """Devices, and for a new pod room: a scheduler that gives a node too much is told so by a failed pod."""
    count = gpus_of(record.pod)
    remembered = told.device_indices(annotations_of(record.pod))
    if remembered is not None and agent.devices.restore(record.uid, remembered):
        record.devices = remembered
        return
    if not (record.pod.get("status") or {}).get("startTime"):
        _, allocatable = capacity_of(agent.shape, dead_devices=agent.devices.dead_count())
        others = [
            life.requests for life in agent.pods.values() if life is not record and not is_over(life.state)
        ]
        short = too_much(record.requests, others, allocatable)
        if short is not None:
            resource, wanted, free = short
            _reject(
                record,
                f"OutOf{resource}",
                f"Node didn't have enough resource: {resource}, requested: {wanted}, free: {free}",
            )
            return
    if count == 0:
        return
    taken = agent.devices.assign(record.uid, count)
    if taken is None:
        free = agent.devices.free_count()
        _reject(
            record,
            "UnexpectedAdmissionError",
            f"Allocate failed due to requested number of devices unavailable for nvidia.com/gpu. "
            f"Requested: {count}, Available: {free}, which is unexpected",
        )
        return
    record.devices = taken
    record.devices_written = False


def _reject(record: PodLife, reason: str, message: str) -> None:
    record.state = replace(record.state, stage="rejected", since=clock.now())
    record.rejection = (reason, message)
    logger.warning("pod %s/%s was rejected by its node: %s", *record.key, message)
