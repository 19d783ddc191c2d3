"""Reads a cluster's metrics pages, in parallel, into one Reading. What could not be read is named, never taken for zero."""

import uuid
from collections.abc import Callable, Iterable, Mapping
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

from cluster.client import ClusterClient
from cluster.documents import labels_of, name_of, namespace_of
from cluster.errors import ClusterError
from cluster.kinds import NODES, PODS
from cluster.labels import DCGM_NAMESPACE, DCGM_PORT, DCGM_SELECTOR, GPU_RESOURCE
from cluster.metrics_text import MetricsUnreadable
from cluster.nodes import allocatable, is_ready, is_schedulable, resource_metrics
from cluster.pods import node_of
from cluster.quantities import whole
from monitoring.allocation import Held, Place, held_by
from monitoring.pages import DeviceReading, ResourceReading, read_devices, read_resources

THREADS = 8


@dataclass
class Reading:
    """Everything that was read of one cluster at the product moment `at`."""

    at: datetime
    places: dict[str, Place]
    held: Held
    devices: dict[str, list[DeviceReading]] = field(default_factory=dict)
    """Node -> its GPUs; a node whose page was not read is not in it."""
    resources: dict[str, ResourceReading] = field(default_factory=dict)
    without_exporter: list[str] = field(default_factory=list)
    unread: dict[str, str] = field(default_factory=dict)

    def device_count(self, node: str) -> int:
        """How many GPUs the node has, as far as either source says."""
        place = self.places.get(node)
        return max(place.gpus if place else 0, len(self.devices.get(node, [])))

    def devices_of_workloads(self) -> dict[uuid.UUID, list[DeviceReading]]:
        """Workload -> the GPUs its pods sit on, by the exporters' word."""
        found: dict[uuid.UUID, list[DeviceReading]] = {}
        for devices in self.devices.values():
            for device in devices:
                holding = self.held.by_pod.get(device.pod) if device.pod else None
                if holding is not None and holding.workload is not None:
                    found.setdefault(holding.workload, []).append(device)
        return found


def read_cluster(
    client: ClusterClient,
    *,
    at: datetime,
    projects: Mapping[str, int],
    pool_of: Callable[[Mapping[str, Any]], str],
) -> Reading:
    """`projects` by namespace; `pool_of` names the pool of a node document. Raises ClusterError when nodes or pods cannot be listed."""
    documents = client.list(NODES).items
    places = {name_of(one): place_of(one, pool_of(one)) for one in documents}
    pods = client.list(PODS, field_selector="status.phase!=Succeeded,status.phase!=Failed").items
    reading = Reading(at=at, places=places, held=held_by(pods, places, projects))
    exporters = exporters_by_node(pods)
    gpu_nodes = sorted(name for name, place in places.items() if place.gpus)
    reading.without_exporter = [name for name in gpu_nodes if name not in exporters]
    ready = sorted(name for name, place in places.items() if place.ready)
    with ThreadPoolExecutor(THREADS, thread_name_prefix="read-metrics") as threads:
        devices = threads.map(
            lambda node: attempt(lambda: read_devices(exporter_page(client, exporters[node]))),
            [node for node in gpu_nodes if node in exporters],
        )
        resources = threads.map(
            lambda node: attempt(lambda: read_resources(resource_metrics(client, node))), ready
        )
        _take(
            reading.devices, reading.unread, (n for n in gpu_nodes if n in exporters), devices, "GPU metrics"
        )
        _take(reading.resources, reading.unread, ready, resources, "CPU metrics")
    return reading


def place_of(node: Mapping[str, Any], pool: str) -> Place:
    """Devices as the node offers them now; an unreadable count is none."""
    try:
        gpus = whole(allocatable(node).get(GPU_RESOURCE, 0))
    except ValueError:
        gpus = 0
    return Place(name_of(node), pool, gpus, is_ready(node), is_schedulable(node))


def exporters_by_node(pods: Iterable[Mapping[str, Any]]) -> dict[str, str]:
    """Node -> name of the running exporter pod on it."""
    key, _, value = DCGM_SELECTOR.partition("=")
    return {
        node: name_of(pod)
        for pod in pods
        if namespace_of(pod) == DCGM_NAMESPACE
        and labels_of(pod).get(key) == value
        and (pod.get("status") or {}).get("phase") == "Running"
        and (node := node_of(pod)) is not None
    }


def exporter_page(client: ClusterClient, pod: str) -> str:
    return client.proxy_get(PODS, pod, "metrics", namespace=DCGM_NAMESPACE, port=DCGM_PORT)


def attempt(read: Callable[[], Any]) -> Any:
    """What it gives, or the sentence on why it gives nothing: one bad node must not spoil the others."""
    try:
        return read()
    except (ClusterError, MetricsUnreadable) as error:
        return str(error)


def _take(
    into: dict[str, Any], unread: dict[str, str], nodes: Iterable[str], results: Iterable[Any], what: str
) -> None:
    for node, result in zip(nodes, results, strict=True):
        if isinstance(result, str):
            sentence = f"{what}: {result}"[:300]
            unread[node] = f"{unread[node]}; {sentence}" if node in unread else sentence
        else:
            into[node] = result
