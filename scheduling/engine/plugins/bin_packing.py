"""Fill nodes one after the other: the fullest that fits. GPU tasks look at GPUs, the others at CPU."""

from dataclasses import dataclass

from scheduling.engine.model.shapes import Shape
from scheduling.engine.plugin import Plugin
from scheduling.engine.session import Session

DENSITY_POINTS = 9.0


@dataclass
class BinPacking(Plugin):
    """`gpu` and `cpu` say for which tasks: those that ask for GPUs, and those that do not."""

    name = "bin_packing"
    gpu: bool = True
    cpu: bool = True
    most_gpus: int = 1
    most_cpu: int = 1

    def opened(self, session: Session) -> None:
        self.most_gpus = max((node.gpus for node in session.snapshot.nodes), default=0) or 1
        self.most_cpu = max((node.cpu_milli for node in session.snapshot.nodes), default=0) or 1

    def node_score(self, session: Session, shape: Shape, node: int, *, fits_now: bool) -> float:
        """Free counts what is being released. The scale is the largest node's: only the order matters."""
        one = session.state.occupancy[node]
        if shape.request.gpu.devices:
            if not self.gpu:
                return 0.0
            return DENSITY_POINTS * (1 - (one.idle_gpus + one.releasing_gpus) / self.most_gpus)
        if not self.cpu:
            return 0.0
        return DENSITY_POINTS * (1 - (one.idle_cpu + one.releasing_cpu) / self.most_cpu)
