"""Shows a create or an update to the admission webhooks: to those that change it, and, when it is settled, to those that only judge."""

from dataclasses import replace
from typing import Any

from cluster.simulator.kinds import rules_for
from cluster.simulator.resources import Resource
from cluster.simulator.server.api import Api, Document, outgoing
from cluster.simulator.server.bodies import Strictness, decode
from cluster.simulator.server.messages import Request, Target
from cluster.simulator.server.options import WriteOptions
from cluster.simulator.webhooks.attributes import Attributes


def admitted(
    api: Api, resource: Resource, document: Document, old: Document | None, options: WriteOptions
) -> Document:
    """The document as the mutating webhooks leave it. Raises Unanswered, Problem."""
    if options.admission is None:
        return document
    rules = rules_for(resource)

    def complete(value: Any) -> Document:
        fresh = decode(resource, value, Strictness("Ignore"))
        rules.fill(fresh)
        return fresh

    def admit(fresh: Document) -> None:
        if old is None:
            rules.admit(fresh, api.around)

    changed = options.admission.mutate(_attributes(resource, document, old, options), complete, admit)
    return document if changed is None else changed


def approved(resource: Resource, document: Document, old: Document | None, options: WriteOptions) -> None:
    """The validating webhooks agree. Raises Unanswered, Problem."""
    if options.admission is not None:
        shown = outgoing(resource, document)
        options.admission.validate(_attributes(resource, shown, old, options))


def admitted_body(
    request: Request,
    target: Target,
    body: Document,
    *,
    operation: str = "CREATE",
    old: Document | None = None,
) -> Document:
    """The body of a subresource with a kind of its own (binding, eviction, scale) after all webhooks. Raises Unanswered, Problem."""
    if request.admission is None:
        return body
    kind = "CreateOptions" if operation == "CREATE" else "UpdateOptions"
    asked = WriteOptions.of(request).asked
    if target.namespace:
        body = {**body, "metadata": {"namespace": target.namespace, **(body.get("metadata") or {})}}
    attributes = Attributes(
        operation,
        target.resource,
        target.name,
        target.namespace,
        target.subresource,
        body,
        old,
        {"kind": kind, "apiVersion": "meta.k8s.io/v1", **asked},
        request.dry_run,
    )
    changed = request.admission.mutate(attributes, complete=lambda value: value) or body
    settled = {**changed, "metadata": {**(old or {}).get("metadata", {}), **changed["metadata"]}}
    if old is not None and "status" in old:
        settled["status"] = old["status"]
    request.admission.validate(replace(attributes, document=settled))
    return changed


def _attributes(
    resource: Resource, document: Document, old: Document | None, options: WriteOptions
) -> Attributes:
    operation, kind = ("CREATE", "CreateOptions") if old is None else ("UPDATE", "UpdateOptions")
    metadata = (old or document)["metadata"]
    return Attributes(
        operation,
        resource,
        metadata.get("name", ""),
        metadata.get("namespace", ""),
        options.subresource,
        document,
        None if old is None else outgoing(resource, old),
        {"kind": kind, "apiVersion": "meta.k8s.io/v1", **options.asked},
        options.dry_run,
    )
