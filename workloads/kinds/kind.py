"""What every kind of workload tells about itself. Pure."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Protocol

from cluster.documents import Document
from cluster.kinds import Kind
from workloads.json_fields import JsonFields
from workloads.manifests import Order
from workloads.phases import Status
from workloads.pod_states import PodState
from workloads.spec import Options, WorkloadSpec


@dataclass(frozen=True)
class Child:
    """An object the controller keeps in the cluster for a workload."""

    kind: Kind
    document: Document


class WorkloadKind(Protocol):
    """One kind: how it is submitted, what it becomes in the cluster, and how its state is read."""

    key: str
    label: str
    icon: str
    plural: str
    """As the API's path names it: `/workloads/<plural>`."""
    category: str
    resource: Kind
    child_kinds: tuple[Kind, ...]

    @property
    def default_priority(self) -> str: ...

    def read_options(self, fields: JsonFields) -> Options: ...

    def pods_at_once(self, spec: WorkloadSpec) -> int:
        """How many pods it wants to run at the same time."""
        ...

    def children(self, order: Order) -> Sequence[Child]: ...

    def adjust(self, wanted: Document, found: Mapping[str, Any]) -> Document | None:
        """The merge patch that brings a child to what is wanted, or None when nothing is to be done."""
        ...

    def observe(
        self, order: Order, children: Sequence[Mapping[str, Any]], pods: Sequence[PodState]
    ) -> Status:
        """What the state of the children means."""
        ...

    def is_over(self, child: Mapping[str, Any]) -> bool:
        """Whether a child has ended for good, so that a new attempt needs a new one."""
        ...
