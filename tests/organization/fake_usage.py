"""A source of usage that says what a test tells it."""

import uuid
from collections.abc import Collection

from organization.usage import Amounts, NodeUsage, PoolUsage, Usage


class FakeUsage:
    def __init__(self) -> None:
        self.projects: dict[tuple[int, str], Usage] = {}
        self.nodes: dict[tuple[uuid.UUID, str], int] = {}
        self.workloads: dict[int, int] = {}
        self.forgotten: list[int] = []

    def hold(self, project_id: int, pool: str, *, gpus: float, uninterruptible: float = 0) -> None:
        self.projects[project_id, pool] = Usage(
            held=Amounts(gpu_milli=round(gpus * 1000)),
            uninterruptible=Amounts(gpu_milli=round(uninterruptible * 1000)),
        )

    def of_projects(self, project_ids: Collection[int]) -> PoolUsage:
        return {key: usage for key, usage in self.projects.items() if key[0] in project_ids}

    def of_nodes(self, cluster_ids: Collection[uuid.UUID]) -> NodeUsage:
        return {key: held for key, held in self.nodes.items() if key[0] in cluster_ids}

    def count_workloads(self, project_id: int) -> int:
        return self.workloads.get(project_id, 0)

    def forget(self, project_id: int) -> None:
        self.forgotten.append(project_id)
