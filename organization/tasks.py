"""Celery entries: a few lines each, take ids, safe to run twice."""

import uuid

from celery import shared_task

from cluster.errors import ClusterUnavailable
from organization import namespaces, node_caches, nodes
from organization.connections import client_of
from organization.models import Cluster, Project


@shared_task(name="organization.keep_namespace")
def keep_namespace(project_id: int) -> None:
    """Soon after a change; what fails here is done by the periodic `keep_namespaces`."""
    project = Project.objects.select_related("department", "cluster__tenant").filter(pk=project_id).first()
    if project is None:
        return
    try:
        namespaces.keep_one(client_of(project.cluster), project)
    except ClusterUnavailable:
        namespaces.cluster_away(project.cluster)


@shared_task(name="organization.look_at_cluster")
def look_at_cluster(cluster_id: str) -> None:
    """Is it there, and how are its nodes?"""
    cluster = Cluster.objects.filter(pk=uuid.UUID(cluster_id)).first()
    if cluster is None:
        return
    if not nodes.hear(client_of(cluster), cluster):
        return
    found = node_caches.nodes_of(cluster)
    if found is not None:
        nodes.sync(cluster, found)


@shared_task(name="organization.keep_namespaces_of")
def keep_namespaces_of(cluster_id: str) -> None:
    cluster = Cluster.objects.select_related("tenant").filter(pk=uuid.UUID(cluster_id)).first()
    if cluster is None:
        return
    try:
        namespaces.keep_all(client_of(cluster), cluster)
    except ClusterUnavailable:
        namespaces.cluster_away(cluster)
