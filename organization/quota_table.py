"""The table of projects and quotas: departments with their projects, a cell per node pool on the pool's common scale."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field

from access.checks import Person
from access.permissions import Permission
from organization import queries, usage
from organization.models import Cluster, Department, NodePool, PoolResources, Project, Rank
from organization.quota_cells import Cell, cell_of, default_last, in_units, on_scales, scales_of, used_by
from organization.quotas import CPU, DIMENSIONS, GPU, MEMORY, Dimension
from ui.wording import number

BY_FIELD = {one.field: one for one in DIMENSIONS}
CAPACITY = {GPU.field: "gpu_total", CPU.field: "cpu_total", MEMORY.field: "memory_total"}
SHORT = {GPU.field: "GPUs", CPU.field: "cores", MEMORY.field: "GiB"}


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

    @property
    def knows_fair_share(self) -> bool:
        rows = (row for group in self.groups for row in group.rows)
        return any(cell.fair_share is not None for row in rows for cell in row.cells)

    def words(self, cluster: str) -> str:
        """'4 projects share 56 ready GPUs in 3 node pools of oslo-1'."""
        projects, pools = self.project_count, len(self.columns)
        share = "project has" if projects == 1 else "projects share"
        return (
            f"{projects} {share} {number(self.capacity)} ready {self.unit} "
            f"in {pools} node pool{'s' * (pools != 1)} of {cluster}"
        )


def build(person: Person, cluster: Cluster, *, dimension: str = GPU.field, search: str = "") -> QuotaTable:
    """A fixed number of queries, however many projects there are. Pools with nothing in them are left out."""
    projects = list(queries.visible_projects(person).filter(cluster=cluster).order_by("name"))
    facts = Facts(
        dimension=BY_FIELD.get(dimension, GPU),
        quotas=queries.quotas_by_unit(queries.quotas_of(cluster)),
        known=usage.of_projects([project.pk for project in projects]),
    )
    pools = facts.in_use(default_last(queries.with_capacity(cluster.node_pools.all())), projects)
    cells = {project.pk: facts.cells("project", project.pk, [project], pools) for project in projects}
    scales = scales_of(len(pools), cells.values(), facts.dimension)
    rights = Rights.of(person, cluster)
    rows = [
        Row(
            project,
            on_scales(cells[project.pk], scales),
            project.pk in rights.own,
            project.department_id in rights.giving,
        )
        for project in projects
    ]
    columns = [Column(pool, facts.capacity(pool), scale) for pool, scale in zip(pools, scales, strict=True)]
    groups = _groups(rows, rights, facts, pools, search)
    return QuotaTable(facts.dimension, tuple(columns), tuple(groups), facts.known is not None)


@dataclass(frozen=True)
class Facts:
    """What cells are made of."""

    dimension: Dimension
    quotas: Mapping[tuple[str, int], Mapping[int, PoolResources]]
    known: usage.PoolUsage | None

    def cells(
        self, kind: str, key: int, projects: Sequence[Project], pools: Sequence[NodePool]
    ) -> list[Cell]:
        """One unit in each pool; what it holds is what `projects` hold."""
        rows = self.quotas.get((kind, key), {})
        return [
            cell_of(pool, rows.get(pool.pk), used_by(self.known, projects, pool), self.dimension)
            for pool in pools
        ]

    def capacity(self, pool: NodePool) -> float:
        """Of ready nodes; they count whole GPUs, but thousandths of cores and bytes."""
        offered = getattr(pool, CAPACITY[self.dimension.field])
        return float(offered) if self.dimension is GPU else in_units(offered, self.dimension) or 0.0

    def in_use(self, pools: Sequence[NodePool], projects: Sequence[Project]) -> list[NodePool]:
        """Pools with nodes, with a quota or with work; all, where that leaves none."""
        rows = [self.cells("project", project.pk, [project], pools) for project in projects]
        used = [
            pool
            for index, pool in enumerate(pools)
            if getattr(pool, "node_count", 0) or not all(row[index].is_idle for row in rows)
        ]
        return used or list(pools)


@dataclass(frozen=True)
class Rights:
    """What the person may do in one cluster: departments seen whole, those whose projects they give quotas, their own projects."""

    departments: dict[int, Department]
    giving: set[int]
    own: set[int]
    gives_departments: bool

    @classmethod
    def of(cls, person: Person, cluster: Cluster) -> "Rights":
        giving = queries.visible_departments(person, Permission.EDIT_PROJECTS)
        whole = queries.covered_clusters(person, Permission.EDIT_DEPARTMENTS)
        return cls(
            departments={row.pk: row for row in queries.visible_departments(person).filter(cluster=cluster)},
            giving=set(giving.values_list("pk", flat=True)),
            own=queries.own_project_ids(person),
            gives_departments=whole.filter(pk=cluster.pk).exists(),
        )


def _groups(
    rows: Sequence[Row], rights: Rights, facts: Facts, pools: Sequence[NodePool], search: str
) -> Iterable[Group]:
    """By name; departments without a match are left out of a search."""
    projects = [row.project for row in rows]
    departments = {**rights.departments, **{one.department_id: one.department for one in projects}}
    for key, department in sorted(departments.items(), key=lambda pair: pair[1].name):
        found = [row for row in rows if row.project.department_id == key and _matches(row.project, search)]
        if not found and search:
            continue
        is_seen = key in rights.departments
        members = [one for one in projects if one.department_id == key]
        cells = facts.cells("department", key, members, pools) if is_seen else []
        yield Group(department, tuple(cells), rights.gives_departments and is_seen, found)


def _matches(project: Project, search: str) -> bool:
    text = f"{project.name} {project.department.name} {project.description}".lower()
    return all(word in text for word in search.lower().split())


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
