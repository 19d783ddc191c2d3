"""Conversations about what a namespace allows: LimitRanges at work, and LimitRanges and ResourceQuotas that say nothing sensible."""

from typing import Any

from tests.cluster.api.steps import CORE, MERGE, TABLE, Step, delete, get, patch, post

RANGES, QUOTAS, PODS = f"{CORE}/limitranges", f"{CORE}/resourcequotas", f"{CORE}/pods"
CLAIMS = f"{CORE}/persistentvolumeclaims"


def limit_range(*limits: dict[str, Any], name: str = "limits") -> dict[str, Any]:
    spec = {"limits": list(limits)}
    return {"apiVersion": "v1", "kind": "LimitRange", "metadata": {"name": name}, "spec": spec}


def quota(hard: dict[str, Any], name: str = "quota", **spec: Any) -> dict[str, Any]:
    spec = {"hard": hard, **spec}
    return {"apiVersion": "v1", "kind": "ResourceQuota", "metadata": {"name": name}, "spec": spec}


def pod(name: str, requests: Any = None, limits: Any = None, **spec: Any) -> dict[str, Any]:
    given = {"requests": requests, "limits": limits}
    resources = {side: listed for side, listed in given.items() if listed is not None}
    container = {"name": "c", "image": "example/x:1", "resources": resources}
    wanted = {"terminationGracePeriodSeconds": 0, "containers": [container], **spec}
    return {"apiVersion": "v1", "kind": "Pod", "metadata": {"name": name}, "spec": wanted}


def init(name: str, policy: str | None = None, **requests: str) -> dict[str, Any]:
    told = {"restartPolicy": policy} if policy else {}
    return {"name": name, "image": "example/x:1", "resources": {"requests": requests}, **told}


def claim(name: str, storage: str) -> dict[str, Any]:
    spec = {"accessModes": ["ReadWriteOnce"], "resources": {"requests": {"storage": storage}}}
    return {"apiVersion": "v1", "kind": "PersistentVolumeClaim", "metadata": {"name": name}, "spec": spec}


LIMITS: dict[str, list[Step]] = {
    "the limits of containers": [
        post(
            RANGES,
            limit_range(
                {
                    "type": "Container",
                    "max": {"cpu": "2", "memory": "1024Mi"},
                    "min": {"cpu": "0.1"},
                    "default": {"cpu": "0.5"},
                    "maxLimitRequestRatio": {"cpu": "4"},
                }
            ),
        ),
        get(RANGES),
        post(PODS, pod("nothing-said")),
        post(PODS, pod("some-said", {"cpu": "200m"}, initContainers=[init("i", memory="1Mi")])),
        post(PODS, pod("too-much", limits={"cpu": "3"})),
        post(PODS, pod("too-little", {"cpu": "50m"})),
        post(PODS, pod("too-far-apart", {"cpu": "100m"}, {"cpu": "1"})),
        post(PODS, pod("too-much-of-both", limits={"cpu": "3", "memory": "2000M"})),
        post(PODS, pod("too-much-at-first", initContainers=[init("i", cpu="3")])),
        post(PODS, pod("wrong-and-too-much", limits={"cpu": "3"}, restartPolicy="Perhaps")),
        patch(PODS + "/nothing-said", {"metadata": {"labels": {"a": "b"}}}),
    ],
    "the limits of whole pods": [
        post(
            RANGES,
            limit_range(
                {
                    "type": "Pod",
                    "max": {"cpu": "2"},
                    "min": {"memory": "64Mi"},
                    "maxLimitRequestRatio": {"memory": "2"},
                }
            ),
        ),
        post(PODS, pod("nothing-said")),
        post(PODS, pod("too-much", limits={"cpu": "2500m", "memory": "1Gi"})),
        post(PODS, pod("no-limit", {"cpu": "1", "memory": "1Gi"})),
        post(PODS, pod("too-far-apart", {"memory": "1Gi"}, {"cpu": "1", "memory": "2.5Gi"})),
        post(PODS, pod("too-little", limits={"cpu": "1", "memory": "10Mi"})),
        post(
            PODS,
            pod(
                "enough-at-first", {"memory": "1Mi"}, {"cpu": "1"}, initContainers=[init("i", memory="64Mi")]
            ),
        ),
        post(PODS, pod("well", limits={"cpu": "2", "memory": "65Mi"})),
    ],
    "the limits of claims": [
        post(
            RANGES,
            limit_range(
                {"type": "PersistentVolumeClaim", "max": {"storage": "10Gi"}, "min": {"storage": "1Gi"}}
            ),
        ),
        post(CLAIMS, claim("large", "20Gi")),
        post(CLAIMS, claim("small", "0.5Gi")),
        post(CLAIMS, claim("well", "5Gi")),
    ],
    "limit ranges that are refused": [
        post(RANGES, limit_range({"type": "Container", "min": {"cpu": "2"}, "max": {"cpu": "1"}})),
        post(RANGES, limit_range({"type": "Pod", "default": {"cpu": "1"}})),
        post(RANGES, limit_range({"type": "Box", "max": {"cpu": "1"}})),
        post(RANGES, limit_range({"type": "PersistentVolumeClaim", "default": {"storage": "1Gi"}})),
        post(RANGES, limit_range({"type": "Container", "maxLimitRequestRatio": {"cpu": "0.5"}})),
        post(RANGES, limit_range({"type": "Pod", "max": {"bogus": "1"}})),
        post(
            RANGES,
            limit_range(
                {
                    "type": "Container",
                    "max": {"cpu": "4"},
                    "min": {"cpu": "2"},
                    "maxLimitRequestRatio": {"cpu": "3"},
                }
            ),
        ),
        post(
            RANGES,
            limit_range(
                {
                    "type": "Container",
                    "default": {"nvidia.com/gpu": "1"},
                    "defaultRequest": {"nvidia.com/gpu": "0"},
                }
            ),
        ),
        post(RANGES, limit_range({"type": "Container"}, {"type": "Container"})),
        post(RANGES, limit_range({"type": "Container", "max": {"cpu": "much"}})),
    ],
    "resource quotas that are refused": [
        post(QUOTAS, quota({"bogus": "1"})),
        post(QUOTAS, quota({"cpu": "-1"})),
        post(QUOTAS, quota({"pods": "1.5"})),
        post(QUOTAS, quota({"pods": "1"}, scopes=["Terminating", "NotTerminating"])),
        post(QUOTAS, quota({"pods": "1"}, scopes=["Elsewhere"])),
        post(QUOTAS, quota({"requests.cpu": "1"}, scopes=["BestEffort"])),
        post(
            QUOTAS,
            quota(
                {"pods": "1"},
                scopeSelector={"matchExpressions": [{"scopeName": "PriorityClass", "operator": "In"}]},
            ),
        ),
        post(
            QUOTAS,
            quota(
                {"pods": "1"},
                scopeSelector={"matchExpressions": [{"scopeName": "BestEffort", "operator": "DoesNotExist"}]},
            ),
        ),
        post(QUOTAS, quota({"pods": "1"}, scopes=["BestEffort"])),
        patch(f"{QUOTAS}/quota", {"spec": {"scopes": ["NotBestEffort"]}}, MERGE),
        get(QUOTAS, **TABLE),
        delete(f"{QUOTAS}/quota"),
    ],
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
        post(QUOTAS, quota({"pods": "1000", "requests.memory": "2048Mi"})),
    ],
}
