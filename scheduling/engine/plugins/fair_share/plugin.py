"""Fair share: divides the cluster among the queues, orders them, guards quotas and limits, and judges reclaims."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from fractions import Fraction
from math import lcm

from scheduling.engine.model.queues import Queue
from scheduling.engine.model.resources import Bounds, Resources
from scheduling.engine.model.shapes import Shape
from scheduling.engine.model.snapshot import NOWHERE, ClusterSnapshot
from scheduling.engine.plan import Reason, Refusal
from scheduling.engine.plugin import Key, Plugin
from scheduling.engine.plugins.fair_share import capacity, reclaim_rules
from scheduling.engine.plugins.fair_share.capacity import INFINITE
from scheduling.engine.plugins.fair_share.division import Claim, ShareNode, divide_tree
from scheduling.engine.plugins.fair_share.reclaim_rules import QueueStanding
from scheduling.engine.session import Session
from scheduling.engine.solver.scenario import Scenario

UNITS = (1000, 1, 1)
"""One whole piece of each resource: a GPU, a millicore, a byte."""


@dataclass
class FairShare(Plugin):
    """Keeps per queue, in plain integers: share, deserved, limit, the line above which others may take (`allocatable`), and
    what fullness is a proportion of (`whole`); `bounds` is the limit with None for unlimited.
    """

    name = "fair_share"
    objection = Reason.OVER_LIMIT
    saturation_multiplier: float | None = None
    share: list[Resources] = field(default_factory=list)
    deserved: list[tuple[int, int, int]] = field(default_factory=list)
    limit: list[tuple[int, int, int]] = field(default_factory=list)
    allocatable: list[tuple[int, int, int]] = field(default_factory=list)
    whole: list[tuple[int, int, int]] = field(default_factory=list)
    rank: list[int] = field(default_factory=list)
    bounds: list[Bounds] = field(default_factory=list)
    _standings: "_Standings | None" = None

    def opened(self, session: Session) -> None:
        snapshot = session.snapshot
        self.share = divide(snapshot, session.usage, session.config.usage_weight)
        session.fair_share = self.share
        self.rank = [queue.rank for queue in snapshot.queues]
        self.deserved = [_finite(queue.deserved) for queue in snapshot.queues]
        self.bounds = [queue.effective_limit() for queue in snapshot.queues]
        self.limit = [_finite(bounds) for bounds in self.bounds]
        self.allocatable = [
            _lines(deserved, share, limit)
            for deserved, share, limit in zip(self.deserved, self.share, self.limit, strict=True)
        ]
        self.whole = [_whole(line, snapshot.total) for line in self.allocatable]

    # Order

    def queue_key(self, session: Session, queue: int, asked: Resources, popped: Resources) -> Key:
        """Over its share in everything: last. Within its quota with the next gang: first. Then rank, then who has least of its share."""
        gpu, cpu, memory = session.state.ledger.allocated[queue]
        share, deserved, line = self.share[queue], self.deserved[queue], self.allocatable[queue]
        over = share[0] < gpu and share[1] < cpu and share[2] < memory
        with_gpu, with_cpu, with_memory = gpu + asked[0], cpu + asked[1], memory + asked[2]
        beyond_quota = with_gpu > deserved[0] or with_cpu > deserved[1] or with_memory > deserved[2]
        no_share = 0 in line and (
            (not line[0] and with_gpu > 0)
            or (not line[1] and with_cpu > 0)
            or (not line[2] and with_memory > 0)
        )
        whole = self.whole[queue]
        without = _fullness(whole, gpu, cpu, memory)
        with_gang = _fullness(whole, with_gpu - popped[0], with_cpu - popped[1], with_memory - popped[2])
        return (over, beyond_quota, -self.rank[queue], no_share, with_gang, without, line)

    # Gates

    def may_start(self, session: Session, gang: int, asked: Resources) -> Refusal | None:
        """Limits at every level, and for the non-preemptible the deserved amount; a resource that is not asked for is not checked."""
        return capacity.check(self, session, gang, asked)

    def concerns(self, session: Session, shape: Shape) -> bool:
        return shape.request.gpu.memory_mib > 0

    def fits(self, session: Session, task: int, node: int) -> str | None:
        """Requests by memory count differently on each kind of device: the same checks with what this node would make of it."""
        snapshot = session.snapshot
        if (
            capacity.check(self, session, snapshot.task_gang[task], session.state.charge_of(task, node))
            is None
        ):
            return None
        return "the queue's quota or limit is too small for what the request is on these devices"

    def may_take(self, session: Session, action: str, gang: int, asked: Resources) -> Refusal | None:
        """A queue reclaims up to its fair share and no further; the non-preemptible take only within the deserved amount."""
        if action == "reclaim":
            queue = session.snapshot.gang_queue[gang]
            allocated, share = session.state.ledger.allocated[queue], self.share[queue]
            if any(allocated[unit] + asked[unit] > share[unit] for unit in range(3)):
                return capacity.above_share(self, session, gang, asked)
        if not session.state.is_preemptible(gang):
            return capacity.check_non_preemptible(self, session, gang, asked)
        return None

    # Veto

    def accepts(self, session: Session, scenario: Scenario) -> bool:
        """Only reclaim has rules about queues: every unit needs a reason, and the taker must not end up fuller than who lost."""
        if scenario.action != "reclaim":
            return True
        snapshot = session.snapshot
        victims = {
            snapshot.queues[queue].name: units for queue, units in scenario.losses_by_queue(session).items()
        }
        multiplier = self.saturation_multiplier or session.config.saturation_multiplier
        if self._standings is None or self._standings.allocated is not scenario.allocated:
            self._standings = _Standings(self, snapshot, scenario)
        return reclaim_rules.accepts(
            self._standings,
            queue=snapshot.queues[scenario.queue].name,
            request=tuple(scenario.asked),
            preemptible=session.state.is_preemptible(scenario.beneficiary),
            victims=victims,
            saturation_multiplier=multiplier,
        )


class _Standings(dict[str, QueueStanding]):
    """The queues as they stood when a search began, made as they are asked for and kept for all tries of the search."""

    def __init__(self, plugin: FairShare, snapshot: ClusterSnapshot, scenario: Scenario) -> None:
        super().__init__()
        self._plugin = plugin
        self._snapshot = snapshot
        self.allocated = scenario.allocated
        self._non_preemptible = scenario.non_preemptible

    def __missing__(self, name: str) -> QueueStanding:
        made = self[name] = self._make(self._snapshot.queue_index[name])
        return made

    def __contains__(self, name: object) -> bool:
        return name in self._snapshot.queue_index

    def _make(self, index: int) -> QueueStanding:
        queue = self._snapshot.queues[index]
        return QueueStanding(
            name=queue.name,
            parent=queue.parent or None,
            deserved=queue.deserved,
            limit=self._plugin.bounds[index],
            share=self._plugin.share[index],
            allocated=tuple(self.allocated[index]),
            allocated_non_preemptible=tuple(self._non_preemptible[index]),
        )


def divide(
    snapshot: ClusterSnapshot, usage: Mapping[int, tuple[float, float, float]], usage_weight: float
) -> list[Resources]:
    """The fair share of every queue, by index."""
    scale = _weight_scale(snapshot.queues)
    nodes: list[ShareNode] = []
    for index, queue in enumerate(snapshot.queues):
        weights = (queue.weights.gpu, queue.weights.cpu, queue.weights.memory)
        limit, used = queue.effective_limit(), usage.get(index, (0.0, 0.0, 0.0))
        claims = tuple(
            Claim(
                name=queue.name,
                deserved=queue.deserved[unit],
                limit=limit[unit],
                weight=round(Fraction(weights[unit]) * scale),
                request=snapshot.queue_sums[index].request[unit],
                rank=queue.rank,
                created=queue.created_at,
                usage=used[unit],
            )
            for unit in range(3)
        )
        nodes.append(ShareNode(claims))
    for index, parent in enumerate(snapshot.queue_parent):
        if parent != NOWHERE:
            nodes[parent].children.append(nodes[index])
    top = [node for node, parent in zip(nodes, snapshot.queue_parent, strict=True) if parent == NOWHERE]
    divide_tree(snapshot.total, top, units=UNITS, usage_weight=usage_weight)
    return [Resources(*(claim.share for claim in node.claims)) for node in nodes]


def _weight_scale(queues: list[Queue]) -> int:
    """What to multiply weights with so that all become integers: thousandths at least."""
    weights = {
        weight for queue in queues for weight in (queue.weights.gpu, queue.weights.cpu, queue.weights.memory)
    }
    return lcm(1, *(Fraction(weight).limit_denominator(1000).denominator for weight in weights))


def _finite(bounds: Bounds) -> tuple[int, int, int]:
    gpu, cpu, memory = (INFINITE if bound is None else bound for bound in bounds)
    return gpu, cpu, memory


def _lines(
    deserved: tuple[int, int, int], share: Resources, limit: tuple[int, int, int]
) -> tuple[int, int, int]:
    """The larger of deserved and share, capped by the limit; where deserved is unlimited, the limit alone."""
    gpu, cpu, memory = (
        limit[unit] if deserved[unit] >= INFINITE else min(limit[unit], max(deserved[unit], share[unit]))
        for unit in range(3)
    )
    return gpu, cpu, memory


def _whole(line: tuple[int, int, int], total: Resources) -> tuple[int, int, int]:
    """What fullness is a proportion of: the queue's line, of an unlimited one the cluster; 0 where there is neither."""
    gpu, cpu, memory = (
        max(0, all_of_it if amount >= INFINITE else amount)
        for amount, all_of_it in zip(line, total, strict=True)
    )
    return gpu, cpu, memory


def _fullness(whole: tuple[int, int, int], gpu: int, cpu: int, memory: int) -> float:
    """The largest of the three proportions; use of what the queue has no line for weighs heavily."""
    per_gpu, per_cpu, per_memory = whole
    fullest = gpu / per_gpu if per_gpu else float(gpu)
    of_cpu = cpu / per_cpu if per_cpu else float(cpu * 1000)
    of_memory = memory / per_memory if per_memory else float(memory * 1000)
    if of_cpu > fullest:
        fullest = of_cpu
    return of_memory if of_memory > fullest else fullest
