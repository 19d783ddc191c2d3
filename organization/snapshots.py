"""How rows stand in the audit log: names and numbers a person can read, never a secret."""

from typing import Any

from organization.models import Cluster, Department, NodePool, PoolResources, Project

QUOTA_FIELDS = (
    "gpu_deserved_milli",
    "gpu_limit_milli",
    "gpu_weight",
    "cpu_deserved_milli",
    "cpu_limit_milli",
    "memory_deserved_bytes",
    "memory_limit_bytes",
    "over_quota_allowed",
    "rank",
)


def of_cluster(cluster: Cluster) -> dict[str, Any]:
    return {"name": cluster.name, "kubeconfig": bool(cluster.kubeconfig)}


def of_department(department: Department) -> dict[str, Any]:
    return {
        "name": department.name,
        "description": department.description,
        "cluster": department.cluster.name,
    }


def of_project(project: Project) -> dict[str, Any]:
    return {
        "name": project.name,
        "description": project.description,
        "department": project.department.name,
        "namespace": project.namespace,
        "default_node_pools": project.default_node_pools,
    }


def of_pool(pool: NodePool) -> dict[str, Any]:
    return {
        "name": pool.name,
        "label_key": pool.label_key,
        "label_value": pool.label_value,
        "gpu_placement": pool.gpu_placement,
        "cpu_placement": pool.cpu_placement,
        "min_runtime_seconds": pool.min_runtime_seconds,
        "time_based_fair_share": pool.time_based_fair_share,
        "usage_weight": pool.usage_weight,
        "usage_window_hours": pool.usage_window_hours,
        "usage_window_start": pool.usage_window_start.isoformat() if pool.usage_window_start else None,
        "usage_half_life_hours": pool.usage_half_life_hours,
    }


def of_quota(row: PoolResources) -> dict[str, Any]:
    return {"pool": row.pool.name, **{field: getattr(row, field) for field in QUOTA_FIELDS}}
