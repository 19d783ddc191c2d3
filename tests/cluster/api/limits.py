"""Conversations about what pods ask for."""

from typing import Any

from tests.cluster.api.steps import CORE, Step, post

PODS = f"{CORE}/pods"


def pod(name: str, requests: Any = None, limits: Any = None, **spec: Any) -> dict[str, Any]:
    given = {"requests": requests, "limits": limits}
    resources = {side: listed for side, listed in given.items() if listed is not None}
    container = {"name": "c", "image": "example/x:1", "resources": resources}
    wanted = {"terminationGracePeriodSeconds": 0, "containers": [container], **spec}
    return {"apiVersion": "v1", "kind": "Pod", "metadata": {"name": name}, "spec": wanted}


LIMITS: dict[str, list[Step]] = {
    "quantities": [
        post(PODS, pod("amounts", {"cpu": "0.5", "memory": "1024Mi"}, {"cpu": "1000m", "memory": "1.5Gi"})),
        post(
            PODS,
            pod(
                "odd",
                {"cpu": "1e-1", "memory": "1e3"},
                {"cpu": "0.1001", "memory": "1500Ki", "nvidia.com/gpu": 2},
            ),
        ),
        post(PODS, pod("none", {"cpu": "0", "memory": "0"}, {"cpu": "0.0", "memory": "0Gi"})),
        post(PODS, pod("wrong", {"cpu": "much"})),
    ],
}
