"""The table of projects and quotas: departments with their projects, a cell per node pool on the pool's common scale."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field

from access.checks import Person
from access.permissions import Permission
from organization import queries, usage
from organization.models import Cluster, Department, NodePool, PoolResources, Project, Rank
from organization.quotas import CPU, DIMENSIONS, GPU, MEMORY, Dimension
from organization.usage import NOTHING, Usage
from ui.bullet import scale_for

BY_FIELD = {one.field: one for one in DIMENSIONS}
STEP = {GPU.field: 8, CPU.field: 64, MEMORY.field: 256}
"""Scales end at a multiple of so many GPUs, cores, GiB."""
CAPACITY = {GPU.field: "gpu_total", CPU.field: "cpu_total", MEMORY.field: "memory_total"}
SHORT = {GPU.field: "GPUs", CPU.field: "cores", MEMORY.field: "GiB"}


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
    def is_empty(self) -> bool:
        return not self.quota and self.quota is not None and not self.held and not self.waiting


@dataclass(frozen=True)
class Row:
    project: Project
    cells: tuple[Cell, ...]
    is_yours: bool
    may_give: bool

    @property
    def rank_and_weight(self) -> str:
        """As most pools have it: 'rank Medium low, weight 2', or 'rank and weight differ by pool'."""
        pairs = {(cell.row.rank, cell.row.gpu_weight) for cell in self.cells if cell.row}
        if len(pairs) != 1:
            return "rank and weight differ by pool"
        rank, weight = next(iter(pairs))
        return f"rank {Rank(rank).label.lower()}, weight {weight}"


@dataclass(frozen=True)
class Group:
    """`cells` are the department's own; empty when the person may not see the whole department."""

    department: Department
    cells: tuple[Cell, ...]
    may_give: bool
    rows: list[Row] = field(default_factory=list)


@dataclass(frozen=True)
class Column:
    pool: NodePool
    capacity: float
    scale: float


@dataclass(frozen=True)
class QuotaTable:
    dimension: Dimension
    columns: tuple[Column, ...]
    groups: tuple[Group, ...]
    is_known: bool

    @property
    def unit(self) -> str:
        return SHORT[self.dimension.field]

    @property
    def width(self) -> int:
        return len(self.columns) + 2

    @property
    def project_count(self) -> int:
        return sum(len(group.rows) for group in self.groups)

    @property
    def capacity(self) -> float:
        return sum(column.capacity for column in self.columns)


def build(person: Person, cluster: Cluster, *, dimension: str = GPU.field, search: str = "") -> QuotaTable:
    """A fixed number of queries, however many projects there are."""
    chosen = BY_FIELD.get(dimension, GPU)
    pools = list(queries.with_capacity(cluster.node_pools.order_by("name")))
    pools = [pool for pool in pools if not pool.is_default] + [pool for pool in pools if pool.is_default]
    projects = list(queries.visible_projects(person).filter(cluster=cluster).order_by("name"))
    whole = {d.pk: d for d in queries.visible_departments(person).filter(cluster=cluster).order_by("name")}
    departments = {**whole, **{p.department_id: p.department for p in projects}}
    quotas = queries.quotas_by_unit(queries.quotas_of(cluster))
    known = usage.of_projects([project.pk for project in projects])
    yours = queries.own_project_ids(person)
    givers = set(queries.visible_departments(person, Permission.EDIT_PROJECTS).values_list("pk", flat=True))
    may_give_departments = (
        queries.covered_clusters(person, Permission.EDIT_DEPARTMENTS).filter(pk=cluster.pk).exists()
    )

    project_cells = {
        p.pk: [
            _cell(pool, quotas[("project", p.pk)].get(pool.pk), _used(known, [p], pool), chosen)
            for pool in pools
        ]
        for p in projects
    }
    department_cells = {
        key: [
            _cell(
                pool,
                quotas[("department", key)].get(pool.pk),
                _used(known, [p for p in projects if p.department_id == key], pool),
                chosen,
            )
            for pool in pools
        ]
        for key in whole
    }
    scales = _scales(len(pools), project_cells.values(), chosen)
    groups = []
    for key, department in sorted(departments.items(), key=lambda pair: pair[1].name):
        rows = [
            Row(p, _scaled(project_cells[p.pk], scales), p.pk in yours, key in givers)
            for p in projects
            if p.department_id == key and _matches(p, search)
        ]
        if rows or not search:
            cells = tuple(department_cells.get(key, ()))
            groups.append(Group(department, cells, may_give_departments and key in whole, rows))
    columns = [
        Column(pool, in_units(getattr(pool, CAPACITY[chosen.field]) * _factor(chosen), chosen) or 0, scale)
        for pool, scale in zip(pools, scales, strict=True)
    ]
    return QuotaTable(chosen, tuple(columns), tuple(groups), known is not None)


def _factor(dimension: Dimension) -> int:
    """Nodes count whole GPUs, but thousandths of cores and bytes."""
    return 1000 if dimension is GPU else 1


def _matches(project: Project, search: str) -> bool:
    text = f"{project.name} {project.department.name} {project.description}".lower()
    return all(word in text for word in search.lower().split())


def _used(known: usage.PoolUsage | None, projects: Iterable[Project], pool: NodePool) -> Usage | None:
    if known is None:
        return None
    return sum((known.get((project.pk, pool.name), NOTHING) for project in projects), NOTHING)


def _cell(pool: NodePool, row: PoolResources | None, used: Usage | None, dimension: Dimension) -> Cell:
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
    pools = list(unit.cluster.node_pools.order_by("name"))
    cells = [_cell(pool, rows.get(pool.pk), _used(known, projects, pool), dimension) for pool in pools]
    return [_on_scale(cell, _scales(1, [[cell]], dimension)[0]) for cell in cells]


def _scales(count: int, cells: Iterable[Sequence[Cell]], dimension: Dimension) -> list[float]:
    rows = list(cells)
    return [
        float(scale_for([_furthest(row[index]) for row in rows], STEP[dimension.field]))
        for index in range(count)
    ]


def _furthest(cell: Cell) -> float:
    return max((cell.held or 0) + cell.waiting, cell.quota or 0, cell.fair_share or 0)


def _scaled(cells: Sequence[Cell], scales: Sequence[float]) -> tuple[Cell, ...]:
    return tuple(_on_scale(cell, scale) for cell, scale in zip(cells, scales, strict=True))


def _on_scale(cell: Cell, scale: float) -> Cell:
    return Cell(cell.pool, cell.row, cell.quota, cell.held, cell.waiting, cell.fair_share, scale)


def csv_rows(table: QuotaTable) -> list[list[object]]:
    """Heading and one line per project and pool; what is unknown or unlimited is said so."""
    unit = table.unit
    lines: list[list[object]] = [
        [
            "project",
            "department",
            "node pool",
            f"quota ({unit})",
            f"held ({unit})",
            f"over ({unit})",
            f"waiting ({unit})",
        ]
    ]
    for group in table.groups:
        for row in group.rows:
            for cell in row.cells:
                quota = "unlimited" if cell.quota is None else cell.quota
                held, over = ("unknown", "unknown") if cell.held is None else (cell.held, cell.over)
                waiting = "unknown" if cell.held is None else cell.waiting
                lines.append(
                    [row.project.name, group.department.name, cell.pool.name, quota, held, over, waiting]
                )
    return lines
