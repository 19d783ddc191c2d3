"""Which of the fitting nodes is better, apart from density: nominated, free right now, of the right kind."""

from dataclasses import dataclass

from scheduling.engine.model.shapes import Shape
from scheduling.engine.plugin import Plugin
from scheduling.engine.session import Session

NOMINATED_POINTS = 1_000_000.0
FREE_NOW_POINTS = 100.0
RIGHT_KIND_POINTS = 10.0


@dataclass
class NominatedNode(Plugin):
    """A node that was promised to the pod before everything else."""

    name = "nominated_node"

    def prefers(self, session: Session, shape: Shape) -> bool:
        return bool(shape.nominated_node)

    def constant_score(self, session: Session, shape: Shape, node: int) -> float:
        return NOMINATED_POINTS if session.snapshot.nodes[node].name == shape.nominated_node else 0.0


@dataclass
class Availability(Plugin):
    """Room that is free now before room that is being released."""

    name = "availability"

    def node_score(self, session: Session, shape: Shape, node: int, *, fits_now: bool) -> float:
        return FREE_NOW_POINTS if fits_now else 0.0


@dataclass
class ResourceType(Plugin):
    """Tasks without GPUs leave the GPU nodes alone where they can."""

    name = "resource_type"

    def prefers(self, session: Session, shape: Shape) -> bool:
        return not shape.request.gpu.devices

    def constant_score(self, session: Session, shape: Shape, node: int) -> float:
        return 0.0 if session.snapshot.nodes[node].gpus else RIGHT_KIND_POINTS
