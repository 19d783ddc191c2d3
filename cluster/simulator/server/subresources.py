"""binding, eviction, scale, finalize, token: subresources whose bodies are not the object itself."""

import time
from dataclasses import replace
from datetime import UTC, datetime
from typing import Any

from cluster.simulator.patching.json_patch import apply_json_patch
from cluster.simulator.patching.merge import merge
from cluster.simulator.problems import (
    Problem,
    bad_request,
    conflict,
    invalid,
    method_not_allowed,
    not_found,
    wrong,
)
from cluster.simulator.server.admitting import admitted_body
from cluster.simulator.server.api import Api, Document
from cluster.simulator.server.bodies import read_body
from cluster.simulator.server.creating import timestamp
from cluster.simulator.server.deleting import DeleteOptions, delete
from cluster.simulator.server.disruption import take_from_budget
from cluster.simulator.server.messages import Answer, Request, Target, json_answer
from cluster.simulator.server.options import WriteOptions
from cluster.simulator.server.patches import JSON_PATCH, MERGE, STRATEGIC
from cluster.simulator.server.scaling import read_scale, write_scale
from cluster.simulator.server.updating import settle
from cluster.simulator.store.objects import Stored

SUCCESS_CREATED = {"kind": "Status", "apiVersion": "v1", "metadata": {}, "status": "Success", "code": 201}
LONGEST_TOKEN_SECONDS = 2**32


def existing(api: Api, target: Target) -> Stored:
    """The object a request names. Raises 404."""
    resource = target.resource
    stored = api.store.get(resource.storage, target.namespace, target.name)
    if stored is None:
        raise not_found(resource.plural, resource.group, target.name)
    return stored


def answer_subresource(api: Api, request: Request, target: Target) -> Answer | None:
    """The answer of a subresource that has its own kind of body, or None for those that have the object's."""
    storage, name = target.resource.storage, target.subresource
    if storage == "pods" and name in ("binding", "eviction"):
        if request.method != "POST":
            raise method_not_allowed()
        body = _body(request)
        return bind(api, request, target, body) if name == "binding" else evict(api, request, target, body)
    if name == "scale":
        return _scale(api, request, target)
    if storage == "namespaces" and name == "finalize" and request.method == "PUT":
        return _finalize(api, request, target)
    if storage == "serviceaccounts" and name == "token" and request.method == "POST":
        return _issue_token(api, request, target)
    return None


def _body(request: Request) -> Document:
    body = read_body(request)
    if not isinstance(body, dict):
        raise bad_request("the body is not an object")
    return body


def bind_by_body(api: Api, request: Request, target: Target) -> Answer:
    """The old way to bind: a Binding posted to the namespace, naming its pod."""
    body = _body(request)
    name = (body.get("metadata") or {}).get("name", "")
    pods = api.registry.builtin("", "v1", "pods")
    return bind(api, request, Target(pods, target.namespace, name, "binding"), body)


def bind(api: Api, request: Request, target: Target, body: Document) -> Answer:
    """Put a pod on a node: once, with the uid the scheduler saw. Raises 400, 404, 409, 422."""
    node = (body.get("target") or {}).get("name", "")
    if not node:
        raise invalid("Binding", "", target.name, [wrong("target.name", "", "Required value")])
    metadata = body.get("metadata") or {}
    stored = existing(api, target)
    document = stored.document
    uid, name = metadata.get("uid"), stored.name
    if metadata.get("name") and metadata["name"] != name:
        raise bad_request("name in URL does not match name in Binding object")
    if uid and uid != document["metadata"]["uid"]:
        detail = f"Precondition failed: UID in precondition: {uid}, UID in object meta: {document['metadata']['uid']}"
        raise conflict("pods", "", name, detail)
    if (
        metadata.get("resourceVersion")
        and metadata["resourceVersion"] != document["metadata"]["resourceVersion"]
    ):
        raise conflict(
            "pods", "", name, "Precondition failed: ResourceVersion in precondition differs from the object's"
        )
    body = admitted_body(request, target, body)
    node = body["target"]["name"]
    if document["metadata"].get("deletionTimestamp"):
        raise _binding_conflict(name, f"pod {name} is being deleted, cannot be assigned to a host")
    if document["spec"].get("nodeName"):
        raise _binding_conflict(
            name, f'pod {name} is already assigned to node "{document["spec"]["nodeName"]}"'
        )
    if document["spec"].get("schedulingGates"):
        raise _binding_conflict(name, f"pod {name} has non-empty .spec.schedulingGates")
    bound = _bound(document, node, metadata.get("annotations") or {})
    if not request.dry_run:
        api.store.put("pods", bound)
    return json_answer(SUCCESS_CREATED, 201)


def _binding_conflict(name: str, detail: str) -> Problem:
    problem = conflict("pods/binding", "", name, detail)
    problem.details = {"name": name, "kind": "pods/binding"}
    return problem


