"""What is going to happen to a pod on its node: what its annotations tell and what is missing. Pure."""

from collections.abc import Iterator
from dataclasses import replace
from datetime import datetime

from cluster.documents import Document
from cluster.simulator.kubelet.environment import Surroundings, variables_of
from cluster.simulator.kubelet.lives import NodeAgent, PodLife, Telling
from cluster.simulator.kubelet.references import Findings, Lacking, unmounted
from cluster.simulator.kubelet.requests import gpus_of
from cluster.simulator.shapes import capacity_of
from cluster.simulator.stages import STAGES, Life, life_of

_TOO_BIG_RUNS_SECONDS = 20.0


def foresee(agent: NodeAgent, record: PodLife, now: datetime) -> None:
    """Work out the record's life (again); raises AnnotationWrong before it changes any."""
    life = life_of(record.pod)
    findings = record.findings
    if findings is not None:
        life = replace(
            life,
            unmounted=unmounted(record.pod, findings),
            lacking=what_is_lacking(agent, record, findings),
        )
    record.life, record.trouble = _with_device_memory(agent, record, life)


def surroundings(agent: NodeAgent, record: PodLife) -> Surroundings:
    _, allocatable = capacity_of(agent.shape, dead_devices=agent.devices.dead_count())
    uuids = tuple(agent.devices.uuids[index] for index in record.devices)
    return Surroundings(record.ip, agent.ip, allocatable, uuids)


def what_is_lacking(agent: NodeAgent, record: PodLife, findings: Findings) -> tuple[tuple[str, str], ...]:
    """(container, sentence): the first init container that cannot be made, for no other is tried before it; else all containers."""
    spec = record.pod["spec"]
    initial = list(_lacking(agent, record, spec.get("initContainers") or [], findings))
    return tuple(initial[:1] or _lacking(agent, record, spec["containers"], findings))


def _lacking(
    agent: NodeAgent, record: PodLife, containers: list[Document], findings: Findings
) -> Iterator[tuple[str, str]]:
    around = surroundings(agent, record)
    for container in containers:
        try:
            variables_of(record.pod, container, around, findings)
        except Lacking as lacking:
            yield str(container["name"]), str(lacking)


def _with_device_memory(agent: NodeAgent, record: PodLife, life: Life) -> tuple[Life, str]:
    """A container that wants more memory than a device has fails, as it would when it asks the driver for it."""
    wanted = record.load.memory_mib if record.load else None
    if wanted is None or not gpus_of(record.pod) or wanted <= agent.shape.gpu_memory_mib:
        return life, record.trouble
    run = min(life.run or _TOO_BIG_RUNS_SECONDS, _TOO_BIG_RUNS_SECONDS)
    return replace(life, run=run, exit_code=1, exit_reason="Error"), "DeviceOutOfMemory"


def tellings(record: PodLife, stage: str, at: datetime) -> list[Telling]:
    """The events that a stage brings: one, or one for each thing that is missing."""
    if stage == "mounting":
        return [Telling(stage, at, sentence) for sentence in record.life.unmounted]
    if stage == "unconfigured":
        return [Telling(stage, at, sentence) for _, sentence in record.life.lacking]
    return [Telling(stage, at)] if STAGES[stage].event else []
