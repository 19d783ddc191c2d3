"""Pure: pods that sit on nodes -> what is held, by project and pool, workload and node."""

import uuid
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from typing import Any

from cluster.documents import labels_of, name_of, namespace_of, parse_time
from cluster.labels import GPU_RESOURCE, WORKLOAD_ID
from cluster.pods import is_finished, node_of
from cluster.quantities import milli, whole

PodName = tuple[str, str]


@dataclass(frozen=True, slots=True)
class Place:
    """A node as far as accounting goes."""

    name: str
    pool: str
    gpus: int = 0
    ready: bool = True
    takes_work: bool = True


@dataclass(frozen=True, slots=True)
class Holding:
    """One pod on a node; `project` is None outside of projects, `workload` when the portal did not submit it."""

    pod: PodName
    node: str
    pool: str
    project: int | None
    workload: uuid.UUID | None
    gpus: int
    cpu_milli: int
    memory_bytes: int
    since: float
    """Seconds since 1970: when the pod was made."""


@dataclass(slots=True)
class Held:
    """Everything held at one moment."""

    holdings: list[Holding] = field(default_factory=list)
    by_pod: dict[PodName, Holding] = field(default_factory=dict)

    def gpus_by_project(self) -> dict[tuple[int | None, str], int]:
        """(project, pool) -> GPUs."""
        sums: dict[tuple[int | None, str], int] = {}
        for one in self.holdings:
            key = (one.project, one.pool)
            sums[key] = sums.get(key, 0) + one.gpus
        return sums

    def gpus_by_workload(self) -> dict[uuid.UUID, int]:
        sums: dict[uuid.UUID, int] = {}
        for one in self.holdings:
            if one.workload is not None:
                sums[one.workload] = sums.get(one.workload, 0) + one.gpus
        return sums

    def by_node(self) -> dict[str, list[Holding]]:
        found: dict[str, list[Holding]] = {}
        for one in self.holdings:
            found.setdefault(one.node, []).append(one)
        return found


def held_by(
    pods: Iterable[Mapping[str, Any]], places: Mapping[str, Place], projects: Mapping[str, int]
) -> Held:
    """`places` by node, `projects` by namespace. Pods that are over hold nothing; a pod on an unknown node counts without a pool."""
    held = Held()
    for pod in pods:
        node = node_of(pod)
        if node is None or is_finished(pod):
            continue
        gpus, cpu_milli, memory_bytes = amounts_of(pod)
        place = places.get(node)
        holding = Holding(
            pod=(namespace_of(pod), name_of(pod)),
            node=node,
            pool=place.pool if place else "",
            project=projects.get(namespace_of(pod)),
            workload=workload_of(pod),
            gpus=gpus,
            cpu_milli=cpu_milli,
            memory_bytes=memory_bytes,
            since=parse_time(pod["metadata"]["creationTimestamp"]).timestamp(),
        )
        held.holdings.append(holding)
        held.by_pod[holding.pod] = holding
    return held


def workload_of(pod: Mapping[str, Any]) -> uuid.UUID | None:
    try:
        return uuid.UUID(labels_of(pod).get(WORKLOAD_ID, ""))
    except ValueError:
        return None


def amounts_of(pod: Mapping[str, Any]) -> tuple[int, int, int]:
    """(GPUs, millicores, bytes) its containers ask for; what cannot be read counts as nothing, since no node could have admitted it."""
    gpus = cpu = memory = 0
    for container in pod["spec"].get("containers") or []:
        resources = container.get("resources") or {}
        asked = {**(resources.get("limits") or {}), **(resources.get("requests") or {})}
        try:
            gpus += whole(asked.get(GPU_RESOURCE, 0))
            cpu += milli(asked.get("cpu", 0))
            memory += whole(asked.get("memory", 0))
        except ValueError:
            continue
    return gpus, cpu, memory
