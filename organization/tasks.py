"""Celery entries: a few lines each, take ids, safe to run twice."""

import uuid

from celery import shared_task

from cluster.errors import ClusterError
from organization import namespaces, node_caches, nodes
from organization.connections import client_of
from organization.models import Cluster, Project
from organization.turns import turn


@shared_task(name="organization.keep_namespace")
def keep_namespace(project_id: int) -> None:
    """Soon after a change; what fails here is done by the periodic `keep_namespaces`."""
    project = Project.objects.select_related("department", "cluster__tenant").filter(pk=project_id).first()
    if project is None:
        return
    try:
        namespaces.keep_one(client_of(project.cluster), project)
    except ClusterError as error:
        namespaces.cluster_away(project.cluster, error)


@shared_task(name="organization.look_at_cluster")
def look_at_cluster(cluster_id: str) -> None:
    """Is it there, and how are its nodes? One look at a time: a silent cluster takes until the deadline of the call."""
    cluster = Cluster.objects.filter(pk=uuid.UUID(cluster_id)).first()
    if cluster is None:
        return
    with turn(f"look at {cluster_id}") as is_ours:
        if is_ours:
            look(cluster)


def look(cluster: Cluster) -> None:
    try:
        client = client_of(cluster)
    except ClusterError as error:  # a kubeconfig that cannot be read: the state says so
        nodes.note_silence(cluster, error)
        return
    if not nodes.hear(client, cluster):
        return
    found = node_caches.nodes_of(cluster)
    if found is not None:
        nodes.sync(cluster, found)


@shared_task(name="organization.keep_namespaces_of")
def keep_namespaces_of(cluster_id: str) -> None:
    """All namespaces of a cluster, one round at a time."""
    cluster = Cluster.objects.select_related("tenant").filter(pk=uuid.UUID(cluster_id)).first()
    if cluster is None:
        return
    with turn(f"namespaces of {cluster_id}") as is_ours:
        if is_ours:
            keep_in_order(cluster)


def keep_in_order(cluster: Cluster) -> None:
    try:
        namespaces.keep_all(client_of(cluster), cluster)
    except ClusterError as error:
        namespaces.cluster_away(cluster, error)
