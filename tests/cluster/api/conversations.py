"""Requests that both servers must answer alike: each conversation is a list of steps, sent in order."""

from typing import Any

from tests.cluster.api.custom_resources import CUSTOM
from tests.cluster.api.daemon_sets import DAEMONS
from tests.cluster.api.definition_rules import DEFINITION_RULES
from tests.cluster.api.lasting import LASTING
from tests.cluster.api.limits import LIMITS
from tests.cluster.api.ruled_objects import RULED
from tests.cluster.api.rules_of_kinds import RULES
from tests.cluster.api.steps import (
    ALWAYS,
    APPLY,
    BINDING,
    CORE,
    DEPLOYMENTS,
    EVENT,
    EVENTS,
    JOB,
    JOBS,
    JSON_PATCH,
    LEASE,
    LEASES,
    PAUSED,
    POD,
    RUNNING,
    STRATEGIC,
    TABLE,
    Step,
    applied,
    config_map,
    delete,
    deployment,
    get,
    of_containers,
    patch,
    post,
    put,
)
from tests.cluster.api.webhook_conditions import CONDITIONS

DRY = "?dryRun=All"


def rolled(**numbers: Any) -> dict[str, Any]:
    return deployment("d", strategy={"type": "RollingUpdate", "rollingUpdate": numbers})


