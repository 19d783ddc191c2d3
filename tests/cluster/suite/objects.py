"""Small objects that the suite works with."""

from typing import Any


def pod(
    name: str, *, node: str | None = None, gpus: int = 0, policy: str = "Never", **told: str
) -> dict[str, Any]:
    """A pod that starts at once; `run_seconds="5"` becomes the annotation simulator/run-seconds."""
    spec: dict[str, Any] = {
        "restartPolicy": policy,
        "schedulerName": "nobody",
        "terminationGracePeriodSeconds": 2,
        "containers": [
            {"name": "main", "image": "example/image:1", "resources": {"requests": {"cpu": "100m"}}}
        ],
    }
    if gpus:
        spec["containers"][0]["resources"]["limits"] = {"nvidia.com/gpu": str(gpus)}
    if node:
        spec["nodeName"] = node
        spec["tolerations"] = [{"operator": "Exists"}]
    return {
        "apiVersion": "v1",
        "kind": "Pod",
        "metadata": {"name": name, "annotations": annotations(**told)},
        "spec": spec,
    }


def annotations(**told: str) -> dict[str, str]:
    quick = {"pull_seconds": "0", "start_seconds": "0", "stop_seconds": "0.1"}
    return {f"simulator/{name.replace('_', '-')}": value for name, value in {**quick, **told}.items()}


def job(
    name: str,
    *,
    gpus: int = 0,
    node: str | None = "cpu-1",
    policy: str = "Never",
    told: dict[str, str] | None = None,
    **spec: Any,
) -> dict[str, Any]:
    """A Job whose pods are bound by their template, so that it needs no scheduler."""
    template = pod("unused", gpus=gpus, node=node, policy=policy, **(told or {"run_seconds": "0.2"}))
    return {
        "apiVersion": "batch/v1",
        "kind": "Job",
        "metadata": {"name": name},
        "spec": {
            **spec,
            "template": {
                "metadata": {"annotations": template["metadata"]["annotations"]},
                "spec": template["spec"],
            },
        },
    }


def config_map(name: str, **data: str) -> dict[str, Any]:
    return {"apiVersion": "v1", "kind": "ConfigMap", "metadata": {"name": name}, "data": data}


def widget_definition() -> dict[str, Any]:
    schema = {
        "type": "object",
        "properties": {
            "spec": {
                "type": "object",
                "required": ["size"],
                "properties": {
                    "size": {"type": "integer", "minimum": 1},
                    "colour": {"type": "string", "default": "blue"},
                },
            },
            "status": {"type": "object", "properties": {"phase": {"type": "string"}}},
        },
    }
    return {
        "apiVersion": "apiextensions.k8s.io/v1",
        "kind": "CustomResourceDefinition",
        "metadata": {"name": "widgets.test.run.ai"},
        "spec": {
            "group": "test.run.ai",
            "scope": "Namespaced",
            "names": {"plural": "widgets", "singular": "widget", "kind": "Widget", "listKind": "WidgetList"},
            "versions": [
                {
                    "name": "v1",
                    "served": True,
                    "storage": True,
                    "schema": {"openAPIV3Schema": schema},
                    "subresources": {"status": {}},
                }
            ],
        },
    }
