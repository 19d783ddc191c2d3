"""One request for a resource -> one answer."""

from cluster.simulator.kinds import rules_for
from cluster.simulator.problems import method_not_allowed, not_found
from cluster.simulator.server.api import Api, Document, body_of, outgoing
from cluster.simulator.server.bodies import check_type, decode, read_body
from cluster.simulator.server.creating import create
from cluster.simulator.server.deleting import DeleteOptions, delete, delete_many, success
from cluster.simulator.server.messages import Answer, Request, Target, json_answer
from cluster.simulator.server.negotiation import Form
from cluster.simulator.server.options import WriteOptions
from cluster.simulator.server.patches import patch
from cluster.simulator.server.reading import get_answer, list_answer, metadata_only, select
from cluster.simulator.server.reviews import GROUPS as REVIEW_GROUPS
from cluster.simulator.server.reviews import answer_review
from cluster.simulator.server.subresources import answer_subresource, bind_by_body, existing
from cluster.simulator.server.updating import update
from cluster.simulator.tables.printing import table_of

PODS_STAY = (
    "child pods are preserved by default when jobs are deleted; set propagationPolicy=Background to remove them"
    " or set propagationPolicy=Orphan to suppress this warning"
)


def handle(api: Api, request: Request, target: Target, form: Form) -> Answer:
    """Objects and collections, and the status subresource. Raises Problem."""
    method, resource = request.method, target.resource
    if resource.group in REVIEW_GROUPS:
        return answer_review(api, request, target)
    if resource.storage == "bindings" and method == "POST":
        return bind_by_body(api, request, target)
    if target.subresource:
        special = answer_subresource(api, request, target)
        if special is not None:
            return special
    if method in ("GET", "HEAD"):
        if not target.name:
            return list_answer(api, request, target, form)
        return get_answer(request, target, existing(api, target), form)
    if method == "POST" and not target.name:
        return _create(api, request, target, form)
    if method == "PUT" and target.name:
        return _update(api, request, target, form)
    if method == "PATCH" and target.name:
        options = WriteOptions.of(request, target.subresource)
        document, is_new = patch(api, request, target, options)
        return written(api, target, document, form, options, 201 if is_new else 200)
    if method == "DELETE" and not target.subresource:
        return _delete(api, request, target)
    raise method_not_allowed()


def written(
    api: Api, target: Target, document: Document, form: Form, options: WriteOptions, status: int = 200
) -> Answer:
    """The answer to a write, with the warnings it caused."""
    shown = outgoing(target.resource, document)
    stored = api.store.get(target.resource.storage, target.namespace, document["metadata"]["name"])
    if form.shape == "Table":
        shown = table_of(target.resource, [shown], int(document["metadata"].get("resourceVersion", "0")))
    elif form.shape == "PartialObjectMetadata":
        shown = metadata_only(shown)
    if form.shape == "object" and stored is not None and stored.document is document:
        answer = Answer(status, body_of(target.resource, stored))
    else:
        answer = json_answer(shown, status)
    answer.headers |= warning_header([], options.strictness.warnings())
    return answer


def warning_header(present: list[str], warnings: list[str]) -> dict[str, str]:
    """The header with what is to be said beside an answer, after what it says already; none when there is nothing."""
    said = [*filter(None, present), *(f'299 - "{_quoted(text)}"' for text in warnings)]
    return {"warning": ", ".join(said)} if said else {}


def _quoted(text: str) -> str:
    return text.replace("\\", "\\\\").replace('"', '\\"')


def _create(api: Api, request: Request, target: Target, form: Form) -> Answer:
    options = WriteOptions.of(request)
    body = read_body(request, options.strictness)
    check_type(target.resource, body)
    if target.resource.namespaced and not target.namespace:
        raise method_not_allowed()
    document = decode(target.resource, body, options.strictness)
    created = create(api, target.resource, target.namespace, document, options)
    return written(api, target, created, form, options, 201)


def _update(api: Api, request: Request, target: Target, form: Form) -> Answer:
    options = WriteOptions.of(request, target.subresource)
    resource = target.resource
    body = read_body(request, options.strictness)
    check_type(resource, body)
    stored = api.store.get(resource.storage, target.namespace, target.name)
    if stored is None and rules_for(resource).creates_on_update and not target.subresource:
        document = decode(resource, body, options.strictness)
        document.setdefault("metadata", {}).setdefault("name", target.name)
        return written(
            api, target, create(api, resource, target.namespace, document, options), form, options, 201
        )
    if stored is None:
        raise not_found(resource.plural, resource.group, target.name)
    known = stored.document if stored.document.get("apiVersion") == resource.api_version else None
    document = decode(resource, body, options.strictness, known)
    return written(api, target, update(api, resource, stored, document, options), form, options)


def _delete(api: Api, request: Request, target: Target) -> Answer:
    options = DeleteOptions.of(request)
    resource = target.resource
    if not target.name:
        deleted = delete_many(api, resource, select(api, request, target), options)
        items = [outgoing(resource, document) for document in deleted]
        if not resource.custom:  # lists of built-in kinds say the kind once
            items = [{k: v for k, v in item.items() if k not in ("kind", "apiVersion")} for item in items]
        metadata = {"resourceVersion": str(api.store.version)} | ({"continue": ""} if resource.custom else {})
        return json_answer(
            {
                "kind": resource.list_kind,
                "apiVersion": resource.api_version,
                "metadata": metadata,
                "items": items,
            }
        )
    document, gone = delete(api, resource, existing(api, target), options)
    returned = success(resource, document)
    if not gone or rules_for(resource).returns_deleted:
        returned = outgoing(resource, document)
    answer = json_answer(returned)
    if resource.storage == "jobs.batch" and not options.propagation:
        answer.headers["warning"] = f'299 - "{PODS_STAY}"'
    return answer
