"""Shapes: tasks that every node treats alike share one, so that what was worked out for one serves all."""

from collections.abc import Iterable
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
    """Gives every task the number of its shape. `labels_matter` when some task looks at others; `shapes` are numbered already."""

    def __init__(self, shapes: Iterable[Shape] = (), *, labels_matter: bool) -> None:
        self.shapes = list(shapes)
        self._labels_matter = labels_matter
        self._numbers = {shape: number for number, shape in enumerate(self.shapes)}
        self._seen: dict[tuple[int, int, str], int] = {}

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
