"""Conversations about what single kinds refuse: rules of Jobs, parts of pods, accounts of pods."""

from typing import Any

from tests.cluster.api.steps import CORE, JOB, JOBS, MERGE, POD, STRATEGIC, Step, get, patch, post

INDEXED = {"completionMode": "Indexed", "completions": 3, "parallelism": 3}


def job_with(**spec: Any) -> dict[str, Any]:
    return {**JOB, "metadata": {"name": "rules"}, "spec": {**JOB["spec"], **spec}}  # type: ignore[dict-item]  # a literal


def pod_with(**container: Any) -> dict[str, Any]:
    spec: dict[str, Any] = POD["spec"]  # type: ignore[assignment]  # a literal
    return {
        **POD,
        "metadata": {"name": "rules"},
        "spec": {**spec, "containers": [spec["containers"][0] | container]},
    }


def port(name: str, number: int) -> dict[str, Any]:
    return {"containerPort": number} | ({"name": name} if name else {})


def failure_rule(**rule: Any) -> dict[str, Any]:
    return {"podFailurePolicy": {"rules": [rule]}}


def debugging(name: str, **more: Any) -> dict[str, Any]:
    return {"spec": {"ephemeralContainers": [{"name": name, "image": "example/tools", **more}]}}


CODES = {"operator": "In", "values": [42]}
RULES: dict[str, list[Step]] = {
    "the rules of jobs": [
        post(JOBS, job_with(parallelism=-1, backoffLimit=-2)),
        post(JOBS, job_with(completionMode="Indexed")),
        post(JOBS, job_with(**INDEXED, maxFailedIndexes=5, backoffLimitPerIndex=1)),
        post(JOBS, job_with(**INDEXED, maxFailedIndexes=2)),
        post(JOBS, job_with(backoffLimitPerIndex=1)),
        post(JOBS, job_with(successPolicy={"rules": [{"succeededCount": 1}]})),
        post(JOBS, job_with(**INDEXED, successPolicy={"rules": []})),
        post(JOBS, job_with(**INDEXED, successPolicy={"rules": [{"succeededCount": 9}]})),
        post(JOBS, job_with(**INDEXED, successPolicy={"rules": [{"succeededIndexes": "2-9"}]})),
        post(JOBS, job_with(**INDEXED, successPolicy={"rules": [{"succeededIndexes": "a"}]})),
        post(JOBS, job_with(**INDEXED, successPolicy={"rules": [{}]})),
        post(JOBS, job_with(**failure_rule(action="Fall", onExitCodes=CODES))),
        post(JOBS, job_with(**failure_rule(action="FailIndex", onExitCodes=CODES))),
        post(JOBS, job_with(**failure_rule(action="FailJob"))),
        post(JOBS, job_with(**failure_rule(action="FailJob", onExitCodes={"operator": "In", "values": [0]}))),
        post(JOBS, job_with(**failure_rule(action="FailJob", onExitCodes={"operator": "In", "values": []}))),
        post(JOBS, job_with(podReplacementPolicy="Sometimes")),
        post(JOBS, job_with(managedBy="no-path")),
        post(
            JOBS,
            job_with(
                **INDEXED, backoffLimitPerIndex=1, **failure_rule(action="FailIndex", onExitCodes=CODES)
            ),
        ),
        get(JOBS + "/rules"),
        patch(JOBS + "/rules", {"spec": {"backoffLimitPerIndex": 2}}, MERGE),
        patch(JOBS + "/rules", {"spec": {"completions": 4, "parallelism": 4}}, MERGE),
    ],
    "the rules of containers": [
        post(CORE + "/pods", pod_with(ports=[port("web", 80), port("web", 81)])),
        post(CORE + "/pods", pod_with(ports=[port("web", 0), port("", 70000)])),
        post(CORE + "/pods", pod_with(ports=[port("NOT_A_NAME", 80)])),
        post(CORE + "/pods", pod_with(ports=[{"containerPort": 80, "protocol": "HTTP"}])),
        post(CORE + "/pods", pod_with(env=[{"name": ""}, {"name": "a b"}])),
        post(CORE + "/pods", pod_with(env=[{"name": "A=B", "value": "x"}])),
        post(
            CORE + "/pods",
            pod_with(volumeMounts=[{"name": "v", "mountPath": "/a"}, {"name": "v", "mountPath": "/a"}]),
        ),
        post(CORE + "/pods", pod_with(volumeMounts=[{"name": "v", "mountPath": ""}])),
        post(CORE + "/pods", pod_with(imagePullPolicy="Sometimes")),
        post(CORE + "/pods", pod_with(resources={"requests": {"cpu": "2"}, "limits": {"cpu": "1"}})),
        post(CORE + "/pods", pod_with(resources={"requests": {"cpu": "-1"}})),
    ],
    "parts of pods": [
        post(CORE + "/pods", POD),
        patch(CORE + "/pods/p", debugging("tools"), STRATEGIC),
        patch(CORE + "/pods/p/ephemeralcontainers", debugging("tools", stdin=True), STRATEGIC),
        patch(CORE + "/pods/p/ephemeralcontainers", debugging("tools", stdin=False), STRATEGIC),
        patch(CORE + "/pods/p/ephemeralcontainers", debugging("c"), STRATEGIC),
        patch(CORE + "/pods/p/ephemeralcontainers", {"spec": {"nodeName": "n1"}}, STRATEGIC),
        get(CORE + "/pods/p"),
        patch(
            CORE + "/pods/p",
            {"spec": {"containers": [{"name": "c", "resources": {"requests": {"cpu": "200m"}}}]}},
            STRATEGIC,
        ),
    ],
    "accounts of pods": [
        post(CORE + "/pods", {**POD, "spec": {**POD["spec"], "serviceAccountName": "nobody"}}),  # type: ignore[dict-item]  # a literal
        post(
            CORE + "/serviceaccounts",
            {
                "apiVersion": "v1",
                "kind": "ServiceAccount",
                "metadata": {"name": "quiet"},
                "automountServiceAccountToken": False,
                "imagePullSecrets": [{"name": "registry"}],
            },
        ),
        post(CORE + "/pods", {**POD, "spec": {**POD["spec"], "serviceAccountName": "quiet"}}),  # type: ignore[dict-item]  # a literal
    ],
}
