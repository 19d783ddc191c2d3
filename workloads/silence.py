"""A cluster that does not answer: nobody knows how its workloads are, so their phase says so until it answers again."""

import uuid

from django.db import transaction
from django.utils import timezone

from cluster import clock
from organization.models import Cluster, ClusterState
from ui.wording import clock_time
from workloads import history
from workloads.models import Workload
from workloads.phases import ACTIVE, Phase

AT_ONCE = 500
REASON = "ClusterDisconnected"
KNOWN_WITHOUT_IT = (Phase.CREATING, Phase.UNKNOWN)
"""What was not sent yet is kept here and known; the rest depends on what the cluster says."""


def mark_unknown() -> int:
    """Workloads of silent clusters that may have changed unseen; how many were marked. Safe to run twice."""
    marked = 0
    for cluster in Cluster.objects.filter(state=ClusterState.DISCONNECTED):
        rows = Workload.objects.filter(cluster=cluster, deleted_at__isnull=True, phase__in=ACTIVE)
        known = rows.exclude(phase__in=KNOWN_WITHOUT_IT).exclude(cr_uid="")
        for pk in known.order_by("pk").values_list("pk", flat=True)[:AT_ONCE]:
            marked += _mark(pk, cluster)
    return marked


@transaction.atomic
def _mark(pk: uuid.UUID, cluster: Cluster) -> int:
    workload = Workload.objects.select_for_update().filter(pk=pk).first()
    if workload is None or workload.phase not in ACTIVE or workload.phase in KNOWN_WITHOUT_IT:
        return 0
    moment = max(clock.now(), workload.phase_since)
    history.move(workload, [(Phase.UNKNOWN, REASON, moment)], message=sentence(cluster))
    return 1


def sentence(cluster: Cluster) -> str:
    since = ""
    if cluster.last_seen_at is not None:
        since = f" since {clock_time(cluster.last_seen_at, timezone.now())}"
    return f"The cluster {cluster.name} has not answered{since}. What runs there goes on; how it is nobody knows."
