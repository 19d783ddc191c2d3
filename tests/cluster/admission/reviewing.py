"""Reviews as an API server sends them, and patches applied as it applies them."""

import base64
import json
from typing import Any

from cluster import labels
from cluster.admission.answers import mutating, validating
from cluster.admission.projects import Project, project_of
from cluster.admission.reviews import read_review
from cluster.admission.trust import Trust

NAMESPACE = {
    "metadata": {
        "name": "runai-vision",
        "labels": {
            labels.QUEUE: "vision",
            labels.PROJECT_ID: "7",
            labels.DEPARTMENT_ID: "3",
            labels.TENANT_ID: "1",
            labels.CLUSTER_ID: "c0ffee00-0000-4000-8000-000000000001",
        },
    }
}
VISION = project_of(NAMESPACE)
ADA = {"username": "ada", "groups": ["system:authenticated"]}
CONTROLLER = {
    "username": "system:serviceaccount:kube-system:job-controller",
    "groups": ["system:serviceaccounts", "system:serviceaccounts:kube-system", "system:authenticated"],
}


def pod(
    *, annotations: dict[str, str] | None = None, marks: dict[str, str] | None = None, **spec: Any
) -> dict[str, Any]:
    metadata: dict[str, Any] = {"name": "p", "namespace": "runai-vision"}
    if annotations:
        metadata["annotations"] = annotations
    if marks:
        metadata["labels"] = marks
    return {
        "apiVersion": "v1",
        "kind": "Pod",
        "metadata": metadata,
        "spec": {"containers": [container()], "schedulerName": "default-scheduler", **spec},
    }


def completed(document: dict[str, Any]) -> dict[str, Any]:
    """A pod with the labels and the environment that the mutating half gives, and nothing else of its doing."""
    given = mutated(document)
    marks = {**given["metadata"]["labels"], **document["metadata"].get("labels", {})}
    listed = {name: given["spec"][name] for name in ("initContainers", "containers") if name in given["spec"]}
    return {
        **document,
        "metadata": {**document["metadata"], "labels": marks},
        "spec": {**document["spec"], **listed},
    }


def ours(**asked: Any) -> dict[str, Any]:
    """A pod as it comes from the mutating half, which is asked first."""
    return completed(pod(schedulerName=labels.SCHEDULER_NAME, **asked))


def container(name: str = "main", **more: Any) -> dict[str, Any]:
    return {"name": name, "image": "python:3.11", **more}


def gpus(number: int, **more: Any) -> dict[str, Any]:
    return container(resources={"limits": {labels.GPU_RESOURCE: str(number)}}, **more)


def job(template: dict[str, Any], **metadata: Any) -> dict[str, Any]:
    inner = {"metadata": {k: v for k, v in template["metadata"].items() if k in ("labels", "annotations")}}
    return {
        "apiVersion": "batch/v1",
        "kind": "Job",
        "metadata": {"name": "j", "namespace": "runai-vision", **metadata},
        "spec": {"template": {**inner, "spec": template["spec"]}},
    }


def review(
    document: Any,
    *,
    old: Any = None,
    resource: str = "pods",
    group: str = "",
    operation: str = "CREATE",
    subresource: str = "",
    user: Any = ADA,
) -> dict[str, Any]:
    request = {
        "uid": "705ab4f5-6393-11e8-b7cc-42010a800002",
        "kind": {"group": group, "version": "v1", "kind": "Any"},
        "resource": {"group": group, "version": "v1", "resource": resource},
        "operation": operation,
        "namespace": "runai-vision",
        "userInfo": user,
        "object": document,
        "oldObject": old,
        "dryRun": False,
        "options": None,
    }
    if subresource:
        request["subResource"] = subresource
    return {"apiVersion": "admission.k8s.io/v1", "kind": "AdmissionReview", "request": request}


def mutated(document: Any, *, project: Project | None = VISION, **asked: Any) -> dict[str, Any]:
    """The object after the mutating half."""
    answer = mutating(read_review(review(document, **asked)), project, Trust())["response"]
    assert answer["allowed"] is True
    return apply(document, patch_of(answer))


def warnings(document: Any, **asked: Any) -> list[str]:
    answer = mutating(read_review(review(document, **asked)), VISION, Trust())["response"]
    return answer.get("warnings", [])


def refusals(document: Any, *, project: Project | None = VISION, **asked: Any) -> list[str]:
    """What the validating half says; nothing when it lets the object pass."""
    answer = validating(read_review(review(document, **asked)), project, Trust())["response"]
    assert answer["allowed"] is not ("status" in answer)
    if answer["allowed"]:
        return []
    causes = answer["status"]["details"]["causes"]
    return [f"{cause['field']}: {cause['message']}" for cause in causes]


def patch_of(response: dict[str, Any]) -> list[dict[str, Any]]:
    if "patch" not in response:
        return []
    assert response["patchType"] == "JSONPatch"
    return json.loads(base64.b64decode(response["patch"]))


def apply(document: Any, operations: list[dict[str, Any]]) -> Any:
    """RFC 6902, for the operations add, remove and replace."""
    result = json.loads(json.dumps(document))
    for one in operations:
        *way, last = [part.replace("~1", "/").replace("~0", "~") for part in one["path"].split("/")[1:]]
        place = result
        for step in way:
            place = place[int(step)] if isinstance(place, list) else place[step]
        if isinstance(place, list):
            if last == "-":
                assert one["op"] == "add"
                place.append(one["value"])
            else:
                assert one["op"] == "replace"
                place[int(last)] = one["value"]
        elif one["op"] == "remove":
            del place[last]
        else:
            assert (last in place) is (one["op"] == "replace")
            place[last] = one["value"]
    return result
