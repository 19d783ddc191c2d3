"""What beat starts. Each cluster is a message of its own, so that one that is away holds up no other."""

import time

from celery import shared_task

from organization import nodes
from organization.models import Cluster
from organization.tasks import keep_namespaces_of, look_at_cluster

LOOK_SECONDS = 2.0
NAMESPACES_SECONDS = 15.0
STARTED = time.monotonic()


@shared_task(name="organization.look_at_clusters")
def look_at_clusters() -> None:
    for key in Cluster.objects.values_list("pk", flat=True):
        look_at_cluster.apply_async((str(key),), queue="cluster", expires=LOOK_SECONDS)
    if time.monotonic() - STARTED > nodes.SILENT_AFTER.total_seconds():
        nodes.note_silent()  # not right after a start: nobody has asked the clusters since we stopped


@shared_task(name="organization.keep_namespaces")
def keep_namespaces() -> None:
    for key in Cluster.objects.values_list("pk", flat=True):
        keep_namespaces_of.apply_async((str(key),), queue="cluster", expires=NAMESPACES_SECONDS)


SCHEDULE: dict[str, tuple[float, str, str]] = {
    "look at clusters": (LOOK_SECONDS, "organization.look_at_clusters", "cluster"),
    "keep namespaces": (NAMESPACES_SECONDS, "organization.keep_namespaces", "cluster"),
}
