"""Tells the organisation what its projects and nodes hold (organization/usage.py): it knows no workloads itself."""

import uuid
from collections.abc import Collection

from organization.usage import Amounts, NodeUsage, PoolUsage, Usage
from workloads.models import Workload
from workloads.queries import held_by_projects, held_on_nodes


class WorkloadUsage:
    """From the rows of this portal: work that came into the cluster another way is not in it."""

    def of_projects(self, project_ids: Collection[int]) -> PoolUsage:
        return {key: _usage(sums) for key, sums in held_by_projects(project_ids).items()}

    def of_nodes(self, cluster_ids: Collection[uuid.UUID]) -> NodeUsage:
        return held_on_nodes(cluster_ids)

    def count_workloads(self, project_id: int) -> int:
        return Workload.objects.filter(project_id=project_id, deleted_at__isnull=True).count()

    def forget(self, project_id: int) -> None:
        Workload.objects.filter(project_id=project_id, deleted_at__isnull=False).delete()


def _usage(sums: dict[str, int]) -> Usage:
    def amounts(part: str) -> Amounts:
        return Amounts(sums[f"{part}_gpu_milli"], sums[f"{part}_cpu_milli"], sums[f"{part}_memory_bytes"])

    return Usage(
        held=amounts("held"),
        uninterruptible=amounts("fixed"),
        waiting=amounts("waiting"),
        workloads=sums["workloads"],
    )
