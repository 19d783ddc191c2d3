"""The EndpointSlice controller: behind which addresses a service's pods are, for `kubectl describe service`."""

import hashlib
import logging
from typing import Any

from cluster.client import ClusterClient
from cluster.documents import (
    Document,
    controller_of,
    is_deleting,
    key_of,
    labels_of,
    name_of,
    namespace_of,
    owner_reference,
    uid_of,
)
from cluster.errors import AlreadyExists, Conflict, NotFound
from cluster.kinds import PODS, SERVICES, Kind
from cluster.pods import is_ready
from cluster.simulator.work_queue import WorkQueue
from cluster.watch import WatchCache

logger = logging.getLogger(__name__)
Key = tuple[str, str]
ENDPOINT_SLICES = Kind("discovery.k8s.io", "v1", "endpointslices", "EndpointSlice")
SERVICE_NAME = "kubernetes.io/service-name"
_FINISHED = ("Succeeded", "Failed")
_MOST = 1000
"""Endpoints in one slice, as the API allows; a service of the simulator has one slice."""


class EndpointSlices:
    def __init__(self, client: ClusterClient, pods: WatchCache) -> None:
        self._client, self._pods = client, pods
        self.services = WatchCache(client, SERVICES, on_change=self._service_changed)
        self.slices = WatchCache(client, ENDPOINT_SLICES)
        self._queue: WorkQueue[Key] = WorkQueue("endpoint-slices", self._reconcile, threads=1)
        pods.listen(self._pod_changed)

    def start(self) -> None:
        """The pods must have been listed."""
        self.slices.start()
        self.slices.synced(60)
        self.services.start()
        self._queue.start()

    def stop(self) -> None:
        self._queue.stop()
        self.services.stop()
        self.slices.stop()

    def _service_changed(self, kind: str, new: Document | None, old: Document | None) -> None:
        if new is not None:
            self._queue.add(key_of(new))

    def _pod_changed(self, kind: str, new: Document | None, old: Document | None) -> None:
        if new is not None and old is not None and _endpoint(new) == _endpoint(old):
            return
        for pod in filter(None, (new, old)):
            for service in self.services.items():
                if namespace_of(service) == namespace_of(pod) and _selects(service, pod):
                    self._queue.add(key_of(service))

    def _reconcile(self, key: Key) -> None:
        service = self.services.get(*key)
        if service is None or is_deleting(service) or not service["spec"].get("selector"):
            return  # slices go with their service
        pods = [pod for pod in self._pods.items() if namespace_of(pod) == key[0] and _selects(service, pod)]
        wanted = slice_of(service, pods)
        seen = self.slices.get(key[0], name_of(wanted))
        try:
            if seen is None or (controller_of(seen) or {}).get("uid") != uid_of(service):
                self._client.create(ENDPOINT_SLICES, wanted)
            elif any(seen.get(part) != wanted.get(part) for part in ("endpoints", "ports")):
                self._client.replace(ENDPOINT_SLICES, {**seen, **_content(wanted)})
        except (AlreadyExists, Conflict, NotFound):
            self._queue.add_after(key, 0.1)  # the cache is behind, or an earlier service's slice is going


def slice_of(service: Document, pods: list[Document]) -> Document:
    """The one slice of a service, named after it."""
    suffix = hashlib.sha256(uid_of(service).encode()).hexdigest()[:5]
    labels = {
        **labels_of(service),
        "endpointslice.kubernetes.io/managed-by": "endpointslice-controller.k8s.io",
        SERVICE_NAME: name_of(service),
    }
    if service["spec"].get("clusterIP") == "None":
        labels["service.kubernetes.io/headless"] = ""
    found = [one for pod in sorted(pods, key=name_of)[:_MOST] if (one := _endpoint(pod))]
    ports = [_port(port, pods) for port in service["spec"].get("ports") or []]
    return {
        "apiVersion": ENDPOINT_SLICES.api_version,
        "kind": ENDPOINT_SLICES.kind,
        "metadata": {
            "name": f"{name_of(service)}-{suffix}",
            "generateName": f"{name_of(service)}-",
            "namespace": namespace_of(service),
            "labels": labels,
            "ownerReferences": [owner_reference(service)],
        },
        "addressType": "IPv4",
        "endpoints": found,
        "ports": [port for port in ports if port],
    }


def _content(wanted: Document) -> dict[str, Any]:
    return {"endpoints": wanted["endpoints"], "ports": wanted["ports"]}


def _selects(service: Document, pod: Document) -> bool:
    selector = service["spec"].get("selector") or {}
    return bool(selector) and selector.items() <= labels_of(pod).items()


def _endpoint(pod: Document) -> dict[str, Any] | None:
    """None while the pod has no address, and once it is over."""
    status = pod.get("status") or {}
    if not status.get("podIP") or status.get("phase") in _FINISHED:
        return None
    ready, going = is_ready(pod), is_deleting(pod)
    return {
        "addresses": [status["podIP"]],
        "conditions": {"ready": ready and not going, "serving": ready, "terminating": going},
        "nodeName": pod["spec"]["nodeName"],
        "targetRef": {
            "kind": PODS.kind,
            "namespace": namespace_of(pod),
            "name": name_of(pod),
            "uid": uid_of(pod),
        },
    }


def _port(port: dict[str, Any], pods: list[Document]) -> dict[str, Any] | None:
    """A target port by name is a container's; None when no pod has one of that name."""
    target = port.get("targetPort", port["port"])
    if isinstance(target, str) and not target.isdigit():
        target = next(
            (
                one["containerPort"]
                for pod in pods
                for container in pod["spec"]["containers"]
                for one in container.get("ports") or []
                if one.get("name") == target
            ),
            None,
        )
    if target is None:
        return None
    return {"name": port.get("name", ""), "port": int(target), "protocol": port.get("protocol", "TCP")}
