"""The words conversations are written in: requests, and the objects they send. `{ns}` is the test's namespace."""

from dataclasses import dataclass, field
from typing import Any

MERGE = "application/merge-patch+json"
STRATEGIC = "application/strategic-merge-patch+json"
JSON_PATCH = "application/json-patch+json"
APPLY = "application/apply-patch+yaml"
JSON = "application/json"
TABLE = {"accept": "application/json;as=Table;v=v1;g=meta.k8s.io"}

CORE = "/api/v1/namespaces/{ns}"
DEPLOYMENTS = "/apis/apps/v1/namespaces/{ns}/deployments"
JOBS = "/apis/batch/v1/namespaces/{ns}/jobs"
LEASES = "/apis/coordination.k8s.io/v1/namespaces/{ns}/leases"
EVENTS = "/apis/events.k8s.io/v1/namespaces/{ns}/events"


@dataclass
class Step:
    method: str
    path: str
    body: Any = None
    media: str = JSON
    headers: dict[str, str] = field(default_factory=dict)

    def __str__(self) -> str:
        return f"{self.method} {self.path} {self.media if self.method == 'PATCH' else ''}".strip()


def get(path: str, **headers: str) -> Step:
    return Step("GET", path, headers=headers)


def post(path: str, body: Any) -> Step:
    return Step("POST", path, body)


def put(path: str, body: Any) -> Step:
    return Step("PUT", path, body)


def patch(path: str, body: Any, media: str = MERGE) -> Step:
    return Step("PATCH", path, body, media)


def delete(path: str, body: Any = None) -> Step:
    return Step("DELETE", path, body)


def config_map(name: str, data: dict[str, str] | None = None, **metadata: Any) -> dict[str, Any]:
    document = {"apiVersion": "v1", "kind": "ConfigMap", "metadata": {"name": name, **metadata}}
    return {**document, "data": data} if data else document


CONTAINER = {
    "name": "c",
    "image": "example/nginx:1",
    "ports": [{"containerPort": 80}],
    "env": [{"name": "A", "value": "1"}],
    "resources": {"limits": {"cpu": "1", "nvidia.com/gpu": "2"}},
}


def deployment(name: str = "web", **spec: Any) -> dict[str, Any]:
    template = {"metadata": {"labels": {"app": "web"}}, "spec": {"containers": [CONTAINER]}}
    wanted = {"replicas": 2, "selector": {"matchLabels": {"app": "web"}}, "template": template, **spec}
    return {
        "apiVersion": "apps/v1",
        "kind": "Deployment",
        "metadata": {"name": name, "labels": {"a": "b"}},
        "spec": wanted,
    }


def applied(name: str, spec: dict[str, Any], **metadata: Any) -> dict[str, Any]:
    return {
        "apiVersion": "apps/v1",
        "kind": "Deployment",
        "metadata": {"name": name, **metadata},
        "spec": spec,
    }


def of_containers(*containers: dict[str, Any], **spec: Any) -> dict[str, Any]:
    return {"template": {"spec": {"containers": list(containers), **spec}}}


POD = {
    "apiVersion": "v1",
    "kind": "Pod",
    "metadata": {"name": "p"},
    "spec": {
        "schedulerName": "nobody",
        "containers": [
            {
                "name": "c",
                "image": "example/busybox",
                "livenessProbe": {"httpGet": {"port": 80}},
                "volumeMounts": [{"name": "v", "mountPath": "/v"}],
                "resources": {"requests": {"cpu": "100m"}, "limits": {"nvidia.com/gpu": 1}},
            }
        ],
        "volumes": [{"name": "v", "configMap": {"name": "x"}}],
    },
}
BINDING = {
    "apiVersion": "v1",
    "kind": "Binding",
    "metadata": {"name": "p"},
    "target": {"kind": "Node", "name": "nowhere"},
}
RUNNING = {
    "phase": "Running",
    "conditions": [{"type": "Ready", "status": "True", "lastTransitionTime": "2026-01-01T00:00:00Z"}],
    "podIP": "10.0.0.1",
    "podIPs": [{"ip": "10.0.0.1"}],
}
JOB = {
    "apiVersion": "batch/v1",
    "kind": "Job",
    "metadata": {"name": "j"},
    "spec": {
        "suspend": True,
        "template": {
            "spec": {"restartPolicy": "Never", "containers": [{"name": "c", "image": "example/busybox"}]}
        },
    },
}
ALWAYS = {"template": {"spec": {"containers": [{"name": "c", "image": "example/busybox"}]}}}
LEASE = {
    "apiVersion": "coordination.k8s.io/v1",
    "kind": "Lease",
    "metadata": {"name": "l"},
    "spec": {"holderIdentity": "x", "leaseDurationSeconds": 15, "renewTime": "2026-01-01T00:00:00.000000Z"},
}
EVENT = {
    "apiVersion": "events.k8s.io/v1",
    "kind": "Event",
    "metadata": {"name": "e1"},
    "eventTime": "2026-01-01T00:00:00.000000Z",
    "reason": "Foo",
    "action": "Bar",
    "note": "hello",
    "type": "Normal",
    "regarding": {"kind": "Pod", "namespace": "{ns}", "name": "p"},
    "reportingController": "me",
    "reportingInstance": "me-1",
}
PAUSED = deployment(paused=True)
