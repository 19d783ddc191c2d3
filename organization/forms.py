"""Forms of the organisation: fields and messages; the services decide."""

from decimal import Decimal
from typing import Any

from django import forms

from access.roles import ROLES
from organization.models import (
    PROJECT_NAME_AT_MOST,
    Cluster,
    CpuPlacement,
    Department,
    NodePool,
    Placement,
    PoolResources,
    Project,
    Rank,
)
from organization.quotas import WEIGHT_AT_MOST, Quota
from organization.services.node_pools import (
    MIN_RUNTIME_AT_MOST,
    USAGE_HOURS_AT_MOST,
    USAGE_WEIGHT_AT_MOST,
    PoolSettings,
)
from ui.forms import Card, OrderedList, RadioCards, Segments

GIB = 2**30
USAGE_FIELDS = (
    "time_based_fair_share",
    "usage_weight",
    "usage_window_hours",
    "usage_half_life_hours",
    "usage_window_start",
)
NAME_HELP = "Lower-case letters, digits and hyphens; begins with a letter."


class DepartmentForm(forms.Form):
    name = forms.CharField(max_length=63, help_text=NAME_HELP)
    description = forms.CharField(max_length=250, required=False)


class ProjectForm(forms.Form):
    """A new project; `departments` are those in which the person may make one."""

    department = forms.ModelChoiceField(queryset=Department.objects.none(), empty_label=None)
    name = forms.CharField(
        max_length=PROJECT_NAME_AT_MOST,
        help_text=f"{NAME_HELP} Its namespace is runai- and the name; it cannot be changed later.",
    )
    description = forms.CharField(max_length=250, required=False)

    def __init__(self, *args: Any, departments: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.fields["department"].queryset = departments  # type: ignore[attr-defined]  # a ModelChoiceField


class ProjectEditForm(forms.Form):
    description = forms.CharField(max_length=250, required=False)
    default_node_pools = forms.MultipleChoiceField(
        label="Node pools, in order",
        required=False,
        widget=OrderedList(),
        help_text="Where work goes that names no pool: the first that has room. Empty: any pool.",
    )

    def __init__(self, *args: Any, project: Project, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        names = project.cluster.node_pools.values_list("name", flat=True)
        self.fields["default_node_pools"].choices = [(name, name) for name in names]  # type: ignore[attr-defined]  # a choice field


class MoveForm(forms.Form):
    department = forms.ModelChoiceField(queryset=Department.objects.none(), empty_label=None)

    def __init__(self, *args: Any, departments: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.fields["department"].queryset = departments  # type: ignore[attr-defined]  # a ModelChoiceField


class MemberForm(forms.Form):
    """`roles` are those the giver may give."""

    email = forms.EmailField(label="E-mail", max_length=254)
    role = forms.ChoiceField(
        choices=[(role.key, role.label) for role in ROLES.values() if role.key != "system-administrator"],
        initial="researcher",
    )


class PoolForm(forms.Form):
    """A node pool; the pool `default` has no label, and no name can be changed."""

    name = forms.CharField(max_length=63, help_text=NAME_HELP)
    label_key = forms.CharField(
        label="Label key", max_length=317, help_text="Nodes with this label are in the pool."
    )
    label_value = forms.CharField(label="Label value", max_length=63)
    gpu_placement = forms.ChoiceField(
        label="GPU work",
        choices=Placement.choices,
        initial=Placement.BIN_PACK,
        widget=RadioCards(
            cards={
                Placement.BIN_PACK: Card(
                    use="Fills the fullest node first, so that whole nodes stay free for large work."
                ),
                Placement.SPREAD: Card(
                    use="Takes the emptiest node first, so that work gets cores, bandwidth and cool nodes to itself."
                ),
                Placement.FRAGMENTATION: Card(
                    use="Keeps free GPUs usable for what this pool is usually asked for, so that the most work fits in."
                ),
            }
        ),
    )
    cpu_placement = forms.ChoiceField(
        label="CPU work",
        choices=CpuPlacement.choices,
        initial=CpuPlacement.BIN_PACK,
        widget=Segments(),
        help_text="Where GPU work is placed fragmentation-aware, this only decides between nodes without GPUs.",
    )
    min_runtime_seconds = forms.IntegerField(
        label="Guaranteed runtime",
        min_value=0,
        max_value=MIN_RUNTIME_AT_MOST,
        initial=0,
        help_text="Seconds that work runs before it may be interrupted.",
    )
    time_based_fair_share = forms.BooleanField(
        label="Time-based fair share",
        required=False,
        help_text="Who used much lately gets less of what is over the quotas. Quotas stay as they are.",
    )
    usage_weight = forms.FloatField(
        label="Weight of past use",
        min_value=0,
        max_value=USAGE_WEIGHT_AT_MOST,
        initial=1.0,
        help_text="0 forgets it, 1 evens it out over time, more lets it decide.",
    )
    usage_window_hours = forms.IntegerField(
        label="Hours looked back",
        min_value=1,
        max_value=USAGE_HOURS_AT_MOST,
        initial=PoolSettings.usage_window_hours,
    )
    usage_half_life_hours = forms.IntegerField(
        label="Half-life in hours",
        min_value=0,
        max_value=USAGE_HOURS_AT_MOST,
        initial=0,
        help_text="Use so long ago counts half, twice as long a quarter. 0: all of it counts in full.",
    )
    usage_window_start = forms.DateTimeField(
        label="Counted anew from",
        required=False,
        help_text="UTC, as 2030-01-31 00:00. From then on the count begins anew after each window. Empty: the window slides.",
    )

    def __init__(self, *args: Any, pool: NodePool | None = None, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        if pool is not None:
            del self.fields["name"]
            if pool.is_default:
                del self.fields["label_key"], self.fields["label_value"]

    def to_settings(self) -> PoolSettings:
        data = self.cleaned_data
        return PoolSettings(
            label_key=data.get("label_key", ""),
            label_value=data.get("label_value", ""),
            gpu_placement=data["gpu_placement"],
            cpu_placement=data["cpu_placement"],
            min_runtime_seconds=data["min_runtime_seconds"],
            **{field: data[field] for field in USAGE_FIELDS},
        )


class ClusterForm(forms.Form):
    name = forms.CharField(max_length=63, help_text=NAME_HELP)
    kubeconfig = forms.CharField(
        max_length=500,
        required=False,
        help_text="Path of a kubeconfig on the workers' machine; empty: the one this installation was started with.",
    )


def amount(label: str, **options: Any) -> forms.DecimalField:
    return forms.DecimalField(label=label, min_value=0, max_value=Decimal(10**9), decimal_places=3, **options)


class QuotaForm(forms.Form):
    """One unit in one pool, in GPUs, cores and GiB. Empty is unlimited, except for the GPU quota."""

    gpu_deserved = amount("GPUs")
    gpu_limit = amount("Limit", required=False)
    gpu_weight = forms.IntegerField(label="Over weight", min_value=0, max_value=WEIGHT_AT_MOST)
    rank = forms.TypedChoiceField(choices=Rank.choices, coerce=int)
    over_quota_allowed = forms.BooleanField(label="May go over quota", required=False)
    cpu_deserved = amount("CPU cores", required=False)
    cpu_limit = amount("CPU limit", required=False)
    memory_deserved = amount("Memory", required=False)
    memory_limit = amount("Memory limit", required=False)

    @classmethod
    def of_row(cls, row: PoolResources) -> "QuotaForm":
        return cls(
            initial={
                "gpu_deserved": plain(row.gpu_deserved_milli, 1000),
                "gpu_limit": plain(row.gpu_limit_milli, 1000),
                "gpu_weight": row.gpu_weight,
                "rank": row.rank,
                "over_quota_allowed": row.over_quota_allowed,
                "cpu_deserved": plain(row.cpu_deserved_milli, 1000),
                "cpu_limit": plain(row.cpu_limit_milli, 1000),
                "memory_deserved": plain(row.memory_deserved_bytes, GIB),
                "memory_limit": plain(row.memory_limit_bytes, GIB),
            }
        )

    def to_quota(self) -> Quota:
        data = self.cleaned_data
        return Quota(
            gpu_deserved_milli=scaled(data["gpu_deserved"], 1000) or 0,
            gpu_limit_milli=scaled(data["gpu_limit"], 1000),
            gpu_weight=data["gpu_weight"],
            cpu_deserved_milli=scaled(data["cpu_deserved"], 1000),
            cpu_limit_milli=scaled(data["cpu_limit"], 1000),
            memory_deserved_bytes=scaled(data["memory_deserved"], GIB),
            memory_limit_bytes=scaled(data["memory_limit"], GIB),
            over_quota_allowed=data["over_quota_allowed"],
            rank=data["rank"],
        )


def scaled(value: Decimal | None, factor: int) -> int | None:
    return None if value is None else int(value * factor)


def plain(value: int | None, factor: int) -> str:
    """Without needless zeros: 8, 2.5."""
    if value is None:
        return ""
    text = f"{value / factor:.3f}".rstrip("0").rstrip(".")
    return text or "0"


def initial_of_pool(pool: NodePool) -> dict[str, Any]:
    fields = ("label_key", "label_value", "gpu_placement", "cpu_placement", "min_runtime_seconds")
    return {field: getattr(pool, field) for field in (*fields, *USAGE_FIELDS)}


def initial_of_cluster(cluster: Cluster) -> dict[str, Any]:
    return {"name": cluster.name, "kubeconfig": cluster.kubeconfig}
