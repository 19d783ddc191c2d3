"""What kubectl prints of the same objects on both servers: get, -o wide and -o yaml, after `normalised`."""

import os
import re
import secrets
import subprocess
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import yaml

from cluster import kinds
from cluster.control_plane.building import cache_folder
from cluster.kinds import Kind
from tests.cluster.api.comparing import differences
from tests.cluster.conftest import with_namespace
from tests.cluster.servers import ClusterApi

pytestmark = pytest.mark.control_plane

MOMENT = "2026-11-01T12:00:00Z"
POD_SPEC = {
    "containers": [
        {"name": "main", "image": "example/train:1", "resources": {"limits": {"nvidia.com/gpu": "1", "cpu": "500m"}}},
        {"name": "side", "image": "example/side:1"},
    ],
}  # fmt: skip
TEMPLATE = {"metadata": {"labels": {"app": "x"}}, "spec": POD_SPEC}
SELECTOR = {"matchLabels": {"app": "x"}}
READY = [{"type": "Ready", "status": "True", "lastTransitionTime": MOMENT}]


def container_status(name: str, *, ready: bool, restarts: int, state: dict[str, Any]) -> dict[str, Any]:
    return {
        "name": name,
        "ready": ready,
        "restartCount": restarts,
        "image": f"example/{name}:1",
        "imageID": "",
        "state": state,
    }


RUNNING = {
    "phase": "Running",
    "podIP": "10.1.2.3",
    "podIPs": [{"ip": "10.1.2.3"}],
    "conditions": READY,
    "containerStatuses": [
        container_status("main", ready=True, restarts=2, state={"running": {"startedAt": MOMENT}}),
        container_status(
            "side", ready=False, restarts=0, state={"waiting": {"reason": "ImagePullBackOff", "message": "no"}}
        ),
    ],
}  # fmt: skip

INGRESSES = Kind("networking.k8s.io", "v1", "ingresses", "Ingress")
NETWORK_POLICIES = Kind("networking.k8s.io", "v1", "networkpolicies", "NetworkPolicy")
ENDPOINT_SLICES = Kind("discovery.k8s.io", "v1", "endpointslices", "EndpointSlice")
AUTOSCALERS = Kind("autoscaling", "v2", "horizontalpodautoscalers", "HorizontalPodAutoscaler")
CHOICES = [
    {"key": "d", "operator": "NotIn", "values": ["z", "y"]},
    {"key": "c", "operator": "DoesNotExist"},
    {"key": "e", "operator": "Exists"},
]

Case = tuple[Kind, dict[str, Any], dict[str, Any]]
"""Kind, what is created besides its name, and the status written afterwards."""

CASES: dict[str, Case] = {
    "a pod nobody placed": (kinds.PODS, {"spec": POD_SPEC}, {}),
    "a pod of which one container waits": (kinds.PODS, {"spec": {**POD_SPEC, "nodeName": "n1"}}, RUNNING),
    "a pod that failed": (
        kinds.PODS,
        {"spec": {**POD_SPEC, "nodeName": "n1"}},
        {"phase": "Failed", "reason": "Evicted", "message": "taken back"},
    ),
    "a job": (
        kinds.JOBS,
        {"spec": {"completions": 3, "parallelism": 2, "template": {"spec": {**POD_SPEC, "restartPolicy": "Never"}}}},
        {"active": 2, "succeeded": 1, "startTime": MOMENT},
    ),
    "a deployment": (
        kinds.DEPLOYMENTS,
        {"spec": {"replicas": 3, "selector": SELECTOR, "template": TEMPLATE}},
        {"replicas": 3, "updatedReplicas": 2, "readyReplicas": 2, "availableReplicas": 2, "unavailableReplicas": 1},
    ),
    "a stateful set": (
        kinds.STATEFUL_SETS,
        {"spec": {"replicas": 2, "serviceName": "x", "selector": SELECTOR, "template": TEMPLATE}},
        {"replicas": 2, "readyReplicas": 1},
    ),
    "a cron job": (
        kinds.CRON_JOBS,
        {
            "spec": {
                "schedule": "*/5 * * * *",
                "jobTemplate": {"spec": {"template": {"spec": {**POD_SPEC, "restartPolicy": "OnFailure"}}}},
            }
        },
        {},
    ),
    "a claim": (
        kinds.PERSISTENT_VOLUME_CLAIMS,
        {
            "spec": {
                "accessModes": ["ReadWriteOnce"],
                "resources": {"requests": {"storage": "10Gi"}},
                "storageClassName": "none",
            }
        },
        {},
    ),
    "a disruption budget": (
        kinds.POD_DISRUPTION_BUDGETS,
        {"spec": {"minAvailable": 1, "selector": SELECTOR}},
        {},
    ),
    "a service": (
        kinds.SERVICES,
        {"spec": {"selector": {"app": "x"}, "ports": [{"name": "http", "port": 80, "targetPort": 8080}]}},
        {},
    ),
    "an ingress": (
        INGRESSES,
        {"spec": {"ingressClassName": "n", "tls": [{"hosts": ["a.b"]}], "defaultBackend": {"service": {"name": "s", "port": {"number": 80}}}, "rules": [{"host": f"{one}.b"} for one in "acde"]}},
        {},
    ),
    "a network policy": (
        NETWORK_POLICIES,
        {"spec": {"podSelector": {"matchLabels": {"b": "1", "a": "2"}, "matchExpressions": CHOICES}}},
        {},
    ),
    "an endpoint slice": (
        ENDPOINT_SLICES,
        {"addressType": "IPv4", "ports": [{"port": 80}, {"name": "b"}], "endpoints": [{"addresses": [f"10.0.0.{n}"]} for n in range(1, 6)]},
        {},
    ),
    "an autoscaler": (
        AUTOSCALERS,
        {
            "spec": {
                "scaleTargetRef": {"apiVersion": "apps/v1", "kind": "Deployment", "name": "x"},
                "maxReplicas": 7,
                "metrics": [
                    {"type": "Resource", "resource": {"name": "cpu", "target": {"type": "Utilization", "averageUtilization": 50}}},
                    {"type": "Pods", "pods": {"metric": {"name": "m"}, "target": {"type": "AverageValue", "averageValue": "10"}}},
                    {"type": "External", "external": {"metric": {"name": "q"}, "target": {"type": "Value", "value": "1"}}},
                ],
            }
        },
        {},
    ),
    "a revision": (
        kinds.CONTROLLER_REVISIONS,
        {
            "revision": 3,
            "data": {},
            "metadata": {
                "name": "a-revision",
                "labels": {"app": "x"},
                "ownerReferences": [{"apiVersion": "apps/v1", "kind": "StatefulSet", "name": "x", "uid": "u", "controller": True}],
            },
        },
        {},
    ),
    "a config map": (kinds.CONFIG_MAPS, {"data": {"b": "2", "a": "1"}}, {}),
    "a lease": (
        kinds.LEASES,
        {"spec": {"holderIdentity": "me", "leaseDurationSeconds": 15}},
        {},
    ),
}  # fmt: skip
AGE = re.compile(r"\b\d+[smhd](\d+[smhd])?\b")
UID = re.compile(r"[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}")
ADDRESS = re.compile(r"\b10\.\d+\.\d+\.\d+\b")


