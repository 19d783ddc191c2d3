"""kubectl in namespaces as projects have them on real clusters: with daemons, quotas and limits."""

from typing import Any

import pytest

from tests.cluster.simulator.kubectl import Run
from tests.cluster.waiting import eventually

pytestmark = pytest.mark.kubectl

TOLD = {
    "simulator/start-seconds": "0",
    "simulator/pull-seconds": "0",
    "simulator/stop-seconds": "0",
    "simulator/run-seconds": "3600",
}
AGENT: dict[str, Any] = {
    "apiVersion": "apps/v1",
    "kind": "DaemonSet",
    "metadata": {"name": "agent"},
    "spec": {
        "selector": {"matchLabels": {"app": "agent"}},
        "template": {
            "metadata": {"labels": {"app": "agent"}, "annotations": TOLD},
            "spec": {"containers": [{"name": "main", "image": "example/agent:1"}]},
        },
    },
}


def test_a_daemon_set_is_rolled_out_and_back(run: Run, place: str) -> None:
    here = f"--namespace={place}"
    run("apply", "-f", "-", here, document=AGENT)
    assert "successfully rolled out" in run("rollout", "status", "daemonset/agent", here, "--timeout=50s")
    row = run("get", "daemonset", "agent", "--no-headers", here).split()
    assert row[:7] == ["agent", "2", "2", "2", "2", "2", "<none>"]
    on = run("get", "pods", "-o", "jsonpath={.items[*].spec.nodeName}", here).split()
    assert sorted(on) == ["cpu-1", "h100-1"]

    run("set", "image", "daemonset/agent", "main=example/agent:2", here)
    assert "successfully rolled out" in run("rollout", "status", "daemonset/agent", here, "--timeout=50s")
    described = run("describe", "daemonset", "agent", here)
    assert "Desired Number of Nodes Scheduled: 2" in described
    assert "example/agent:2" in described
    assert "SuccessfulDelete" in described
    assert len(run("rollout", "history", "daemonset/agent", here).split("\n")) >= 4

    run("rollout", "undo", "daemonset/agent", here)
    assert "successfully rolled out" in run("rollout", "status", "daemonset/agent", here, "--timeout=50s")
    images = run("get", "pods", "-o", "jsonpath={.items[*].spec.containers[0].image}", here)
    assert eventually(lambda: "example/agent:1" in images)


def test_quotas_and_limits_are_shown(run: Run, place: str) -> None:
    here = f"--namespace={place}"
    run("create", "quota", "small", "--hard=pods=2,limits.memory=1Gi,requests.nvidia.com/gpu=4", here)
    limit = {"type": "Container", "max": {"memory": "512Mi"}}
    ranged = {
        "apiVersion": "v1",
        "kind": "LimitRange",
        "metadata": {"name": "modest"},
        "spec": {"limits": [limit]},
    }
    run("create", "-f", "-", here, document=ranged)
    assert eventually(lambda: "pods: 0/2" in run("get", "quota", here))

    run("run", "one", "--image=example/x:1", here)
    assert eventually(lambda: "limits.memory: 512Mi/1Gi" in run("get", "quota", here))
    described = run("describe", "quota", "small", here)
    assert [line.split() for line in described.splitlines()[-3:]] == [
        ["limits.memory", "512Mi", "1Gi"],
        ["pods", "1", "2"],
        ["requests.nvidia.com/gpu", "0", "4"],
    ]
    assert "Container   memory    -    512Mi  512Mi" in run("describe", "limits", "modest", here)
    assert "No resource quota" not in run("describe", "namespace", place)
    run("run", "two", "--image=example/x:1", here)
    assert "exceeded quota: small, requested: limits.memory=512Mi,pods=1" in run(
        "run", "three", "--image=example/x:1", here, code=1
    )
