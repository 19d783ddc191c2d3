"""What is going to happen to a pod on its node: what its annotations tell, what its program does, what is missing. Pure."""

from collections.abc import Iterator
from dataclasses import replace
from datetime import datetime

from cluster.documents import Document, annotations_of
from cluster.simulator import annotations as told
from cluster.simulator.kubelet.environment import Surroundings, environment_of, variables_of
from cluster.simulator.kubelet.lives import NodeAgent, PodLife, Telling
from cluster.simulator.kubelet.programs import Program, program_of
from cluster.simulator.kubelet.references import Findings, Lacking, unmounted
from cluster.simulator.kubelet.requests import gpus_of
from cluster.simulator.shapes import capacity_of
from cluster.simulator.stages import STAGES, Life
from cluster.simulator.told_lives import life_of

_TOLD_RESULTS = (told.RUN_SECONDS, told.EXIT_CODE, told.FAIL)
_TOO_BIG_RUNS_SECONDS = 20.0


def foresee(agent: NodeAgent, record: PodLife, now: datetime) -> None:
    """Work out the record's life and program (again); raises AnnotationWrong before it changes any."""
    life = life_of(record.pod)
    findings, program = record.findings, None
    if findings is not None:
        life = replace(
            life,
            unmounted=unmounted(record.pod, findings),
            lacking=what_is_lacking(agent, record, findings),
        )
        program = None if life.lacking or _told(record.pod) else _program(agent, record, findings, now)
    if program is not None:
        outcome = program.perform(now)
        run = outcome.seconds if outcome.seconds < float("inf") else None
        life = replace(life, run=run, exit_code=outcome.code)
    record.life, record.trouble = _with_device_memory(agent, record, life)
    record.program = program


def _told(pod: Document) -> bool:
    """An annotation says how the pod runs or ends: then its program is not asked."""
    notes = annotations_of(pod)
    return any(name in notes for name in _TOLD_RESULTS)


def _program(agent: NodeAgent, record: PodLife, findings: Findings, now: datetime) -> Program | None:
    """Of a pod with several containers none: they live together here, and each program would end at its own time."""
    containers = record.pod["spec"]["containers"]
    if len(containers) != 1:
        return None
    around = surroundings(agent, record)
    variables = variables_of(record.pod, containers[0], around, findings)
    return program_of(
        containers[0], variables, environment_of(record.pod, containers[0], around, findings), now
    )


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
    told = [one for one in containers if one.get("env") or one.get("envFrom")]
    around = surroundings(agent, record) if told else Surroundings()
    for container in told:
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
    event = STAGES[stage].event
    if event is None:
        return []
    if stage == "mounting":
        return [Telling(event, at, sentence) for sentence in record.life.unmounted]
    if stage == "unconfigured":
        return [Telling(event, at, sentence) for _, sentence in record.life.lacking]
    return [Telling(event, at)]
