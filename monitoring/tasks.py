"""Celery entries of monitoring: collecting talks to clusters (queue `cluster`), forgetting does not (`default`)."""

from celery import shared_task

from cluster import clock
from monitoring.collecting import collect_if_due
from monitoring.rollups import forget_old
from organization.connections import collectors_client_of
from organization.models import Cluster
from ui import live


@shared_task(name="monitoring.collect", ignore_result=True)
def collect() -> None:
    """Whatever is due; called each second, since a product minute may be shorter than a real one."""
    for cluster in Cluster.objects.all():
        if collect_if_due(cluster, collectors_client_of):
            live.publish("samples", cluster.pk)


@shared_task(name="monitoring.forget_old_samples", ignore_result=True)
def forget_old_samples() -> None:
    forget_old(clock.now())
