"""Use nodes evenly: the emptiest in proportion to its size."""

from dataclasses import dataclass

from scheduling.engine.model.shapes import Shape
from scheduling.engine.plugin import Plugin
from scheduling.engine.session import Session


@dataclass
class Spreading(Plugin):
    """`gpu` and `cpu` say for which tasks: those that ask for GPUs, and those that do not."""

    name = "spreading"
    gpu: bool = True
    cpu: bool = True

    def node_score(self, session: Session, shape: Shape, node: int, *, fits_now: bool) -> float:
        occupancy, one = session.state.occupancy[node], session.snapshot.nodes[node]
        if shape.request.gpu.devices:
            free, whole = occupancy.idle_gpus + occupancy.releasing_gpus, one.gpus
            wanted = self.gpu
        else:
            free, whole = occupancy.idle_cpu + occupancy.releasing_cpu, one.cpu_milli
            wanted = self.cpu
        return free / whole if wanted and whole else 0.0
