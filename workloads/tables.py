"""The list of workloads: its columns and filters."""

from typing import Any

import django_filters
from django import forms
from django.db.models import Q, QuerySet
from django.http import HttpRequest

from organization.models import Project
from organization.queries import visible_projects
from ui.tables import CellColumn, ListTable, NameColumn, NumberColumn, StatusColumn, TextColumn
from ui.wording import gibibytes, number
from workloads.kinds import KINDS
from workloads.models import Source, Workload
from workloads.phases import Phase
from workloads.priorities import PRIORITY_CLASSES, Preemptibility, label_of


def in_units(milli: int | None) -> str:
    """Thousandths as people count them."""
    return number(None if milli is None else milli / 1000)


def iso(moment: Any) -> str:
    return moment.isoformat() if moment else ""


class WorkloadTable(ListTable):
    """Numbers in CSV are bare: GPUs and cores as counts, memory in bytes, moments in ISO 8601."""

    name = NameColumn("workloads/_name_cell.html", verbose_name="Workload", csv=lambda w: w.name)
    phase = StatusColumn("workloads/_status_cell.html", verbose_name="Status", csv=lambda w: w.phase)
    project = TextColumn(accessor="project__name", verbose_name="Project")
    gpus = CellColumn(
        "workloads/_gpus_cell.html",
        verbose_name="GPUs held of asked",
        accessor="requested_gpu_milli",
        minor=False,
        csv=lambda w: w.requested_gpu_milli / 1000,
    )
    held = NumberColumn(in_units, accessor="allocated_gpu_milli", verbose_name="GPUs held")
    pool = CellColumn(
        "workloads/_pool_cell.html",
        accessor="current_pool",
        verbose_name="Pool",
        csv=lambda w: w.current_pool or " ".join(w.node_pools),
    )
    priority = TextColumn(accessor="priority_class", verbose_name="Priority")
    preemptible = TextColumn(accessor="preemptibility", verbose_name="May be interrupted")
    kind = TextColumn(verbose_name="Type")
    pods = CellColumn(
        "workloads/_pods_cell.html",
        accessor="running_pods",
        verbose_name="Pods",
        css="n",
        csv=lambda w: f"{w.running_pods}/{w.requested_pods}",
    )
    created_at = CellColumn(
        "workloads/_age_cell.html", css="n", verbose_name="Age", csv=lambda w: iso(w.created_at)
    )
    submitted_by = CellColumn(
        "workloads/_person_cell.html", verbose_name="Created by", csv=lambda w: w.submitted_by
    )
    department = TextColumn(accessor="project__department__name", verbose_name="Department")
    cpu = NumberColumn(in_units, accessor="requested_cpu_milli", verbose_name="CPU cores")
    memory = NumberColumn(gibibytes, accessor="requested_memory_bytes", verbose_name="Memory")
    image = TextColumn(verbose_name="Image")
    completed_at = CellColumn(
        "workloads/_completed_cell.html", css="n", verbose_name="Completed", csv=lambda w: iso(w.completed_at)
    )
    waited = CellColumn(
        "workloads/_waited_cell.html",
        css="n",
        accessor="pending_seconds",
        verbose_name="Time waited",
        csv=lambda w: round(w.pending_seconds, 3),
    )
    ran = CellColumn(
        "workloads/_ran_cell.html",
        css="n",
        accessor="running_seconds",
        verbose_name="Time run",
        csv=lambda w: round(w.running_seconds, 3),
    )
    source = TextColumn(verbose_name="Submitted with")
    cluster = TextColumn(accessor="cluster__name", verbose_name="Cluster")

    locked = ("name", "phase")
    optional = (
        "project",
        "held",
        "preemptible",
        "kind",
        "pods",
        "department",
        "cpu",
        "memory",
        "image",
        "completed_at",
        "waited",
        "ran",
        "source",
        "cluster",
    )
    selectable = True
    live = "workloads"
    row_actions = "workloads/_row_actions.html"

    class Meta(ListTable.Meta):
        order_by = "-created_at"

    def render_priority(self, value: str) -> str:
        return label_of(value)

    def render_preemptible(self, value: str) -> str:
        return "Yes" if value == Preemptibility.PREEMPTIBLE else "No"

    def render_kind(self, value: str) -> str:
        return KINDS[value].label if value in KINDS else value

    def order_phase(self, rows: QuerySet[Workload], is_descending: bool) -> tuple[QuerySet[Workload], bool]:  # noqa: FBT001  (django-tables2 calls it)
        sign = "-" if is_descending else ""
        return rows.order_by(f"{sign}phase", "-phase_since"), True


def projects_of(request: HttpRequest | None) -> QuerySet[Project]:
    return visible_projects(request.user) if request is not None else Project.objects.none()


class WorkloadFilters(django_filters.FilterSet):  # type: ignore[misc]  # django-filter is untyped
    """Every filter takes several values; a row matches any of them."""

    status = django_filters.MultipleChoiceFilter(
        field_name="phase",
        label="Status",
        choices=[(phase.value, phase.value) for phase in Phase],
        widget=forms.CheckboxSelectMultiple,
    )
    project = django_filters.ModelMultipleChoiceFilter(
        label="Project", queryset=projects_of, widget=forms.CheckboxSelectMultiple
    )
    pool = django_filters.CharFilter(label="Pool", method="in_pool")
    kind = django_filters.MultipleChoiceFilter(
        label="Type",
        choices=[(kind.key, kind.label) for kind in KINDS.values()],
        widget=forms.CheckboxSelectMultiple,
    )
    priority = django_filters.MultipleChoiceFilter(
        field_name="priority_class",
        label="Priority",
        choices=[(one.name, one.label) for one in PRIORITY_CLASSES],
        widget=forms.CheckboxSelectMultiple,
    )
    interruptible = django_filters.ChoiceFilter(
        field_name="preemptibility",
        label="May be interrupted",
        choices=[("preemptible", "yes"), ("non-preemptible", "no")],
    )
    source = django_filters.MultipleChoiceFilter(
        label="Submitted with", choices=Source.choices, widget=forms.CheckboxSelectMultiple
    )
    gpus_min = django_filters.NumberFilter(
        label="GPUs", method="at_least_gpus", min_value=0, lookup_expr="gte"
    )
    person = django_filters.CharFilter(field_name="submitted_by", lookup_expr="icontains", label="Created by")
    node = django_filters.CharFilter(label="Node", method="on_node")

    class Meta:
        model = Workload
        fields: list[str] = []

    def in_pool(self, rows: QuerySet[Workload], name: str, value: str) -> QuerySet[Workload]:
        """Where it is, or for what waits, the pool it tries first."""
        return rows.filter(Q(current_pool=value) | Q(current_pool="", node_pools__0=value))

    def at_least_gpus(self, rows: QuerySet[Workload], name: str, value: Any) -> QuerySet[Workload]:
        return rows.filter(requested_gpu_milli__gte=int(value * 1000))

    def on_node(self, rows: QuerySet[Workload], name: str, value: str) -> QuerySet[Workload]:
        return rows.filter(pods__node=value, pods__holds=True).distinct()
