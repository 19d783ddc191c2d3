"""Delete: preconditions, propagation, grace and finalizers."""

from dataclasses import dataclass, replace
from datetime import timedelta
from typing import Any

from cluster.clock import now
from cluster.simulator.kinds import rules_for
from cluster.simulator.kinds.namespaces import terminating
from cluster.simulator.problems import bad_request, conflict
from cluster.simulator.resources import Resource
from cluster.simulator.server.api import Api, Document, outgoing
from cluster.simulator.server.bodies import read_body
from cluster.simulator.server.messages import Request
from cluster.simulator.server.updating import after_remove
from cluster.simulator.store.objects import Stored
from cluster.simulator.webhooks.admission import Admission, Call, Unanswered
from cluster.simulator.webhooks.attributes import Attributes

ORPHAN, FOREGROUND = "orphan", "foregroundDeletion"
FINALIZER_OF = {"Orphan": ORPHAN, "Foreground": FOREGROUND, "Background": ""}


@dataclass(frozen=True)
class DeleteOptions:
    grace_seconds: int | None = None
    propagation: str = ""
    uid: str = ""
    resource_version: str = ""
    dry_run: bool = False
    admission: Admission | None = None
    """Nothing the server deletes by itself is shown to webhooks."""

    @classmethod
    def of(cls, request: Request) -> "DeleteOptions":
        """From the body, else from the query. Raises 400 for values the API does not have."""
        body = read_body(request) if request.body.strip() else {}
        if not isinstance(body, dict):
            raise bad_request("the body is not a DeleteOptions object")
        conditions = body.get("preconditions") or {}
        orphan = body.get("orphanDependents")
        propagation = body.get("propagationPolicy") or request.query.get("propagationPolicy", "")
        if orphan is not None and not propagation:
            propagation = "Orphan" if orphan else "Background"
        if propagation and propagation not in FINALIZER_OF:
            raise bad_request(
                f'DeleteOptions.meta.k8s.io "" is invalid: propagationPolicy: Unsupported value: "{propagation}"'
            )
        grace = body.get("gracePeriodSeconds")
        return cls(
            request.integer("gracePeriodSeconds") if grace is None else int(grace),
            propagation,
            conditions.get("uid") or "",
            conditions.get("resourceVersion") or "",
            bool(body.get("dryRun")) or request.dry_run,
            request.admission,
        )

    def as_json(self) -> dict[str, Any]:
        """As webhooks are told them."""
        conditions = {"uid": self.uid, "resourceVersion": self.resource_version}
        conditions = {key: value for key, value in conditions.items() if value}
        said: dict[str, Any] = {"kind": "DeleteOptions", "apiVersion": "meta.k8s.io/v1"}
        if self.grace_seconds is not None:
            said["gracePeriodSeconds"] = self.grace_seconds
        if conditions:
            said["preconditions"] = conditions
        if self.propagation:
            said["propagationPolicy"] = self.propagation
        return said | ({"dryRun": ["All"]} if self.dry_run else {})


def delete(api: Api, resource: Resource, stored: Stored, options: DeleteOptions) -> tuple[Document, bool]:
    """Delete or begin to delete; gives the object's last or present state and whether it is gone. Raises 409."""
    _check_preconditions(resource, stored, options)
    _ask_webhooks(resource, stored, options)
    if resource.storage == "namespaces":
        return _begin_namespace(api, resource, stored, options)
    rules = rules_for(resource)
    document = stored.document
    metadata = dict(document["metadata"])
    finalizers = _finalizers(metadata.get("finalizers", []), options.propagation or rules.default_propagation)
    if not metadata.get("deletionTimestamp"):
        finalizers = [*finalizers, *(entry for entry in rules.delete_finalizers if entry not in finalizers)]
    grace = rules.grace_seconds(document, options.grace_seconds)
    if metadata.get("deletionTimestamp"):
        grace = min(grace, int(metadata.get("deletionGracePeriodSeconds", 0)))
    if grace == 0 and not finalizers:
        if rules.graceful:
            deleted_at = metadata.get("deletionTimestamp") or now().strftime("%Y-%m-%dT%H:%M:%SZ")
            metadata |= {"deletionTimestamp": deleted_at, "deletionGracePeriodSeconds": 0}
        document = {**document, "metadata": metadata}
        if options.dry_run:
            return document, True
        last = api.store.remove(resource.storage, stored, document)
        after_remove(api, resource, last)
        return last.document, True
    unchanged = metadata.get("deletionGracePeriodSeconds") == grace and finalizers == metadata.get(
        "finalizers", []
    )
    if metadata.get("deletionTimestamp") and unchanged:
        return document, False
    if not metadata.get("deletionTimestamp") or metadata.get("deletionGracePeriodSeconds") != grace:
        metadata["deletionTimestamp"] = (now() + timedelta(seconds=grace)).strftime("%Y-%m-%dT%H:%M:%SZ")
        metadata["deletionGracePeriodSeconds"] = grace
        if "generation" in metadata:
            metadata["generation"] += 1
    if finalizers:
        metadata["finalizers"] = finalizers
    marked = {**document, "metadata": metadata}
    if options.dry_run:
        return marked, False
    return api.store.put(resource.storage, marked).document, False


