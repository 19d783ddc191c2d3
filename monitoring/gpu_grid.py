"""The grid of GPUs by node: newest readings and node states as the heat grid's own shapes."""

import uuid
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta

from django.urls import NoReverseMatch, reverse

from monitoring.models import Device
from monitoring.queries import Sight
from organization.models import Node
from ui import heat
from ui.wording import duration, gibibytes
from workloads.models import Workload

IDLE_AFTER = timedelta(minutes=5)
STALE_AFTER = timedelta(minutes=3)
"""Readings older than this (and than three intervals) are no longer shown as the present."""
LEGEND = (
    {"swatch": "free", "text": "free"},
    {"swatch": "idle", "text": "allocated, idle"},
    {"swatch": "ramp", "text": "1–100 %"},
    {"swatch": "yours", "text": "yours"},
)


@dataclass(frozen=True)
class Named:
    """What a person may know of a workload that holds a GPU."""

    name: str
    url: str
    project: str
    is_yours: bool


def grid(
    sight: Sight, *, person_id: int, now: datetime, stale_after: timedelta, shows_nodes: bool
) -> list[heat.Pool]:
    """Pools with their nodes: everyone may know where work can run. Who sees only projects gets only their own GPUs in colour."""
    devices = list(Device.objects.filter(cluster=sight.cluster).order_by("node", "index"))
    names = names_of(sight, devices, person_id)
    by_node: dict[str, list[Device]] = {}
    for device in devices:
        by_node.setdefault(device.node, []).append(device)
    pools: dict[str, list[heat.Node]] = {}
    models: dict[str, set[str]] = {}
    for row in nodes_of(sight, set(by_node)):
        pool = row.pool.name if row.pool else "default"
        found = by_node.get(row.name, [])
        models.setdefault(pool, set()).add(row.gpu_product)
        pools.setdefault(pool, []).append(
            heat.Node(
                name=row.name,
                gpus=tuple(gpu(one, sight, names, now, stale_after) for one in found),
                url=address_of_node(row) if shows_nodes else "",
                problem=problem_of(row, now),
                family="bad",
            )
        )
    return [
        heat.Pool(name, tuple(nodes), ", ".join(sorted(filter(None, models[name]))), address_of_pool(name))
        for name, nodes in sorted(pools.items())
    ]


def nodes_of(sight: Sight, with_devices: set[str]) -> list[Node]:
    """Nodes with GPUs, in name order; for the whole cluster also those that lost them."""
    rows = Node.objects.filter(cluster=sight.cluster).select_related("pool").order_by("name")
    return [row for row in rows if row.name in with_devices or (sight.whole and row.gpu_count)]


def names_of(sight: Sight, devices: list[Device], person_id: int) -> dict[uuid.UUID, Named]:
    ids = {one.workload for one in devices if one.workload is not None}
    rows = Workload.objects.filter(pk__in=ids).select_related("project")
    return {
        row.pk: Named(
            row.name,
            reverse("workloads:detail", args=[row.pk]),
            row.project.name,
            is_yours=row.submitter_id == person_id,
        )
        for row in rows
        if sight.whole or row.project_id in sight.projects
    }


def gpu(
    device: Device, sight: Sight, names: Mapping[uuid.UUID, Named], now: datetime, stale_after: timedelta
) -> heat.Gpu:
    """A GPU nobody is known to hold is free; one without a fresh reading is held by someone unknown only if it was before."""
    if not device.pod:
        return heat.Gpu(device.index)
    own = sight.whole or device.project_id in sight.projects
    named = names.get(device.workload) if device.workload else None
    fresh = own and now - device.sampled_at <= stale_after
    idle = fresh and device.idle_since is not None and now - device.idle_since > IDLE_AFTER
    share = heat.Share(
        fraction=1.0,
        utilisation=device.utilisation if fresh else None,
        workload=named.name if named else device.pod if own else "",
        url=named.url if named else "",
        project=named.project if named else device.namespace if own else "",
        is_yours=named.is_yours if named else False,
        is_idle=idle,
        memory=memory_of(device) if fresh else "",
        since=duration(now - device.held_since) if own and device.held_since else "",
    )
    return heat.Gpu(device.index, (share,))


def memory_of(device: Device) -> str:
    if device.memory_used_bytes is None:
        return "no data"
    used = gibibytes(device.memory_used_bytes)
    return f"{used} of {gibibytes(device.memory_total_bytes)}" if device.memory_total_bytes else used


def problem_of(node: Node, now: datetime) -> str:
    if node.ready:
        return ""
    what = "Not ready" if node.ready is False else "State unknown"
    return f"{what} for {duration(now - node.status_since)}" if node.status_since else what


def address_of_node(node: Node) -> str:
    return reverse("monitoring:node", args=[node.cluster_id, node.name])


def address_of_pool(name: str) -> str:
    return f"{address('workloads:list')}?pool={name}"


def address(name: str, *arguments: object) -> str:
    """Of another app's page, or nothing where that app has no such page."""
    try:
        return reverse(name, args=arguments)
    except NoReverseMatch:
        return ""
