"""What one unit holds of its quota in one node pool, ready to be drawn as a bullet."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from organization import usage
from organization.models import Department, NodePool, PoolResources, Project
from organization.quotas import CPU, GPU, MEMORY, Dimension
from organization.usage import NOTHING, Usage
from ui.bullet import scale_for

STEP = {GPU.field: 8, CPU.field: 64, MEMORY.field: 256}
"""Scales end at a multiple of so many GPUs, cores, GiB."""


def in_units(amount: int | None, dimension: Dimension) -> float | None:
    """GPUs, cores, GiB."""
    return None if amount is None else amount / (2**30 if dimension is MEMORY else 1000)


@dataclass(frozen=True)
class Cell:
    """One unit in one pool, in whole units. `held` None = nobody knows; `quota` None = unlimited."""

    pool: NodePool
    row: PoolResources | None
    quota: float | None
    held: float | None
    waiting: float
    fair_share: float | None
    scale: float = 1

    @property
    def is_over(self) -> bool:
        return self.held is not None and self.quota is not None and self.held > self.quota

    @property
    def over(self) -> float | None:
        """Held over quota; None when it is not known."""
        if self.held is None:
            return None
        return 0.0 if self.quota is None else max(0.0, self.held - self.quota)

    @property
    def is_idle(self) -> bool:
        """No GPUs deserved and nothing known to be held."""
        return not (self.row and self.row.gpu_deserved_milli) and not self.held and not self.waiting

    @property
    def is_empty(self) -> bool:
        return not self.quota and self.quota is not None and not self.held and not self.waiting


def default_last(pools: Iterable[NodePool]) -> list[NodePool]:
    return sorted(pools, key=lambda pool: (pool.is_default, pool.name))


def used_by(known: usage.PoolUsage | None, projects: Iterable[Project], pool: NodePool) -> Usage | None:
    if known is None:
        return None
    return sum((known.get((project.pk, pool.name), NOTHING) for project in projects), NOTHING)


def cell_of(pool: NodePool, row: PoolResources | None, used: Usage | None, dimension: Dimension) -> Cell:
    deserved = getattr(row, dimension.deserved) if row else 0
    fair = used.fair_share_gpu_milli if used and dimension is GPU else None
    return Cell(
        pool=pool,
        row=row,
        quota=in_units(deserved, dimension),
        held=in_units(getattr(used.held, dimension.held), dimension) if used else None,
        waiting=(in_units(getattr(used.waiting, dimension.held), dimension) or 0) if used else 0,
        fair_share=in_units(fair, dimension),
    )


def cells_of(unit: Project | Department, dimension: Dimension = GPU) -> list[Cell]:
    """One unit in every pool of its cluster, each on a scale of its own."""
    projects = [unit] if isinstance(unit, Project) else list(unit.projects.all())
    known = usage.of_projects([project.pk for project in projects])
    rows = {row.pool_id: row for row in unit.resources.select_related("pool")}
    pools = default_last(unit.cluster.node_pools.order_by("name"))
    cells = [cell_of(pool, rows.get(pool.pk), used_by(known, projects, pool), dimension) for pool in pools]
    return [_on_scale(cell, scales_of(1, [[cell]], dimension)[0]) for cell in cells]


def scales_of(count: int, cells: Iterable[Sequence[Cell]], dimension: Dimension) -> list[float]:
    rows = list(cells)
    return [
        float(scale_for([_furthest(row[index]) for row in rows], STEP[dimension.field]))
        for index in range(count)
    ]


def _furthest(cell: Cell) -> float:
    return max((cell.held or 0) + cell.waiting, cell.quota or 0, cell.fair_share or 0)


def on_scales(cells: Sequence[Cell], scales: Sequence[float]) -> tuple[Cell, ...]:
    return tuple(_on_scale(cell, scale) for cell, scale in zip(cells, scales, strict=True))


def _on_scale(cell: Cell, scale: float) -> Cell:
    return Cell(cell.pool, cell.row, cell.quota, cell.held, cell.waiting, cell.fair_share, scale)
