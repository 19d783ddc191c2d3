"""Shapes: tasks that every node treats alike share one, so that what was worked out for one serves all."""

from dataclasses import dataclass

from scheduling.engine.model.constraints import ANYWHERE, Constraints
from scheduling.engine.model.tasks import Task, TaskRequest


@dataclass(frozen=True, slots=True)
class Shape:
    """All that placing a task depends on. Labels and namespace are kept only where some task's pod affinity or spread could see them."""

    request: TaskRequest
    constraints: Constraints = ANYWHERE
    nominated_node: str = ""
    namespace: str = ""
    labels: tuple[tuple[str, str], ...] = ()


class ShapeTable:
    """Gives every task the number of its shape."""

    def __init__(self, tasks: list[Task]) -> None:
        self.shapes: list[Shape] = []
        self._numbers: dict[Shape, int] = {}
        self._seen: dict[tuple[object, ...], int] = {}
        self._labels_matter = any(
            task.constraints is not ANYWHERE
            and (
                task.constraints.pod_affinity
                or task.constraints.pod_anti_affinity
                or task.constraints.preferred_pods
                or task.constraints.spread
            )
            for task in tasks
        )

    def index_of(self, task: Task) -> int:
        """The same number for equal shapes; two tasks that share their request and constraints objects cost one lookup."""
        quick = (id(task.request), id(task.constraints), task.nominated_node)
        if not self._labels_matter:
            known = self._seen.get(quick)
            if known is not None:
                return known
        shape = Shape(
            task.request,
            task.constraints,
            task.nominated_node,
            task.namespace if self._labels_matter else "",
            tuple(sorted(task.labels.items())) if self._labels_matter else (),
        )
        number = self._numbers.setdefault(shape, len(self.shapes))
        if number == len(self.shapes):
            self.shapes.append(shape)
        self._seen[quick] = number
        return number
