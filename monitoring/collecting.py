"""One collection of one cluster: claim the moment, read the pages, write samples and roll-ups."""

from collections.abc import Callable, Mapping
from datetime import datetime, timedelta
from typing import Any

import structlog
from django.core.cache import cache
from django.db.models import Count, Q, Sum
from django.utils import timezone

from cluster import clock
from cluster.client import ClusterClient
from cluster.documents import labels_of
from cluster.errors import ClusterError
from monitoring.measures import SeriesName, Values, measures_of, nothing_held
from monitoring.models import Collection, Metric, Series
from monitoring.pages import Counter
from monitoring.recording import interval, minute_of, write_devices, write_nodes, write_samples
from monitoring.rollups import roll_up
from monitoring.samples import Reading, read_cluster
from organization.models import Cluster, NodePool, Project
from organization.pools import DEFAULT, pool_of
from workloads.models import WorkloadPod
from workloads.phases import Phase

COUNTERS_KEPT_SECONDS = 3600
LEAST_REST = timedelta(seconds=5)
"""Real time between two collections, however often pods come and go."""
log = structlog.get_logger(__name__)


def collect_if_due(
    cluster: Cluster, client_of: Callable[[Cluster], ClusterClient], *, now: datetime | None = None
) -> bool:
    """Whether a collection was made: once an interval, and sooner when pods have come or gone, so that "free now" is the present.

    The claim is a compare-and-set, so two workers never take the same moment.
    """
    at = now or clock.now()
    collection = Collection.objects.get_or_create(cluster=cluster)[0]
    last = collection.sampled_at
    is_early = last is not None and last <= at < last + interval()
    if is_early and not (_has_rested(collection) and _held_by_rows(cluster) != cache.get(_held_key(cluster))):
        return False
    cache.set(_held_key(cluster), _held_by_rows(cluster), None)
    claimed = Collection.objects.filter(pk=collection.pk, sampled_at=last).update(
        sampled_at=at, tried_at=timezone.now()
    )
    if claimed != 1:
        return False
    try:
        collect(cluster, client_of(cluster), at=at, last=last)
    except (ClusterError, OSError) as error:
        sentence = f"The cluster was not read: {error}"[:500]
        Collection.objects.filter(pk=collection.pk).update(error=sentence)
        log.warning("no samples", cluster=cluster.name, error=str(error))
        return False
    return True


def collect(cluster: Cluster, client: ClusterClient, *, at: datetime, last: datetime | None) -> Reading:
    """Read and write one moment; raises ClusterError when nodes or pods cannot be listed."""
    projects = dict(Project.objects.filter(cluster=cluster).values_list("namespace", "pk"))
    reading = read_cluster(client, at=at, projects=projects, pool_of=pool_reader(cluster))
    elapsed = (at - last).total_seconds() if last else 0.0
    values, counters = measures_of(reading, _counters_before(cluster), elapsed)
    cache.set(_cache_key(cluster), counters, COUNTERS_KEPT_SECONDS)
    values = {**values, **zeros_of(cluster, values), **workload_counts(cluster)}
    write_samples(cluster, values, at)
    write_devices(cluster, reading)
    write_nodes(cluster, reading, values)
    roll_up(since=minute_of(at), until=minute_of(at) + 1)
    found = {
        "sampled_at": at,
        "nodes_without_exporter": reading.without_exporter,
        "nodes_unread": reading.unread,
        "error": "",
    }
    Collection.objects.update_or_create(cluster=cluster, defaults=found)
    return reading


def zeros_of(cluster: Cluster, values: Values) -> Values:
    """Nothing, for every project and pool that once held GPUs and now has no pod at all."""
    rows = Series.objects.filter(
        cluster=cluster, metric=Metric.ALLOCATED_GPU, workload__isnull=True, node=""
    ).values_list("pool", "project")
    zeros: Values = {}
    for pool, project in rows:
        if SeriesName("ALLOCATED_GPU", pool, project) not in values:
            zeros |= nothing_held(pool, project)
    return zeros


def workload_counts(cluster: Cluster) -> Values:
    """Running and waiting workloads by project, from their rows; a project without any counts 0."""
    alive = Q(workloads__deleted_at__isnull=True)
    rows = Project.objects.filter(cluster=cluster).annotate(
        running=Count("workloads", filter=alive & Q(workloads__phase=Phase.RUNNING)),
        waiting=Count("workloads", filter=alive & Q(workloads__phase=Phase.PENDING)),
    )
    values: Values = {}
    for row in rows:
        values[SeriesName("RUNNING_WORKLOADS", project=row.pk)] = row.running
        values[SeriesName("PENDING_WORKLOADS", project=row.pk)] = row.waiting
    return values


def pool_reader(cluster: Cluster) -> Callable[[Mapping[str, Any]], str]:
    """A function from a node document to the name of its pool."""
    pools = list(NodePool.objects.filter(cluster=cluster).order_by("pk"))

    def name_of_pool(node: Mapping[str, Any]) -> str:
        found = pool_of(labels_of(node), pools)
        return found.name if found else DEFAULT

    return name_of_pool


def _has_rested(collection: Collection) -> bool:
    tried = collection.tried_at
    return tried is None or timezone.now() - tried >= LEAST_REST


def _held_by_rows(cluster: Cluster) -> dict[str, int | None]:
    """How many pods of workloads hold a place, and thousandths of GPUs they hold: changes when one starts or ends."""
    rows = WorkloadPod.objects.filter(workload__cluster=cluster, holds=True)
    return rows.aggregate(pods=Count("pk"), gpu_milli=Sum("gpu_milli"))


def _held_key(cluster: Cluster) -> str:
    return f"held-when-collected:{cluster.pk}"


def _cache_key(cluster: Cluster) -> str:
    return f"cpu-counters:{cluster.pk}"


def _counters_before(cluster: Cluster) -> dict[str, Counter]:
    """Lost with the cache: CPU use is unknown for one interval then."""
    found = cache.get(_cache_key(cluster))
    return found if isinstance(found, dict) else {}
