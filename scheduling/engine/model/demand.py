"""What a pool is usually asked for: the requests seen there, and how often each."""

from dataclasses import dataclass

from scheduling.engine.model.tasks import TaskRequest


@dataclass(frozen=True, slots=True)
class AskedShape:
    """One kind of request and the number of tasks that made it."""

    request: TaskRequest
    tasks: int


@dataclass(frozen=True, slots=True)
class Demand:
    """Requests of the recent past, each kind once. An empty one says that nothing is known yet."""

    shapes: tuple[AskedShape, ...] = ()

    @property
    def tasks(self) -> int:
        return sum(shape.tasks for shape in self.shapes)


NO_DEMAND = Demand()
