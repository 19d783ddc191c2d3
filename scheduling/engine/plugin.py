"""The one contract of a plugin: orders, gates, vetoes and scores. Override what the plugin has an opinion on.

Session hooks that nobody overrides cost nothing: the session collects the overriding plugins once, when it opens.
"""

from collections.abc import Iterator, Mapping, Sequence
from typing import TYPE_CHECKING, Any, NamedTuple

from scheduling.engine.model.gangs import TopologyConstraint
from scheduling.engine.model.resources import Resources
from scheduling.engine.plan import Reason, Refusal

if TYPE_CHECKING:
    from scheduling.engine.model.occupancy import Occupancy, SharedDevice
    from scheduling.engine.model.shapes import Shape
    from scheduling.engine.model.tasks import TaskRequest
    from scheduling.engine.session import Session
    from scheduling.engine.solver.scenario import Scenario

Key = tuple[Any, ...]


class Domain(NamedTuple):
    """A set of nodes to place a group in, and what some of them gain in score; None is every node."""

    nodes: tuple[int, ...] | None = None
    extra: Mapping[int, float] = {}


EVERYWHERE = Domain()


class Plugin:
    """Base of all plugins. Indices name queues, gangs, tasks and nodes as in the snapshot.

    Options are fields of the plugin's dataclass.
    """

    name: str = ""
    objection: Reason = Reason.POD_AFFINITY
    """The reason given to a gang that waits because of `fits`."""
    judges_gangs: bool = False
    """Whether `fits` looks at whose task it is, so that tasks of one shape may fare differently."""

    def opened(self, session: "Session") -> None:
        """Notice: a cycle begins. Work out what lasts for the cycle."""

    # Orders: smaller keys first; the keys of all plugins are joined in configured order, name last.

    def queue_key(self, session: "Session", queue: int, asked: Resources, popped: Resources) -> Key:
        """Among siblings. `asked` is what the queue's next gang would add; `popped` what was already chosen as victims there."""
        return ()

    def gang_key(self, session: "Session", gang: int) -> Key:
        """Inside a leaf queue. Victims are taken in the reverse order."""
        return ()

    def gang_keys(self, session: "Session", gangs: Sequence[int]) -> list[Key]:
        """The same for many gangs at once: to be overridden where that is quicker, never to answer something else."""
        return [self.gang_key(session, gang) for gang in gangs]

    def task_key(self, session: "Session", task: int) -> Key:
        """Inside a pod set. Evictions go in the reverse order."""
        return ()

    # Gates: nothing, or why not. All must agree.

    def may_start(self, session: "Session", gang: int, asked: Resources) -> Refusal | None:
        """Before any node is looked at: quotas and limits."""
        return None

    def may_take(self, session: "Session", action: str, gang: int, asked: Resources) -> Refusal | None:
        """Whether the gang may look for victims in this action at all."""
        return None

    def restricts(self, session: "Session", shape: "Shape") -> bool:
        """Whether `admits` could object to any node for such tasks; where it could not, it is not asked node by node."""
        return True

    def admits(self, session: "Session", shape: "Shape", node: int) -> str | None:
        """Whether the node could ever take such tasks, whatever runs there now; else the obstacle, as a short phrase."""
        return None

    def concerns(self, session: "Session", shape: "Shape") -> bool:
        """Whether `fits` could ever object to such tasks; where no plugin could, nobody asks."""
        return True

    def fits(self, session: "Session", task: int, node: int) -> str | None:
        """What depends on where other tasks run at this moment; asked for the node that would be chosen."""
        return None

    # Vetoes: all must agree.

    def may_evict(self, session: "Session", action: str, beneficiary: int, victim: int) -> bool:
        """Whether anything of the victim gang may be taken. Whether its core may is for `accepts`."""
        return True

    def accepts(self, session: "Session", scenario: "Scenario") -> bool:
        """A whole solution: who gains, who loses, after everything has been placed."""
        return True

    # Scores: points, larger is better; docs/scheduler.md has the table of tiers. Answers are added up.

    def prefers(self, session: "Session", shape: "Shape") -> bool:
        """Whether `constant_score` could be other than 0 for such tasks; where it could not, it is not asked node by node."""
        return True

    def constant_score(self, session: "Session", shape: "Shape", node: int) -> float:
        """The part of the node score that does not change during a cycle."""
        return 0.0

    def node_score(self, session: "Session", shape: "Shape", node: int, *, fits_now: bool) -> float:
        """The part that depends on what runs on the node now; must depend on nothing but the shape and that node."""
        return 0.0

    def neighbour_score(self, session: "Session", task: int, node: int) -> float:
        """The part that depends on where other tasks run; asked only for tasks that carry such wishes."""
        return 0.0

    def device_score(
        self, session: "Session", request: "TaskRequest", node: "Occupancy", device: "SharedDevice | None"
    ) -> float:
        """Of a device of the node for such a shared request; None is a device nobody uses yet."""
        return 0.0

    # Telling: a sentence, or nothing to say.

    def reason_for_place(self, session: "Session", task: int, node: int) -> str:
        """Why a task that is bound goes to this node, by how things stand at the end of the cycle."""
        return ""

    # Narrowing: node sets to try in turn, best first.

    def domains(
        self,
        session: "Session",
        constraint: TopologyConstraint,
        within: Domain,
        tasks: list[int],
        active: list[int],
    ) -> Iterator[Domain] | None:
        """Where a group of tasks may go together, `active` ones of it running already; None when this plugin does not know."""
        return None