def _bound(document: Document, node: str, annotations: dict[str, str]) -> Document:
    metadata = dict(document["metadata"])
    if annotations:
        metadata["annotations"] = {**metadata.get("annotations", {}), **annotations}
    status = document.get("status", {})
    others = [condition for condition in status.get("conditions", []) if condition["type"] != "PodScheduled"]
    scheduled = {
        "type": "PodScheduled",
        "status": "True",
        "lastProbeTime": None,
        "lastTransitionTime": timestamp(),
    }
    return {
        **document,
        "metadata": metadata,
        "spec": {**document["spec"], "nodeName": node},
        "status": {**status, "conditions": [*others, scheduled]},
    }


def evict(api: Api, request: Request, target: Target, body: Document) -> Answer:
    """Delete a pod unless a PodDisruptionBudget protects it. Raises 404, 409, 429."""
    stored = existing(api, target)
    body = admitted_body(request, target, body)
    options = body.get("deleteOptions") or {}
    conditions = options.get("preconditions") or {}
    dry_run = request.dry_run or bool(options.get("dryRun"))
    take_from_budget(api, stored, dry_run=dry_run)
    if not dry_run and not stored.document["metadata"].get("deletionTimestamp"):
        stored = api.store.put("pods", _disrupted(stored.document))
    delete(
        api,
        target.resource,
        stored,
        DeleteOptions(
            options.get("gracePeriodSeconds"),
            options.get("propagationPolicy") or "",
            conditions.get("uid") or "",
            conditions.get("resourceVersion") or "",
            dry_run,
        ),
    )
    return json_answer(SUCCESS_CREATED, 201)


def _disrupted(document: Document) -> Document:
    """The pod with the condition that says why it goes."""
    status = document.get("status", {})
    others = [
        condition for condition in status.get("conditions", []) if condition["type"] != "DisruptionTarget"
    ]
    disruption = {
        "type": "DisruptionTarget",
        "status": "True",
        "lastTransitionTime": timestamp(),
        "reason": "EvictionByEvictionAPI",
        "message": "Eviction API: evicting",
    }
    return {**document, "status": {**status, "conditions": [*others, disruption]}}


def _scale(api: Api, request: Request, target: Target) -> Answer:
    stored = existing(api, target)
    scale = read_scale(target.resource, stored)
    if request.method == "GET":
        return json_answer(scale)
    media = request.headers.get("content-type", "").partition(";")[0].strip()
    body = read_body(request)
    if request.method == "PUT":
        wanted = body
    elif request.method == "PATCH" and media in (MERGE, STRATEGIC):
        wanted = merge(scale, body)
    elif request.method == "PATCH" and media == JSON_PATCH:
        wanted = apply_json_patch(scale, body)
    else:
        raise method_not_allowed()
    if not isinstance(wanted, dict):
        raise bad_request("the body is not a Scale object")
    if request.method == "PUT":
        wanted = {**scale, **wanted, "status": {"replicas": scale["status"]["replicas"]}}
    wanted = admitted_body(request, target, wanted, operation="UPDATE", old=scale)
    options = replace(WriteOptions.of(request, "scale"), admission=None)
    document = write_scale(api, target, stored, wanted, options)
    after = Stored(stored.namespace, stored.name, stored.version, document, b"")
    return json_answer(read_scale(target.resource, after))


def _finalize(api: Api, request: Request, target: Target) -> Answer:
    """Only `spec.finalizers` of a namespace; it goes when it is terminating and the last one is taken off."""
    stored = existing(api, target)
    finalizers = (_body(request).get("spec") or {}).get("finalizers") or []
    document = {**stored.document, "spec": {"finalizers": finalizers} if finalizers else {}}
    return json_answer(settle(api, target.resource, stored, document))


def _issue_token(api: Api, request: Request, target: Target) -> Answer:
    """A bearer token for a service account; it runs out in real time."""
    stored = existing(api, target)
    body = _body(request)
    spec: dict[str, Any] = body.get("spec") or {}
    seconds = int(spec.get("expirationSeconds") or 3600)
    if not 600 <= seconds <= LONGEST_TOKEN_SECONDS:
        cause = wrong("spec.expirationSeconds", seconds, "may not specify a duration less than 10 minutes")
        raise invalid("TokenRequest", "authentication.k8s.io", "", [cause])
    token, expires = api.identities.issue(
        stored.namespace, stored.name, stored.document["metadata"]["uid"], seconds=seconds
    )
    moment = datetime.fromtimestamp(max(expires, time.time()), UTC).strftime("%Y-%m-%dT%H:%M:%SZ")
    spec = {
        **spec,
        "expirationSeconds": seconds,
        "audiences": spec.get("audiences") or ["https://kubernetes.default.svc"],
    }
    metadata = {"name": stored.name, "namespace": stored.namespace, "creationTimestamp": timestamp()}
    status = {"token": token, "expirationTimestamp": moment}
    document = {
        "kind": "TokenRequest",
        "apiVersion": "authentication.k8s.io/v1",
        "metadata": metadata,
        "spec": spec,
        "status": status,
    }
    return json_answer(document, 201)
