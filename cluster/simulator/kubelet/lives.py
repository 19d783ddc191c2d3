"""What the kubelet knows about one pod and one node. Plain records; the kubelet's lock guards them."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime

from cluster.documents import Document, annotations_of, key_of, labels_of, name_of, uid_of
from cluster.labels import GPU_RESOURCE, WORKLOAD_KIND
from cluster.simulator import annotations as told
from cluster.simulator.gpus import Devices, Load, load_of
from cluster.simulator.kubelet.log_lines import SCRIPT_NAMES
from cluster.simulator.kubelet.programs import Program
from cluster.simulator.kubelet.references import Findings, Reference
from cluster.simulator.kubelet.requests import Requests, requests_of
from cluster.simulator.patterns import Pattern, parse_pattern
from cluster.simulator.shapes import NodeShape
from cluster.simulator.stages import STAGES, Event, Life, PodState, is_over

Allocation = Mapping[str, Document]
"""Container -> its resources."""


@dataclass(frozen=True)
class Usage:
    """What a pod does to the node's CPU and memory, in percent of what it asked for."""

    cpu: Pattern
    memory: Pattern


@dataclass(frozen=True)
class Telling:
    """An event to be written, at a product time. `detail` is what its note says of the case."""

    event: Event
    at: datetime
    detail: str = ""


@dataclass(frozen=True)
class Deferred:
    """A resize for which the node has no room now. `generation` is the pod's that asked for it."""

    message: str
    generation: int
    since: datetime


@dataclass
class PodLife:
    """One bound pod: its document as last seen, its life as told, where it is in it, and what was written."""

    pod: Document
    life: Life
    state: PodState
    ip: str
    requests: Requests
    load: Load | None = None
    usage: Usage | None = None
    script: str = "quiet"
    rejection: tuple[str, str] | None = None
    devices: tuple[int, ...] = ()
    devices_written: bool = True
    written: Document | None = None
    written_version: int = 0
    trouble: str = ""
    """Why it failed, when that is not told by its exit: shows in its log."""
    stop_asked: bool = False
    untold: list[Telling] = field(default_factory=list)
    """What happened and has not been told by an event yet."""
    references: frozenset[Reference] = frozenset()
    """The ConfigMaps and Secrets it names."""
    findings: Findings | None = None
    """What was read of them; None: not read yet, and nothing of the pod goes on before."""
    allocation: Allocation = field(default_factory=dict)
    """What its containers have; its document says what they are to have."""
    deferred: Deferred | None = None
    debuggers: dict[str, datetime] = field(default_factory=dict)
    """Since when each of its ephemeral containers has run."""
    program: Program | None = None
    """What its container runs, when that is understood and no annotation says otherwise."""

    @property
    def uid(self) -> str:
        return uid_of(self.pod)

    @property
    def key(self) -> tuple[str, str]:
        return key_of(self.pod)

    @property
    def node(self) -> str:
        return str(self.pod["spec"]["nodeName"])

    @property
    def unread(self) -> bool:
        """What it names is not known yet, so nothing of it goes on; an end that is asked for does."""
        return self.findings is None and not self.stop_asked

    @property
    def lacks_supplies(self) -> bool:
        return bool(self.life.unmounted or self.life.lacking) and not is_over(self.state)

    @property
    def waits_for_supplies(self) -> bool:
        return self.lacks_supplies and self.state.stage in ("mounting", "unconfigured")

    @property
    def runs(self) -> bool:
        return STAGES[self.state.stage].shows == "running" and self.state.started_at is not None

    def present_load(self) -> Load | None:
        """What it does to its devices now: nothing while it does not run."""
        if self.load is None:
            return None
        since = self.state.started_at if self.runs else None
        return Load(**{**self.load.__dict__, "since": since})


@dataclass
class NodeAgent:
    """One node the kubelet plays."""

    node: Document
    shape: NodeShape
    devices: Devices
    ip: str
    silent: bool = False
    """Told to be dead: no heartbeat, no status, nothing that is asked of it is done."""
    cpu_seconds_gone: float = 0.0
    """What pods used that are not here any more: a node's counter never falls."""
    status_due: float = 0.0
    """`time.monotonic()` of the next status without a change."""
    pods: dict[str, PodLife] = field(default_factory=dict)
    """By uid, finished ones too as long as the API has them: their logs are still asked for."""

    @property
    def name(self) -> str:
        return name_of(self.node)

    def taken(self) -> list[Requests]:
        """What is asked by the pods that are not over."""
        return [life.requests for life in self.pods.values() if not is_over(life.state)]

    def free_ip(self) -> str:
        """An address for one more pod: believable, unique on the node, not to be dialled."""
        second, third = (int(part) for part in self.ip.split(".")[2:])
        used = {life.ip for life in self.pods.values()}
        for last in range(2, 255):
            address = f"10.{64 + second % 128}.{third}.{last}"
            if address not in used:
                return address
        return f"10.{64 + second % 128}.{third}.255"


def new_life(pod: Document, life: Life, state: PodState, ip: str) -> PodLife:
    """The record of a pod seen for the first time; raises AnnotationWrong."""
    status = pod.get("status") or {}
    record = PodLife(pod, life, state, ip=status.get("podIP") or ip, requests=requests_of(pod))
    retell(record)
    return record


def retell(record: PodLife) -> None:
    """Read what the annotations say of its loads and its log (again); raises AnnotationWrong before it changes any."""
    notes = annotations_of(record.pod)
    load = load_of(record.pod, None)
    usage = Usage(
        cpu=parse_pattern(notes.get(told.CPU_UTILISATION, "wave:40-85/300"), told.CPU_UTILISATION),
        memory=parse_pattern(notes.get(told.MEMORY_UTILISATION, "ramp:10-70/120"), told.MEMORY_UTILISATION),
    )
    script = told.choice(notes, told.LOG_SCRIPT, SCRIPT_NAMES) or _usual_script(record)
    record.load, record.usage, record.script = load, usage, script


def _usual_script(record: PodLife) -> str:
    kind = labels_of(record.pod).get(WORKLOAD_KIND, "").lower()
    if "interactive" in kind or "workspace" in kind:
        return "notebook"
    if record.life.restart_policy == "Always":
        return "server"
    return "training" if record.requests.get(GPU_RESOURCE) else "batch"
