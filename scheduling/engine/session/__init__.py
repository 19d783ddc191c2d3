"""One cycle at work: the snapshot, its working state, and the plugins' answers combined."""

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from scheduling.engine.config import SchedulerConfig
from scheduling.engine.model.gangs import TopologyConstraint
from scheduling.engine.model.occupancy import Occupancy, SharedDevice
from scheduling.engine.model.resources import Resources
from scheduling.engine.model.shapes import Shape
from scheduling.engine.model.snapshot import NOWHERE, ClusterSnapshot
from scheduling.engine.model.tasks import TaskRequest
from scheduling.engine.plan import Reason, Refusal
from scheduling.engine.plugin import Domain, Key, Plugin
from scheduling.engine.session.free_gpus import FreeGpus
from scheduling.engine.session.gangs import IS_ALIVE, GangTasks, asked_by, is_ready, tasks_to_start
from scheduling.engine.session.lines import GangLines
from scheduling.engine.session.placement import ShapePlacement
from scheduling.engine.transaction.state import WorkingState

if TYPE_CHECKING:
    from scheduling.engine.solver.scenario import Scenario


@dataclass(frozen=True, slots=True)
class Cause:
    """Why a task was evicted: the action, the gang that gains (NOWHERE: none), the rule that allowed it and its numbers."""

    action: str
    rule: str
    beneficiary: int = NOWHERE
    numbers: dict[str, int] = field(default_factory=dict)
    message: str = ""


