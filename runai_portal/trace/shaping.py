"""Gives the simulated cluster the trace's nodes, a node pool of their own, and each demo project a share of them."""

from collections.abc import Sequence

from django.contrib.auth.models import User
from django.db import transaction

from cluster.client import ClusterClient
from cluster.errors import AlreadyExists
from cluster.kinds import NODES
from cluster.simulator.shapes import NodeShape, node_document
from organization.models import Cluster, NodePool, Project
from organization.quotas import Quota
from organization.services import node_pools, quotas
from runai_portal.trace.reading import TraceNode, TraceUnusable

POOL = "trace"
LABEL = "run.ai/node-pool"
PROJECT_OF_QOS = {"Guaranteed": "vision", "LS": "speech", "Burstable": "recsys", "BE": "robotics"}
GPU_MEMORY_MIB = {
    "P100": 16_280,
    "T4": 15_360,
    "V100M16": 16_160,
    "V100M32": 32_510,
    "A10": 23_028,
    "G2": 23_028,
    "G3": 81_559,
}
"""Of one device. G2 and G3 are code names in the trace; the sizes stand for an A10 and an A800."""
PODS_A_NODE = 500


def shape_of(node: TraceNode) -> NodeShape:
    return NodeShape(
        name=node.model.lower(),
        cpus=node.cpu_milli // 1000,
        memory_mib=node.memory_mib,
        gpus=node.gpus,
        gpu_product=f"NVIDIA-{node.model}",
        gpu_memory_mib=GPU_MEMORY_MIB.get(node.model, 16_000),
        gpu_family="ampere",
        compute_capability="8.0",
        idle_watts=30,
        peak_watts=300,
        machine="trace",
        pods=PODS_A_NODE,
    )


def shape_cluster(client: ClusterClient, nodes: Sequence[TraceNode]) -> None:
    """Exactly these nodes in the pool; nodes of an earlier replay that are not wanted go."""
    wanted = {node.name: node for node in nodes}
    for found in client.list(NODES, label_selector=f"{LABEL}={POOL}").items:
        if found["metadata"]["name"] not in wanted:
            client.delete(NODES, found["metadata"]["name"])
    for node in wanted.values():
        try:
            client.create(NODES, node_document(node.name, shape_of(node), pool=POOL))
        except AlreadyExists:
            continue


@transaction.atomic
def make_pool(root: User, cluster: Cluster, *, gpus: int) -> NodePool:
    """The pool, its GPUs shared out evenly over the projects that the trace's classes of service map to."""
    pool = NodePool.objects.filter(cluster=cluster, name=POOL).first()
    if pool is None:
        label = node_pools.PoolSettings(label_key=LABEL, label_value=POOL)
        pool = node_pools.create_node_pool(actor=root, cluster=cluster, name=POOL, settings=label)
    projects = projects_by_qos(cluster)
    share = gpus * 1000 // len(projects)
    departments = {project.department for project in projects.values()}
    for project in projects.values():  # lower first, so that no department is overdrawn meanwhile
        quotas.set_quota(actor=root, unit=project, pool=pool, quota=Quota())
    for department in departments:
        of_it = sum(project.department_id == department.pk for project in projects.values())
        quotas.set_quota(
            actor=root, unit=department, pool=pool, quota=Quota(gpu_deserved_milli=share * of_it)
        )
    for project in projects.values():
        quotas.set_quota(actor=root, unit=project, pool=pool, quota=Quota(gpu_deserved_milli=share))
    return pool


def projects_by_qos(cluster: Cluster) -> dict[str, Project]:
    found = {project.name: project for project in cluster.projects.select_related("department", "cluster")}
    missing = sorted(set(PROJECT_OF_QOS.values()) - set(found))
    if missing:
        raise TraceUnusable(
            f"{cluster.name} has no project {', '.join(missing)}: start the product with its demo company"
        )
    return {qos: found[name] for qos, name in PROJECT_OF_QOS.items()}