def normalised(text: str) -> list[list[str]]:
    """Cells of a printed table: ages, uids and cluster addresses are each server's own, widths follow from them."""
    for own, word in ((UID, "<uid>"), (AGE, "<age>"), (ADDRESS, "<address>")):
        text = own.sub(word, text)
    return [re.split(r"\s{2,}", line.strip()) for line in text.splitlines()]


class Kubectl:
    """kubectl for one server."""

    def __init__(self, server: ClusterApi, cache: Path) -> None:
        self._start = [str(cache_folder() / "kubectl"), "--kubeconfig", str(server.kubeconfig)]
        self._environment = {**os.environ, "KUBECACHEDIR": str(cache / server.name)}

    def __call__(self, *arguments: str) -> str:
        done = subprocess.run(
            [*self._start, *arguments], capture_output=True, text=True, timeout=120, env=self._environment
        )
        assert done.returncode == 0, done.stderr
        return done.stdout


@pytest.fixture(scope="module")
def namespace(simulator: ClusterApi, control_plane: ClusterApi) -> Iterator[str]:
    name = f"t-{secrets.token_hex(4)}"
    for server in (control_plane, simulator):
        with_namespace(server, name)
    yield name
    for server in (control_plane, simulator):
        server.client.delete(kinds.NAMESPACES, name)


@pytest.fixture(scope="module")
def kubectls(
    simulator: ClusterApi, control_plane: ClusterApi, tmp_path_factory: pytest.TempPathFactory
) -> tuple[Kubectl, Kubectl]:
    """Of the real and of the simulated server."""
    cache = tmp_path_factory.mktemp("kubectl")
    return Kubectl(control_plane, cache), Kubectl(simulator, cache)


@pytest.mark.parametrize("title", CASES)
def test_kubectl_prints_the_same_of_both_servers(
    title: str,
    simulator: ClusterApi,
    control_plane: ClusterApi,
    namespace: str,
    kubectls: tuple[Kubectl, Kubectl],
) -> None:
    kind, body, status = CASES[title]
    name = title.replace(" ", "-")
    document = {
        "apiVersion": kind.api_version,
        "kind": kind.kind,
        "metadata": {"name": name, "labels": {"app": "x"}},
        **body,
    }
    for server in (control_plane, simulator):
        server.client.create(kind, document, namespace=namespace)
        if status:
            server.client.merge_patch(
                kind, name, {"status": status}, namespace=namespace, subresource="status"
            )

    resource = f"{kind.plural}.{kind.group}" if kind.group else kind.plural
    for options in ((), ("-o", "wide"), ("--show-labels",)):
        real, simulated = (run("get", resource, name, "-n", namespace, *options) for run in kubectls)
        assert normalised(simulated) == normalised(real), options
    real, simulated = (run("get", resource, name, "-n", namespace, "-o", "yaml") for run in kubectls)
    assert not differences(yaml.safe_load(real), yaml.safe_load(simulated))