CONVERSATIONS: dict[str, list[Step]] = {
    "the patches of a deployment": [
        post(DEPLOYMENTS, PAUSED),
        get(DEPLOYMENTS + "/web"),
        patch(DEPLOYMENTS + "/web", {"spec": {"replicas": 3}}),
        patch(
            DEPLOYMENTS + "/web?fieldManager=zed",
            {
                "spec": of_containers(
                    {"name": "c", "env": [{"name": "B", "value": "2"}]}, {"name": "d", "image": "x"}
                )
            },
            STRATEGIC,
        ),
        patch(DEPLOYMENTS + "/web", {"spec": of_containers({"name": "d", "$patch": "delete"})}, STRATEGIC),
        patch(
            DEPLOYMENTS + "/web",
            [
                {"op": "add", "path": "/metadata/labels/x", "value": "y"},
                {"op": "test", "path": "/spec/replicas", "value": 3},
            ],
            JSON_PATCH,
        ),
        patch(DEPLOYMENTS + "/web", [{"op": "test", "path": "/spec/replicas", "value": 4}], JSON_PATCH),
        patch(DEPLOYMENTS + "/web", [{"op": "remove", "path": "/spec/foo"}], JSON_PATCH),
        patch(DEPLOYMENTS + "/web", {}, "text/plain"),
        patch(DEPLOYMENTS + "/web", {"metadata": {"resourceVersion": "5"}}),
    ],
    "strategies of a deployment": [
        post(DEPLOYMENTS + DRY, rolled(maxSurge=-1)),
        post(DEPLOYMENTS + DRY, rolled(maxSurge=0, maxUnavailable=0)),
        post(DEPLOYMENTS + DRY, rolled(maxSurge="0%", maxUnavailable="half")),
        post(DEPLOYMENTS + DRY, rolled(maxSurge="150%", maxUnavailable="150%")),
        post(DEPLOYMENTS + DRY, rolled(maxSurge=0)),
        post(
            DEPLOYMENTS + DRY,
            deployment("d", strategy={"type": "Recreate", "rollingUpdate": {"maxSurge": 1}}),
        ),
        post(DEPLOYMENTS + DRY, deployment("d", strategy={"type": "Recreate"})),
        post(DEPLOYMENTS + DRY, deployment("d", minReadySeconds=10, progressDeadlineSeconds=10)),
        post(DEPLOYMENTS + DRY, deployment("d", minReadySeconds=-1, revisionHistoryLimit=-1)),
    ],
    "server-side apply": [
        post(DEPLOYMENTS, PAUSED),
        patch(DEPLOYMENTS + "/web?fieldManager=app", applied("web", {"replicas": 5}), APPLY),
        patch(
            DEPLOYMENTS + "/web?fieldManager=app",
            applied(
                "web",
                {"replicas": 5, **of_containers({"name": "c", "image": "foo"})},
                labels={"a": "c", "x": "q"},
            ),
            APPLY,
        ),
        patch(
            DEPLOYMENTS + "/web?fieldManager=app&force=true",
            applied("web", {"replicas": 5}, labels={"z": "1"}),
            APPLY,
        ),
        patch(
            DEPLOYMENTS + "/web?fieldManager=app&force=true", applied("web", {"minReadySeconds": 3}), APPLY
        ),
        patch(DEPLOYMENTS + "/web?fieldManager=app", applied("web", {"foo": 3}), APPLY),
        patch(DEPLOYMENTS + "/web", applied("web", {"replicas": 5}), APPLY),
        patch(DEPLOYMENTS + "/new?fieldManager=app", deployment("new", paused=True), APPLY),
        patch(DEPLOYMENTS + "/new?fieldManager=app", deployment("new", paused=True), APPLY),
        get(DEPLOYMENTS + "/new/scale"),
        patch(DEPLOYMENTS + "/new/scale", {"spec": {"replicas": 7}}),
        get(DEPLOYMENTS + "/new"),
    ],
    "documents that are not right": [
        post(DEPLOYMENTS + "?fieldValidation=Strict", deployment("w", foo=1, bar={"a": 1})),
        post(DEPLOYMENTS + "?dryRun=All", deployment("w", foo=1)),
        post(
            DEPLOYMENTS + "?fieldValidation=Strict",
            '{"apiVersion":"apps/v1","kind":"Deployment","metadata":{"name":"a","name":"b"}}',
        ),
        post(DEPLOYMENTS, deployment("w", replicas="x")),
        post(DEPLOYMENTS, deployment("w", **of_containers({"image": 1}))),
        post(DEPLOYMENTS, {"apiVersion": "apps/v1", "kind": "Deployment", "metadata": {"name": "w"}}),
        post(DEPLOYMENTS, deployment("")),
        post(DEPLOYMENTS, "{foo"),
        post(DEPLOYMENTS, {**deployment("w"), "kind": "Pod"}),
        post(DEPLOYMENTS, {**deployment("w"), "apiVersion": "v1"}),
        post(DEPLOYMENTS, deployment("w", selector={"matchLabels": {"app": "no"}})),
        post(DEPLOYMENTS, deployment("W_5")),
        post(DEPLOYMENTS, {**deployment("w"), "metadata": {"name": "w", "labels": {"a b": "c"}}}),
        post(DEPLOYMENTS, {**deployment("w"), "metadata": {"name": "w", "labels": {"x": "-"}}}),
        post(DEPLOYMENTS, {**deployment("w"), "metadata": {"name": "w", "resourceVersion": "5"}}),
        post(DEPLOYMENTS + "?dryRun=Foo", deployment("w")),
        post("/apis/apps/v1/namespaces/nope/deployments", deployment("w")),
    ],
    "paths that are not there": [
        get(DEPLOYMENTS + "/none"),
        get("/apis/foo/v1/bars"),
        get("/api/v1/foos"),
        get("/apis/apps/v1/namespaces/{ns}/foos"),
        post(DEPLOYMENTS + "/web", {}),
        delete(DEPLOYMENTS + "/none"),
        get("/apis/apps/v1"),
        get("/apis/batch/v1"),
        get("/apis/coordination.k8s.io"),
    ],
    "replacing": [
        post(DEPLOYMENTS, PAUSED),
        put(DEPLOYMENTS + "/web", {**PAUSED, "metadata": {"name": "web", "resourceVersion": "5"}}),
        put(DEPLOYMENTS + "/web", {**PAUSED, "metadata": {"name": "other"}}),
        put(DEPLOYMENTS + "/web", deployment(paused=True, selector={"matchLabels": {"app": "x"}})),
        put(DEPLOYMENTS + "/web", {**PAUSED, "metadata": {"name": "web", "uid": "aaa"}}),
        put(DEPLOYMENTS + "/web", PAUSED),
        put(DEPLOYMENTS + "/none", deployment("none")),
    ],
    "deleting with conditions and finalizers": [
        post(CORE + "/configmaps", config_map("cm", {"a": "b"}, finalizers=["x.y/z"])),
        delete(CORE + "/configmaps/cm", {"preconditions": {"uid": "x"}}),
        delete(CORE + "/configmaps/cm"),
        delete(CORE + "/configmaps/cm"),
        patch(CORE + "/configmaps/cm", {"metadata": {"finalizers": ["x.y/z", "x.y/q"]}}),
        patch(CORE + "/configmaps/cm", {"data": {"c": "d"}}),
        patch(CORE + "/configmaps/cm", {"metadata": {"finalizers": None}}),
        get(CORE + "/configmaps/cm"),
        post(CORE + "/configmaps", config_map("one", labels={"k": "1"})),
        post(CORE + "/configmaps", config_map("two", labels={"k": "2"})),
        get(CORE + "/configmaps?labelSelector=k"),
        delete(CORE + "/configmaps?labelSelector=k%3D1"),
        get(CORE + "/configmaps?labelSelector=k"),
        delete(CORE + "/configmaps/two"),
    ],
    "the life of a pod": [
        post(CORE + "/pods", POD),
        patch(CORE + "/pods/p", {"spec": {"schedulerName": "x"}}),
        patch(
            CORE + "/pods/p",
            {"spec": {"containers": [{"name": "c", "image": "example/busybox:2"}]}},
            STRATEGIC,
        ),
        get(CORE + "/pods/p/log"),
        post(CORE + "/pods/p/binding", {**BINDING, "metadata": {"name": "p", "uid": "zzz"}}),
        post(CORE + "/pods/p/binding", BINDING),
        post(CORE + "/pods/p/binding", BINDING),
        post(CORE + "/pods/none/binding", {**BINDING, "metadata": {"name": "none"}}),
        get(CORE + "/pods/p"),
        patch(CORE + "/pods/p/status", {"status": RUNNING}, STRATEGIC),
        get(CORE + "/pods?fieldSelector=spec.nodeName%3Dnowhere"),
        get(CORE + "/pods?fieldSelector=spec.foo%3Dn1"),
        get(CORE + "/pods?labelSelector=a%20b"),
        get(CORE + "/pods", **TABLE),
        get(CORE + "/pods/nope/log"),
        get(CORE + "/pods/p/log?container=zzz"),
        get(CORE + "/pods/p/log?tailLines=-1"),
        post(
            CORE + "/pods/p/eviction",
            {"apiVersion": "policy/v1", "kind": "Eviction", "metadata": {"name": "p"}},
        ),
        delete(CORE + "/pods/p", {"gracePeriodSeconds": 0}),
        get(CORE + "/pods/p"),
        post(CORE + "/pods", {**POD, "spec": {**POD["spec"], "priorityClassName": "nope"}}),  # type: ignore[dict-item]  # a literal
    ],
    "jobs": [
        post(JOBS, JOB),
        post(JOBS, {**JOB, "metadata": {"name": "jj"}, "spec": ALWAYS}),
        patch(JOBS + "/j", {"spec": {"completions": 4}}),
        patch(JOBS + "/j", {"spec": {"parallelism": 4}}),
        delete(JOBS + "/j?propagationPolicy=Background"),
    ],
    "services, secrets and leases": [
        post(
            CORE + "/services",
            {
                "apiVersion": "v1",
                "kind": "Service",
                "metadata": {"name": "s"},
                "spec": {"ports": [{"port": 80}], "selector": {"a": "b"}},
            },
        ),
        post(
            CORE + "/services",
            {
                "apiVersion": "v1",
                "kind": "Service",
                "metadata": {"name": "9s"},
                "spec": {"ports": [{"port": 0}]},
            },
        ),
        post(
            CORE + "/secrets",
            {"apiVersion": "v1", "kind": "Secret", "metadata": {"name": "s"}, "stringData": {"a": "b"}},
        ),
        put(LEASES + "/l", LEASE),
        put(LEASES + "/l", LEASE),
        patch(LEASES + "/l", {"spec": {"leaseDurationSeconds": -1}}),
    ],
    "events in both dialects": [
        post(EVENTS, EVENT),
        get(CORE + "/events/e1"),
        get(CORE + "/events?fieldSelector=involvedObject.name%3Dp,reason%3DFoo"),
        get(EVENTS + "?fieldSelector=regarding.name%3Dp"),
        get(CORE + "/events", **TABLE),
    ],
    "who may what": [
        post(
            "/apis/authorization.k8s.io/v1/selfsubjectaccessreviews",
            {
                "apiVersion": "authorization.k8s.io/v1",
                "kind": "SelfSubjectAccessReview",
                "spec": {"resourceAttributes": {"verb": "get", "resource": "pods"}},
            },
        ),
        post(
            "/apis/authorization.k8s.io/v1/subjectaccessreviews",
            {
                "apiVersion": "authorization.k8s.io/v1",
                "kind": "SubjectAccessReview",
                "spec": {"user": "bob", "resourceAttributes": {"verb": "get", "resource": "pods"}},
            },
        ),
        get("/api/v1/pods", authorization=""),
        get("/api/v1/pods", authorization="Bearer zzz"),
        get("/apis", authorization=""),
    ],
    "lists and watches that cannot be": [
        get(CORE + "/pods?watch=1&sendInitialEvents=true&timeoutSeconds=1"),
        get(CORE + "/pods?resourceVersionMatch=Exact"),
        get(CORE + "/pods?watch=1&resourceVersion=abc"),
        get(CORE + "/pods?resourceVersion=999999999"),
        get(CORE + "/pods?continue=zzz"),
    ],
}

CONVERSATIONS |= CONDITIONS | CUSTOM | DAEMONS | DEFINITION_RULES | LASTING | LIMITS | RULED | RULES
