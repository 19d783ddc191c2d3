"""What is held now, as the apps above tell it: they know workloads, this package does not.

The app that knows calls `provide` once, at start. Until then everything held is unknown: pages say so, and rules that
need it (a quota may not fall below what uninterruptible work holds) cannot refuse.
"""

import uuid
from collections.abc import Callable, Collection, Mapping
from dataclasses import dataclass, replace
from typing import Protocol


@dataclass(frozen=True)
class Amounts:
    """GPUs and CPU in thousandths, memory in bytes."""

    gpu_milli: int = 0
    cpu_milli: int = 0
    memory_bytes: int = 0

    def __add__(self, other: "Amounts") -> "Amounts":
        return Amounts(
            self.gpu_milli + other.gpu_milli,
            self.cpu_milli + other.cpu_milli,
            self.memory_bytes + other.memory_bytes,
        )


@dataclass(frozen=True)
class Usage:
    """Of one project (or the sum of several) in one node pool. `uninterruptible` is the part of `held` that may not be taken back."""

    held: Amounts = Amounts()
    uninterruptible: Amounts = Amounts()
    waiting: Amounts = Amounts()
    fair_share_gpu_milli: int | None = None
    workloads: int = 0

    def __add__(self, other: "Usage") -> "Usage":
        shares = [s for s in (self.fair_share_gpu_milli, other.fair_share_gpu_milli) if s is not None]
        return Usage(
            self.held + other.held,
            self.uninterruptible + other.uninterruptible,
            self.waiting + other.waiting,
            sum(shares) if shares else None,
            self.workloads + other.workloads,
        )


NOTHING = Usage()
PoolUsage = Mapping[tuple[int, str], Usage]
"""(project id, name of the node pool) -> usage; what is not in it holds nothing."""
NodeUsage = Mapping[tuple[uuid.UUID, str], int]
"""(cluster id, name of the node) -> thousandths of GPUs held on it; what is not in it holds nothing."""


class UsageSource(Protocol):
    def of_projects(self, project_ids: Collection[int]) -> PoolUsage: ...

    def of_nodes(self, cluster_ids: Collection[uuid.UUID]) -> NodeUsage: ...

    def count_workloads(self, project_id: int) -> int:
        """Workloads that are not deleted: a project that has some is not deleted."""

    def forget(self, project_id: int) -> None:
        """Remove the history of a project that is about to go, in the caller's transaction."""


_source: UsageSource | None = None


def provide(source: UsageSource | None) -> None:
    """Called once at start by the app that knows; None in tests, to know nothing again."""
    global _source
    _source = source


def source() -> UsageSource | None:
    return _source


ShareSource = Callable[[Collection[int]], Mapping[tuple[int, str], int]]
"""Project ids -> (project id, name of the node pool) -> fair share now, in thousandths of a GPU."""
_shares: ShareSource | None = None


def provide_shares(source: ShareSource | None) -> None:
    """Called once at start by the app that divides; None in tests."""
    global _shares
    _shares = source


def of_projects(project_ids: Collection[int]) -> PoolUsage | None:
    """None when nobody knows. The fair share is that of the newest cycle, where a scheduler has told it."""
    if _source is None:
        return None
    found = dict(_source.of_projects(project_ids))
    for key, milli in (_shares(project_ids) if _shares else {}).items():
        found[key] = replace(found.get(key, NOTHING), fair_share_gpu_milli=milli)
    return found


def of_nodes(cluster_ids: Collection[uuid.UUID]) -> NodeUsage | None:
    """None when nobody knows."""
    return _source.of_nodes(cluster_ids) if _source else None
