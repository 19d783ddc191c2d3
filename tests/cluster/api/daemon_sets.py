"""Conversations about DaemonSets, without their controller: the number of the template, strategies, what is refused."""

from typing import Any

from tests.cluster.api.steps import APPLY, MERGE, Step, get, patch, post, put

DAEMON_SETS = "/apis/apps/v1/namespaces/{ns}/daemonsets"


def daemon_set(name: str = "agent", policy: str | None = None, **spec: Any) -> dict[str, Any]:
    pod: dict[str, Any] = {"containers": [{"name": "c", "image": "example/agent:1"}]}
    if policy:
        pod["restartPolicy"] = policy
    template = {"metadata": {"labels": {"app": "agent"}}, "spec": pod}
    wanted = {"selector": {"matchLabels": {"app": "agent"}}, "template": template, **spec}
    return {"apiVersion": "apps/v1", "kind": "DaemonSet", "metadata": {"name": name}, "spec": wanted}


def rolling(**limits: Any) -> dict[str, Any]:
    return {"updateStrategy": {"type": "RollingUpdate", "rollingUpdate": limits}}


OTHER_NODES = {"spec": {"template": {"spec": {"nodeSelector": {"a": "b"}}}}}
DAEMONS: dict[str, list[Step]] = {
    "daemon sets": [
        post(DAEMON_SETS, daemon_set()),
        patch(f"{DAEMON_SETS}/agent", OTHER_NODES),
        patch(f"{DAEMON_SETS}/agent", {"spec": {"minReadySeconds": 5}}),
        patch(f"{DAEMON_SETS}/agent", {"metadata": {"labels": {"x": "y"}}}, MERGE),
        put(f"{DAEMON_SETS}/agent", daemon_set(updateStrategy={"type": "OnDelete"})),
        patch(f"{DAEMON_SETS}/agent/status", {"status": {"desiredNumberScheduled": 3, "numberReady": 1}}),
        get(f"{DAEMON_SETS}/agent"),
        patch(f"{DAEMON_SETS}/applied?fieldManager=me", daemon_set("applied"), APPLY),
    ],
    "daemon sets that are refused": [
        post(DAEMON_SETS, daemon_set(**rolling(maxSurge=0, maxUnavailable=0))),
        post(DAEMON_SETS, daemon_set(**rolling(maxSurge="10%", maxUnavailable=1))),
        post(DAEMON_SETS, daemon_set(minReadySeconds=-1)),
        post(DAEMON_SETS, daemon_set(selector={"matchLabels": {"app": "other"}})),
        post(DAEMON_SETS, daemon_set(**rolling(maxSurge=1, maxUnavailable=0))),
        patch(f"{DAEMON_SETS}/agent", {"spec": {"selector": {"matchLabels": {"b": "c"}}}}),
    ],
}