class Session:
    """What actions and plugins work on. Hooks are combined here and nowhere else."""

    def __init__(
        self, snapshot: ClusterSnapshot, config: SchedulerConfig, now: float, plugins: list[Plugin]
    ) -> None:
        self.snapshot = snapshot
        self.config = config
        self.now = now
        self.plugins = plugins
        self.state = WorkingState(snapshot)
        self.causes: dict[int, Cause] = {}
        """Per evicted task."""
        self.refusals: dict[int, Refusal] = {}
        """What a gate answered, per gang."""
        self.usage: dict[int, tuple[float, float, float]] = {}
        """Historical usage per queue, 0 to 1 of the capacity, where it is known."""
        self.fair_share: list[Resources] = []
        """Per queue, once the fair-share plugin has opened."""
        self.placed_gangs: set[int] = set()
        """Gangs that got places in this cycle."""
        self.stale_gangs: list[int] = []
        """Gangs found running below their minimum."""
        self.asking = NOWHERE
        """In a trial: the gang about which it is asked whether it starts."""
        self.has_answer = False
        """Whether nothing that is still to come can change the answer."""
        self._gang_tasks: dict[int, GangTasks] = {}
        self._attempts: dict[int, tuple[list[int], Resources]] = {}
        self._placements: dict[int, ShapePlacement] = {}
        self._lines: GangLines | None = None
        self._free_gpus: FreeGpus | None = None
        self._hooks: dict[str, tuple[Callable[..., Any], ...]] = {}
        self._queue_keys, self._node_scores = self.hooks("queue_key"), self.hooks("node_score")
        """The hooks asked most often."""
        self._queue_ages: list[Key] = [(one.created_at, queue) for queue, one in enumerate(snapshot.queues)]
        """Per queue the end of its key."""
        for plugin in plugins:
            plugin.opened(self)

    def close(self) -> None:
        """Let go of everything that refers back to the session, so that its memory is free at once, without the garbage collector."""
        self._placements.clear()
        self._hooks.clear()
        self._queue_keys = self._node_scores = ()
        self._lines = None
        self.plugins = []

    # What is waiting

    @property
    def lines(self) -> GangLines:
        if self._lines is None:
            self._lines = GangLines(self)
        return self._lines

    def is_offered(self, gang: int) -> bool:
        """Whether the gang may be tried at all in this cycle: whole enough, and not backing off after a failed bind."""
        one = self.snapshot.gangs[gang]
        if one.bind_retry_at is not None and one.bind_retry_at > self.now:
            return False
        if len(one.tasks) == 1 and one.root is None and (one.min_available or 0) <= 1:
            return IS_ALIVE[self.state.states[self.snapshot.gang_first[gang]]]
        return is_ready(self, self.gang_tasks(gang))

    def gang_tasks(self, gang: int) -> GangTasks:
        known = self._gang_tasks.get(gang)
        if known is None:
            known = self._gang_tasks[gang] = GangTasks(self, gang)
        return known

    def asked(self, gang: int) -> Resources:
        """What the gang's next attempt would add to its queue, by the committed state."""
        return (self._attempts.get(gang) or self._attempt(gang))[1]

    def next_tasks(self, gang: int) -> list[int]:
        """The tasks of the gang's next attempt, by the committed state."""
        return (self._attempts.get(gang) or self._attempt(gang))[0]

    def _attempt(self, gang: int) -> tuple[list[int], Resources]:
        tasks = tasks_to_start(self, gang)
        attempt = self._attempts[gang] = (tasks, asked_by(self, tasks))
        return attempt

    def placement_of(self, task: int) -> ShapePlacement:
        shape = self.snapshot.task_shape[task]
        known = self._placements.get(shape)
        if known is None:
            known = self._placements[shape] = ShapePlacement(self, shape)
        return known

    @property
    def free_gpus(self) -> FreeGpus:
        if self._free_gpus is None:
            self._free_gpus = FreeGpus(self.state)
        return self._free_gpus

    def is_constrained(self, gang: int) -> bool:
        """Whether some part of the gang has a topology constraint; only a tree can have one."""
        return self.snapshot.gangs[gang].root is not None and self.gang_tasks(gang).is_constrained

    def commit(self, mark: int) -> None:
        """Make what was done since the mark part of the plan: order the gangs it touched anew."""
        task_gang, lines = self.snapshot.task_gang, self.lines
        gangs = {task_gang[task] for task in self.state.touched_since(mark)}
        for gang in gangs if len(gangs) == 1 else sorted(gangs):
            self._attempts.pop(gang, None)
            lines.update(gang)

    # The plugins' answers

    def hooks(self, name: str) -> tuple[Callable[..., Any], ...]:
        """The bound methods of the plugins that override a hook, in configured order."""
        try:
            return self._hooks[name]
        except KeyError:
            self._hooks[name] = tuple(getattr(plugin, name) for plugin in self._overriding(name))
            return self._hooks[name]

    def _overriding(self, name: str) -> list[Plugin]:
        return [plugin for plugin in self.plugins if getattr(type(plugin), name) is not getattr(Plugin, name)]

    def queue_key(self, queue: int, asked: Resources, popped: Resources) -> Key:
        key: Key = ()
        for hook in self._queue_keys:
            key += hook(self, queue, asked, popped)
        return key + self._queue_ages[queue]

    def gang_key(self, gang: int) -> Key:
        """What each plugin says, one after the other, then age; its last part is the gang itself."""
        key = [hook(self, gang) for hook in self.hooks("gang_key")]
        return (*key, self.snapshot.gangs[gang].created_at, gang)

    def gang_keys(self, gangs: Sequence[int]) -> list[Key]:
        """The keys of many gangs."""
        every = self.snapshot.gangs
        columns = [plugin.gang_keys(self, gangs) for plugin in self._overriding("gang_key")]
        return list(zip(*columns, [every[gang].created_at for gang in gangs], gangs, strict=True))

    def task_key(self, task: int) -> Key:
        one = self.snapshot.tasks[task]
        key: Key = ()
        for hook in self.hooks("task_key"):
            key += hook(self, task)
        return (*key, one.created_at, one.uid)

    def may_start(self, gang: int, asked: Resources) -> Refusal | None:
        for hook in self.hooks("may_start"):
            refusal: Refusal | None = hook(self, gang, asked)
            if refusal is not None:
                return refusal
        return None

    def may_take(self, action: str, gang: int, asked: Resources) -> Refusal | None:
        answer: Refusal | None = self._first("may_take", action, gang, asked)
        return answer

    def obstacles(self, shape: Shape) -> list[str | None]:
        """Per node what keeps such tasks off it for good, or None."""
        found: list[str | None] = [None] * len(self.snapshot.nodes)
        for plugin in self._overriding("admits"):
            if plugin.restricts(self, shape):
                found = [
                    plugin.admits(self, shape, node) if obstacle is None else obstacle
                    for node, obstacle in enumerate(found)
                ]
        return found

    def is_checked_in_place(self, shape: Shape) -> bool:
        """Whether `misfit` may object to such tasks at all."""
        return any(plugin.concerns(self, shape) for plugin in self._overriding("fits"))

    def misfit(self, task: int, node: int) -> str | None:
        answer: str | None = self._first("fits", task, node)
        return answer

    def objection(self, task: int, node: int) -> tuple[Reason, str] | None:
        """What `misfit` says, with the reason it comes to."""
        for plugin in self.plugins:
            if type(plugin).fits is not Plugin.fits and (words := plugin.fits(self, task, node)) is not None:
                return plugin.objection, words
        return None

    def _first(self, name: str, *arguments: object) -> Any:
        for hook in self.hooks(name):
            answer = hook(self, *arguments)
            if answer is not None:
                return answer
        return None

    def may_evict(self, action: str, beneficiary: int, victim: int) -> bool:
        for hook in self.hooks("may_evict"):  # noqa: SIM110  asked very often, and a generator would cost more than the answer
            if not hook(self, action, beneficiary, victim):
                return False
        return True

    def accepts(self, scenario: "Scenario") -> bool:
        return all(hook(self, scenario) for hook in self.hooks("accepts"))

    def constant_scores(self, shape: Shape, obstacles: list[str | None]) -> list[float]:
        """Per node the part of the score that does not change during a cycle; 0 where there is an obstacle."""
        scores = [0.0] * len(obstacles)
        for plugin in self._overriding("constant_score"):
            if plugin.prefers(self, shape):
                for node, obstacle in enumerate(obstacles):
                    if obstacle is None:
                        scores[node] += plugin.constant_score(self, shape, node)
        return scores

    def node_score(self, shape: Shape, node: int, *, fits_now: bool) -> float:
        score = 0.0
        for hook in self._node_scores:
            score += hook(self, shape, node, fits_now=fits_now)
        return score

    def neighbour_score(self, task: int, node: int) -> float:
        return float(sum(hook(self, task, node) for hook in self.hooks("neighbour_score")))

    def device_score(self, request: TaskRequest, node: Occupancy, device: SharedDevice | None) -> float:
        return float(sum(hook(self, request, node, device) for hook in self.hooks("device_score")))

    def reason_for_place(self, task: int, node: int) -> str:
        sentences = [hook(self, task, node) for hook in self.hooks("reason_for_place")]
        return " ".join(filter(None, sentences)) if sentences else ""

    def domains(
        self, constraint: TopologyConstraint | None, within: Domain, tasks: list[int], active: list[int]
    ) -> Iterator[Domain]:
        if constraint is not None:
            for hook in self.hooks("domains"):
                answer: Iterator[Domain] | None = hook(self, constraint, within, tasks, active)
                if answer is not None:
                    return answer
        return iter((within,))
