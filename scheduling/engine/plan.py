"""What a cycle decided, as data: nothing has been touched yet. Every decision carries its reason."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import StrEnum

from scheduling.engine.model.resources import Resources


class Reason(StrEnum):
    """Why a gang waits: one dominant reason each. The values are the codes that travel to the pod's condition."""

    QUEUE_NOT_FOUND = "QueueDoesNotExist"
    NOT_READY = "GangIncomplete"
    """Fewer tasks exist than the gang's minimum."""
    OVER_QUOTA_NON_PREEMPTIBLE = "NonPreemptibleOverQuota"
    OVER_LIMIT = "OverLimit"
    NEVER_FITS = "NeverFits"
    """No node could take it even if empty."""
    NODES_EXCLUDED = "NoMatchingNode"
    """Node pool, affinity, taints, readiness."""
    FRAGMENTED = "Fragmented"
    """Enough is free in all, not in one place."""
    NO_ROOM = "NotEnoughResources"
    GANG_NOT_WHOLE = "GangNotWhole"
    """Some of its tasks fit, not all."""
    DEVICE_MEMORY = "NotEnoughDeviceMemory"
    TOPOLOGY = "TopologyUnsatisfied"
    POD_AFFINITY = "PodAffinityUnsatisfied"
    SPREAD = "TopologySpreadUnsatisfied"
    BEHIND_OTHERS = "FairShareBelowOthers"
    """Its queue is at or above its fair share and others are ahead."""
    WAITING_FOR_RELEASE = "WaitingForRelease"
    """Nominated: it starts when the victims have left."""
    BIND_BACK_OFF = "BindBackOff"
    NOT_TRIED = "QueueDepthReached"


@dataclass(frozen=True, slots=True)
class Bind:
    """Start a task on a node. `gpu_groups` are the shared devices it is on; `new_gpu_groups` those of them it opens. `why`: this node, if a plugin says."""

    task: str
    gang: str
    node: str
    gpu_groups: tuple[str, ...] = ()
    new_gpu_groups: tuple[str, ...] = ()
    gpu_milli: int = 0
    why: str = ""


@dataclass(frozen=True, slots=True)
class Nomination:
    """A task that gets this place once it is free. `moved`: it runs elsewhere now and is evicted to move here."""

    task: str
    gang: str
    node: str
    gpu_groups: tuple[str, ...] = ()
    gpu_milli: int = 0
    moved: bool = False


@dataclass(frozen=True, slots=True)
class Eviction:
    """Stop a task. `rule` names what allowed it; `numbers` justify it; `beneficiary` is the gang that gains, "" if none."""

    task: str
    gang: str
    node: str
    action: str
    rule: str
    beneficiary: str = ""
    numbers: Mapping[str, int] = field(default_factory=dict)
    message: str = ""


@dataclass(frozen=True, slots=True)
class Counterfactual:
    """The smallest change of one kind after which the gang would be bound or nominated; verified by running the cycle with it."""

    kind: str
    sentence: str
    amount: int = 0
    subject: str = ""
    unit: int = 0
    """Of the amount of a quota or limit: thousandths of a GPU (0), of a core (1), or bytes (2)."""


@dataclass(frozen=True, slots=True)
class Refusal:
    """Why a gang waits. `tally` counts nodes per obstacle; `ahead` is how many gangs of its queue stand before it.

    `is_explained` is false where a change that helps should have been looked for and was not, or not to the end.
    """

    reason: Reason
    message: str
    numbers: Mapping[str, int] = field(default_factory=dict)
    tally: Mapping[str, int] = field(default_factory=dict)
    queue: str = ""
    ahead: int = 0
    counterfactual: Counterfactual | None = None
    is_explained: bool = True


@dataclass(frozen=True, slots=True)
class NodeGpus:
    """Whole devices of a node after the plan; a shared device is not idle."""

    idle: int
    releasing: int


@dataclass(frozen=True, slots=True)
class QueueShare:
    """Where a queue stood when the cycle began."""

    fair_share: Resources
    allocated: Resources
    request: Resources


@dataclass(slots=True)
class Plan:
    """The decisions of one cycle. Apply evictions first, then binds; nominations are for show and forgotten with the cycle.

    State of a task after the plan: bound ones Binding, nominated ones (also when evicted to move) Pipelined, evicted ones Releasing.
    `refusals` is keyed by gang uid; `nodes` holds the nodes that changed; `started` the gangs that got their first places.
    """

    binds: list[Bind] = field(default_factory=list)
    evictions: list[Eviction] = field(default_factory=list)
    nominations: list[Nomination] = field(default_factory=list)
    refusals: dict[str, Refusal] = field(default_factory=dict)
    shares: dict[str, QueueShare] = field(default_factory=dict)
    nodes: dict[str, NodeGpus] = field(default_factory=dict)
    started: list[str] = field(default_factory=list)
    stale: list[str] = field(default_factory=list)
    """Gangs that run below their minimum; the caller remembers since when (`Gang.stale_since`)."""
