"""What the overview page shows, put together from queries; every number is about what the person may see."""

from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

from django.db.models import QuerySet
from django.urls import reverse

from access.checks import Person
from monitoring import queries
from monitoring.free_now import NodeRoom, Wish, asked_row, fits_rows, summary
from monitoring.models import Collection
from monitoring.queries import Sight
from monitoring.ranges import TimeRange
from monitoring.tiles import Totals, kpis, stale_after, totals_of
from organization.models import ClusterState, Node
from ui.wording import duration, gpus
from workloads.models import Workload
from workloads.queries import visible_workloads, waiting

SHOWN_WAITING = 8
GPU = 1000


@dataclass(frozen=True)
class Overview:
    """Everything on the page besides the charts, which fetch their own figures."""

    sight: Sight
    kpis: list[dict[str, Any]]
    attention: list[dict[str, Any]]
    free: list[dict[str, Any]]
    asked: dict[str, Any] | None
    free_summary: str
    waiting: list[Workload]
    waiting_count: int
    collection: Collection | None
    notes: list[str] = field(default_factory=list)


def overview(person: Person, sight: Sight, *, now: datetime, sees_nodes: bool) -> Overview:
    workloads = visible_workloads(person).filter(cluster=sight.cluster)
    waiting_rows = waiting(workloads)
    collection = queries.collection_of(sight.cluster)
    totals = totals_of(sight, collection, now)
    free, asked = free_now(sight, waiting_rows)
    return Overview(
        sight=sight,
        kpis=kpis(sight, totals, workloads, now=now, sees_nodes=sees_nodes),
        attention=attention(sight, totals, collection, now=now, sees_nodes=sees_nodes),
        free=free,
        asked=asked,
        free_summary=summary(free),
        waiting=list(waiting_rows.order_by("created_at")[:SHOWN_WAITING]),
        waiting_count=waiting_rows.count(),
        collection=collection,
        notes=notes_of(collection) if sight.whole else [],
    )


# --- what needs someone, what is free -------------------------------------------------------------------------------------


def attention(
    sight: Sight, totals: Totals, collection: Collection | None, *, now: datetime, sees_nodes: bool
) -> list[dict[str, Any]]:
    found = []
    if sight.cluster.state == ClusterState.DISCONNECTED:
        found.append({"family": "bad", "text": f"{sight.cluster.name} does not answer"})
    if sees_nodes and sight.whole:
        for node in Node.objects.filter(cluster=sight.cluster).exclude(ready=True)[:3]:
            since = f" for {duration(now - node.status_since)}" if node.status_since else ""
            url = reverse("monitoring:node", args=[node.cluster_id, node.name])
            found.append({"family": "bad", "text": f"Node {node.name} not ready{since}", "url": url})
    if totals.idle:
        found.append(
            {
                "family": "wait",
                "icon": "player-pause",
                "text": f"{gpus(totals.idle)} held but idle for over 5 min",
                "url": f"{reverse('workloads:list')}?view=active",
            }
        )
    if sight.whole and collection and collection.nodes_without_exporter:
        count = len(collection.nodes_without_exporter)
        text = f"Exporter not found on {count} node{'' if count == 1 else 's'}"
        found.append({"family": "wait", "text": text, "url": reverse("monitoring:health")})
    if totals.sampled_at is not None and now - totals.sampled_at > stale_after():
        age = duration(now - totals.sampled_at)
        found.append({"family": "wait", "text": f"Figures are {age} old", "url": ""})
    return found


def notes_of(collection: Collection | None) -> list[str]:
    if collection is None or collection.sampled_at is None:
        return ["Nothing was measured yet: the first figures come within a minute."]
    return [collection.error] if collection.error else []


def free_now(
    sight: Sight, waiting_rows: QuerySet[Workload]
) -> tuple[list[dict[str, Any]], dict[str, Any] | None]:
    rooms = [
        NodeRoom(one.pool, one.gpus, one.gpus_allocated)
        for one in queries.node_uses(sight)
        if one.takes_work and one.gpus
    ]
    rows = fits_rows(rooms, sight.cluster.node_pools.values_list("name", flat=True))
    wishes, count = [], 0
    for row in waiting_rows:
        pods = max(0, row.requested_pods - row.running_pods)
        if row.requested_gpu_milli and row.requested_pods and pods:
            wishes.append(Wish(-(-row.requested_gpu_milli // row.requested_pods // GPU), pods))
            count += 1
    asked = asked_row(wishes, rows, waiting=count)
    if asked:
        asked["url"] = f"{reverse('workloads:list')}?view=waiting"
    return rows, asked


def context_line(sight: Sight, range_: TimeRange) -> str:
    """'All projects you can see on oslo-1 · last 24 h · times in UTC'."""
    what = "All projects" if sight.whole else f"{len(sight.projects)} of your projects"
    if not sight.whole and len(sight.projects) == 1:
        what = f"Project {next(iter(sight.projects.values())).name}"
    return f"{what} on {sight.cluster.name} · {range_.label()} · times in UTC"
