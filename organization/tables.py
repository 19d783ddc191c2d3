"""The lists of departments, node pools, nodes and clusters: columns and filters."""

from typing import Any

import django_filters
from django.db.models import QuerySet
from django.http import HttpRequest

from organization.free_gpus import words_of
from organization.models import Node, NodePool
from organization.queries import visible_node_pools
from ui.tables import CellColumn, ListTable, NameColumn, NumberColumn, StatusColumn, TextColumn
from ui.wording import gibibytes, number


def in_units(milli: int | None) -> str:
    """Thousandths as people count them."""
    return number(None if milli is None else milli / 1000)


class DepartmentTable(ListTable):
    name = NameColumn("organization/_department_cell.html", verbose_name="Department", csv=lambda d: d.name)
    cluster = TextColumn(accessor="cluster__name", verbose_name="Cluster")
    project_count = NumberColumn(verbose_name="Projects")
    gpu_quota = NumberColumn(in_units, accessor="gpu_quota_milli", verbose_name="GPU quota", minor=False)
    gpu_given = NumberColumn(in_units, accessor="gpu_given_milli", verbose_name="Given to projects")
    locked, live = ("name",), "departments"

    class Meta(ListTable.Meta):
        order_by = "name"


class PoolTable(ListTable):
    """GPUs, cores and memory are those of ready nodes."""

    name = NameColumn("organization/_pool_cell.html", verbose_name="Node pool", csv=lambda p: p.name)
    status = StatusColumn(
        "organization/_pool_status.html",
        empty_values=(),
        orderable=False,
        verbose_name="Status",
        csv=lambda p: pool_status(p),
    )
    cluster = TextColumn(accessor="cluster__name", verbose_name="Cluster")
    node_count = NumberColumn(verbose_name="Nodes")
    gpu_total = NumberColumn(verbose_name="GPUs", minor=False)
    held = CellColumn(
        "organization/_pool_held.html",
        css="n",
        empty_values=(),
        orderable=False,
        verbose_name="Held",
        csv=lambda p: "",
    )
    cpu_total = NumberColumn(in_units, verbose_name="CPU cores")
    memory_total = TextColumn(verbose_name="Memory", css="n")
    gpu_placement = TextColumn(verbose_name="GPU work")
    free_gpus = TextColumn(
        verbose_name="Free usable by 8 · 4 · 1 · ½", css="n", minor=False, orderable=False, empty_values=()
    )
    locked, optional, live = ("name",), ("cluster",), "node-pools"
    row_actions = "organization/_pool_actions.html"

    class Meta(ListTable.Meta):
        order_by = "name"

    def render_memory_total(self, value: int) -> str:
        return gibibytes(value)

    def value_memory_total(self, value: int) -> int:
        return value

    def value_held(self, record: NodePool) -> Any:
        return held_of(self.context, record)

    def render_free_gpus(self, record: NodePool) -> str:
        """The share of the free GPUs that requests of so many GPUs could use."""
        return words_of(record.known_free_gpus)


def held_of(context: Any, record: Any) -> Any:
    held = context["page"].held
    return "unknown" if held is None else held.get(record.pk, 0)


def pool_status(pool: Any) -> str:
    if not pool.node_count:
        return "Empty"
    return "Ready" if pool.ready_nodes else "Not ready"


class NodeTable(ListTable):
    """Memory in bytes and counts bare in CSV. Held and free GPUs stand as unknown where nobody knows."""

    name = NameColumn("organization/_node_cell.html", verbose_name="Node", csv=lambda n: n.name)
    status = StatusColumn(
        "organization/_node_status.html",
        accessor="ready",
        empty_values=(),
        verbose_name="Status",
        csv=lambda n: node_status(n),
    )
    pool = TextColumn(accessor="pool__name", verbose_name="Node pool")
    gpus = CellColumn(
        "organization/_node_gpus.html",
        accessor="gpu_count",
        verbose_name="GPUs",
        minor=False,
        csv=lambda n: n.gpu_count,
    )
    free = CellColumn(
        "organization/_node_free.html",
        css="n",
        empty_values=(),
        orderable=False,
        verbose_name="Free GPUs",
        csv=lambda n: "",
    )
    gpu_product = TextColumn(verbose_name="GPU type")
    gpu_memory_mib = NumberColumn(verbose_name="MiB a GPU")
    cpu_milli = NumberColumn(in_units, verbose_name="CPU cores")
    memory_bytes = TextColumn(verbose_name="Memory", css="n")
    cluster = TextColumn(accessor="cluster__name", verbose_name="Cluster")
    locked, optional = ("name", "status"), ("gpu_memory_mib", "cluster")

    class Meta(ListTable.Meta):
        order_by = "name"

    def render_memory_bytes(self, value: int) -> str:
        return gibibytes(value)

    def value_memory_bytes(self, value: int) -> int:
        return value

    def value_free(self, record: Node) -> Any:
        held = held_of(self.context, record)
        return held if held == "unknown" else max(0, record.gpu_count - held)


def node_status(node: Node) -> str:
    if node.ready is None:
        return "Unknown"
    if not node.ready:
        return "Not ready"
    return "Cordoned" if node.cordoned else "Ready"


class NodeFilters(django_filters.FilterSet):  # type: ignore[misc]  # django-filter is untyped
    ready = django_filters.BooleanFilter(label="Ready")
    pool = django_filters.MultipleChoiceFilter(field_name="pool__name", label="Node pool")
    gpu_product = django_filters.MultipleChoiceFilter(label="GPU type")

    def __init__(self, data: Any, queryset: QuerySet[Node], request: HttpRequest) -> None:
        super().__init__(data, queryset=queryset, request=request)
        pools = visible_node_pools(request.user).order_by("name").values_list("name", flat=True).distinct()
        types = queryset.order_by("gpu_product").values_list("gpu_product", flat=True).distinct()
        self.filters["pool"].extra["choices"] = [(name, name) for name in pools]
        self.filters["gpu_product"].extra["choices"] = [(name, name) for name in types if name]


class ClusterTable(ListTable):
    name = NameColumn("organization/_cluster_cell.html", verbose_name="Cluster", csv=lambda c: c.name)
    state = StatusColumn("organization/_cluster_state.html", verbose_name="State", csv=lambda c: c.state)
    last_seen_at = CellColumn(
        "organization/_seen_cell.html",
        verbose_name="Last answer",
        csv=lambda c: c.last_seen_at.isoformat() if c.last_seen_at else "",
    )
    kubernetes_version = TextColumn(verbose_name="Kubernetes")
    id = TextColumn(verbose_name="Id", css="mono")
    locked, optional, live = ("name", "state"), ("id",), "clusters"

    class Meta(ListTable.Meta):
        order_by = "name"
