"""Nodes and pods of the binding benchmark, made and removed by many writers at once."""

import time
from collections.abc import Callable, Iterable
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime
from typing import Any, TypeVar

from cluster.client import ClusterClient
from cluster.documents import format_time, name_of, uid_of
from cluster.errors import AlreadyExists, NotFound
from cluster.kinds import EVENTS, NAMESPACES, NODES, PODS, SERVICE_ACCOUNTS
from cluster.labels import GPU_RESOURCE, QUEUE

PROJECT = "bench"
NAMESPACE = "runai-bench"
WRITERS = 8
T = TypeVar("T")
R = TypeVar("R")


def spread(items: Iterable[T], work: Callable[[T], R]) -> list[R]:
    """`work` on every item, by eight writers."""
    with ThreadPoolExecutor(WRITERS) as writers:
        return list(writers.map(work, items))


def make_namespace(client: ClusterClient) -> None:
    """No controllers run here: the service account that pods are given is made by hand."""
    client.create(NAMESPACES, {"apiVersion": "v1", "kind": "Namespace", "metadata": {"name": NAMESPACE}})
    account = {
        "apiVersion": "v1",
        "kind": "ServiceAccount",
        "metadata": {"name": "default", "namespace": NAMESPACE},
    }
    try:
        client.create(SERVICE_ACCOUNTS, account)
    except AlreadyExists:
        return


def make_nodes(client: ClusterClient, count: int, *, gpus: int, first: int = 0) -> None:
    """Ready nodes without kubelets. The admission taints a new node as not ready; nobody else here would untaint it."""
    spread(range(first, first + count), lambda number: _make_node(client, f"node-{number:04}", gpus))


def _make_node(client: ClusterClient, name: str, gpus: int) -> None:
    labels = {"kubernetes.io/hostname": name, "kubernetes.io/os": "linux", "nvidia.com/gpu.memory": "81559"}
    client.create(NODES, {"apiVersion": "v1", "kind": "Node", "metadata": {"name": name, "labels": labels}})
    amounts = {"cpu": "512", "memory": "4Ti", "pods": "250", GPU_RESOURCE: str(gpus)}
    stamp = format_time(datetime.now(UTC))
    ready = {
        "type": "Ready",
        "status": "True",
        "reason": "KubeletReady",
        "message": "",
        "lastHeartbeatTime": stamp,
        "lastTransitionTime": stamp,
    }
    status = {"capacity": amounts, "allocatable": amounts, "conditions": [ready]}
    client.merge_patch(NODES, name, {"status": status}, subresource="status")
    client.merge_patch(NODES, name, {"spec": {"taints": None}})


def pod(name: str, scheduler: str) -> dict[str, Any]:
    resources = {"requests": {"cpu": "4", "memory": "16Gi"}, "limits": {GPU_RESOURCE: "1"}}
    container = {
        "name": "main",
        "image": "registry.example/train:1",
        "args": ["--epochs", "10"],
        "resources": resources,
    }
    return {
        "apiVersion": "v1",
        "kind": "Pod",
        "metadata": {"name": name, "namespace": NAMESPACE, "labels": {QUEUE: PROJECT}},
        "spec": {"schedulerName": scheduler, "restartPolicy": "Never", "containers": [container]},
    }


def make_pods(client: ClusterClient, prefix: str, count: int, scheduler: str) -> dict[str, float]:
    """As fast as the writers can; uid -> `time.monotonic()` of the answer to its creation."""

    def make(number: int) -> tuple[str, float]:
        made = client.create(PODS, pod(f"{prefix}-{number:05}", scheduler))
        return uid_of(made), time.monotonic()

    return dict(spread(range(count), make))


def make_pods_steadily(
    client: ClusterClient, prefix: str, count: int, scheduler: str, *, per_second: float
) -> dict[str, float]:
    """At a steady rate, whatever the scheduler does; uid -> moment of the answer."""
    created: dict[str, float] = {}
    begun = time.monotonic()

    def make(number: int) -> None:
        made = client.create(PODS, pod(f"{prefix}-{number:05}", scheduler))
        created[uid_of(made)] = time.monotonic()

    with ThreadPoolExecutor(WRITERS) as writers:
        waiting = []
        for number in range(count):
            pause = begun + number / per_second - time.monotonic()
            if pause > 0:
                time.sleep(pause)
            waiting.append(writers.submit(make, number))
        for one in waiting:
            one.result()
    return created


def remove_pods(client: ClusterClient) -> None:
    """At once: no kubelet would confirm that a bound pod has ended. Their events go as well."""

    def remove(name: str) -> None:
        try:
            client.delete(PODS, name, NAMESPACE, grace_seconds=0)
        except NotFound:
            return

    spread([name_of(one) for one in client.list(PODS, NAMESPACE).items], remove)
    client.delete_collection(EVENTS, NAMESPACE)


def requests_served(client: ClusterClient) -> float:
    """Requests that the API server has answered so far, watches that go on not counted."""
    page = client._text("/metrics", {})  # no verb of the client has it, since the product never asks
    return sum(
        float(line.rsplit(" ", 1)[1])
        for line in page.splitlines()
        if line.startswith("apiserver_request_total{") and 'verb="WATCH"' not in line
    )


def wait_until(claim: Callable[[], bool], seconds: float, what: str) -> None:
    give_up_at = time.monotonic() + seconds
    while not claim():
        if time.monotonic() > give_up_at:
            raise TimeoutError(f"{what}: not within {seconds:.0f} s")
        time.sleep(0.02)