def _begin_namespace(
    api: Api, resource: Resource, stored: Stored, options: DeleteOptions
) -> tuple[Document, bool]:
    """A namespace is marked; `namespace_cleanup` empties and removes it."""
    if stored.document["metadata"].get("deletionTimestamp"):
        return stored.document, False
    metadata = {**stored.document["metadata"], "deletionTimestamp": now().strftime("%Y-%m-%dT%H:%M:%SZ")}
    marked = terminating({**stored.document, "metadata": metadata})
    return (marked if options.dry_run else api.store.put(resource.storage, marked).document), False


def _ask_webhooks(resource: Resource, stored: Stored, options: DeleteOptions, *, named: bool = True) -> None:
    """`named` says that the request names the object, and not its collection. Raises Unanswered, Problem."""
    if options.admission is None:
        return
    attributes = Attributes(
        "DELETE",
        resource,
        stored.name if named else "",
        stored.namespace,
        old=outgoing(resource, stored.document),
        options=options.as_json(),
        dry_run=options.dry_run,
    )
    options.admission.mutate(attributes, complete=lambda value: value)
    options.admission.validate(attributes)


def _check_preconditions(resource: Resource, stored: Stored, options: DeleteOptions) -> None:
    metadata = stored.document["metadata"]
    for label, wanted, found in (
        ("UID", options.uid, metadata["uid"]),
        ("ResourceVersion", options.resource_version, metadata["resourceVersion"]),
    ):
        if wanted and wanted != found:
            detail = (
                f"the {label} in the precondition ({wanted}) does not match the {label} in record ({found})."
                " The object might have been deleted and then recreated"
            )
            raise conflict(resource.kind, resource.group, stored.name, detail)


def _finalizers(present: list[str], propagation: str) -> list[str]:
    if not propagation:
        return present
    wanted = FINALIZER_OF[propagation]
    others = [entry for entry in present if entry not in (ORPHAN, FOREGROUND)]
    return [*others, wanted] if wanted else others


def delete_many(api: Api, resource: Resource, found: list[Stored], options: DeleteOptions) -> list[Document]:
    """Delete each; an object that went in between is no error. Nothing goes before the webhooks agreed to all."""
    single = replace(options, uid="", resource_version="")
    unanswered: list[Call] = []
    for stored in found:
        try:
            _ask_webhooks(resource, stored, single, named=False)
        except Unanswered as waiting:
            unanswered += waiting.calls
    if unanswered:
        raise Unanswered(unanswered)
    deleted = []
    for stored in found:
        current = api.store.get(resource.storage, stored.namespace, stored.name)
        if current is not None:
            agreed = replace(single, admission=None)  # while nothing was awaited, nothing has changed
            deleted.append(delete(api, resource, current, agreed)[0])
    return deleted


def success(resource: Resource, document: Document) -> dict[str, Any]:
    """The `Status` that says an object is gone."""
    details = {
        "name": document["metadata"]["name"],
        "kind": resource.plural,
        "uid": document["metadata"]["uid"],
    }
    if resource.group:
        details["group"] = resource.group
    return {"kind": "Status", "apiVersion": "v1", "metadata": {}, "status": "Success", "details": details}
