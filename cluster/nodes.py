"""What the product does with nodes, as small verbs over the client, and what it reads from one."""

from collections.abc import Mapping
from typing import Any

from cluster.client import ClusterClient, ListResult
from cluster.documents import Document, condition_of
from cluster.kinds import NODES


def list_nodes(client: ClusterClient, *, label_selector: str = "") -> ListResult:
    return client.list(NODES, label_selector=label_selector)


def is_ready(node: Mapping[str, Any]) -> bool:
    """Ready as the node controller sees it: Unknown (no heartbeat) counts as not ready."""
    condition = condition_of(node, "Ready")
    return condition is not None and condition["status"] == "True"


def is_schedulable(node: Mapping[str, Any]) -> bool:
    """Ready and not cordoned."""
    return is_ready(node) and not node["spec"].get("unschedulable", False)


def allocatable(node: Mapping[str, Any]) -> dict[str, str]:
    """Quantities by resource name; empty before the kubelet has reported."""
    return (node.get("status") or {}).get("allocatable") or {}


def set_unschedulable(client: ClusterClient, name: str, *, unschedulable: bool) -> Document:
    """Cordon, or uncordon, a node."""
    return client.merge_patch(NODES, name, {"spec": {"unschedulable": unschedulable or None}})


def resource_metrics(client: ClusterClient, name: str) -> str:
    """The kubelet's page of CPU and memory usage, in the Prometheus text format."""
    return client.node_page(name, "metrics/resource")
