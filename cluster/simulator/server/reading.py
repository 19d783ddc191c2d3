"""Get and list: selectors, pages, and the forms a client may ask for."""

import base64
import json
import secrets
import time
from collections.abc import Callable
from typing import Any

from cluster.simulator.problems import Problem, bad_request, expired
from cluster.simulator.resources import Resource
from cluster.simulator.selectors import field_test, label_test
from cluster.simulator.server.api import Api, Document, body_of, outgoing
from cluster.simulator.server.messages import Answer, Request, Target, json_answer
from cluster.simulator.server.negotiation import Form
from cluster.simulator.store.objects import Stored, encode, type_prefix
from cluster.simulator.tables.printing import table_of

PAGES_KEPT_SECONDS = 300.0
MOST_SNAPSHOTS = 64

Test = Callable[[Document], bool]


def selection(request: Request, resource: Resource) -> Test | None:
    """What the selectors of a request let through; None when there are none. Raises 400."""
    labels, fields = request.query.get("labelSelector", ""), request.query.get("fieldSelector", "")
    if not labels and not fields:
        return None
    extra = tuple(
        entry["jsonPath"].lstrip(".") for entry in resource.definition.get("selectableFields") or ()
    )
    by_label, by_field = label_test(labels), field_test(fields, resource.storage, resource.api_version, extra)

    def test(document: Document) -> bool:
        return by_label(document["metadata"].get("labels") or {}) and by_field(document)

    return test


class Pages:
    """Snapshots of lists that are read in pages: every page shows the same moment."""

    def __init__(self) -> None:
        self._snapshots: dict[str, tuple[float, int, list[Stored]]] = {}

    def keep(self, version: int, rest: list[Stored]) -> str:
        """Remember what is still to come; gives the continue token."""
        horizon = time.monotonic() - PAGES_KEPT_SECONDS
        for key in [key for key, (kept, _, _) in self._snapshots.items() if kept < horizon]:
            del self._snapshots[key]
        while len(self._snapshots) >= MOST_SNAPSHOTS:
            del self._snapshots[next(iter(self._snapshots))]
        key = secrets.token_hex(8)
        self._snapshots[key] = (time.monotonic(), version, rest)
        return base64.urlsafe_b64encode(
            json.dumps({"v": "meta.k8s.io/v1", "rv": version, "page": key}).encode()
        ).decode()

    def take(self, token: str) -> tuple[int, list[Stored]]:
        """The version of the snapshot and what is still to come. Raises 400 or 410."""
        try:
            key = json.loads(base64.urlsafe_b64decode(token))["page"]
        except (ValueError, KeyError, TypeError):
            raise bad_request("continue key is not valid: it was not made by this server") from None
        found = self._snapshots.get(key)
        if found is None:
            raise expired(
                "The provided continue parameter is too old to display a consistent list result. You must start a new list without the continue parameter."
            )
        return found[1], found[2]


PAGES = Pages()


def get_answer(request: Request, target: Target, stored: Stored, form: Form) -> Answer:
    """One object, as itself, as a table of one row, or as metadata alone."""
    resource = target.resource
    if form.shape == "Table":
        return json_answer(
            table_of(resource, [outgoing(resource, stored.document)], stored.version, included(request))
        )
    if form.shape == "PartialObjectMetadata":
        return json_answer(metadata_only(stored.document))
    return Answer(200, body_of(resource, stored))


def included(request: Request) -> str:
    """How much of an object a table row carries. Raises 400."""
    value = request.query.get("includeObject") or "Metadata"
    if value not in ("None", "Metadata", "Object"):
        raise bad_request(f'unrecognized includeObject value: "{value}"')
    return value


def metadata_only(document: Document) -> Document:
    return {"kind": "PartialObjectMetadata", "apiVersion": "meta.k8s.io/v1", "metadata": document["metadata"]}


def list_answer(api: Api, request: Request, target: Target, form: Form) -> Answer:
    """The objects of a collection that the selectors let through, perhaps a page of them."""
    resource, limit = target.resource, request.integer("limit") or 0
    if request.query.get("continue"):
        version, found = PAGES.take(request.query["continue"])
    else:
        _check_version(api, request)
        version, found = api.store.version, select(api, request, target)
    metadata: dict[str, Any] = {"resourceVersion": str(version)}
    if limit and len(found) > limit:
        metadata["continue"] = PAGES.keep(version, found[limit:])
        metadata["remainingItemCount"] = len(found) - limit
        if request.query.get("labelSelector") or request.query.get("fieldSelector"):
            del metadata["remainingItemCount"]
        found = found[:limit]
    if form.shape == "Table":
        table = table_of(
            resource, [outgoing(resource, stored.document) for stored in found], version, included(request)
        )
        table["metadata"] = metadata
        return json_answer(table)
    if form.shape == "PartialObjectMetadata":
        items = [metadata_only(stored.document) for stored in found]
        kind = "PartialObjectMetadataList"
        return json_answer(
            {"kind": kind, "apiVersion": "meta.k8s.io/v1", "metadata": metadata, "items": items}
        )
    if resource.custom:
        metadata.setdefault("continue", "")
    head = encode({"kind": resource.list_kind, "apiVersion": resource.api_version, "metadata": metadata})
    bodies = [body_of(resource, stored) for stored in found]
    if not resource.custom:
        prefix = type_prefix({"kind": resource.kind, "apiVersion": resource.api_version})
        bodies = [b"{" + body[len(prefix) :] if body.startswith(prefix) else body for body in bodies]
    items_body = b",".join(bodies)
    return Answer(200, head[:-1] + b',"items":[' + items_body + b"]}")


def select(api: Api, request: Request, target: Target) -> list[Stored]:
    """The stored objects of a collection that pass the selectors."""
    found = api.store.listed(target.resource.storage, target.namespace)
    test = selection(request, target.resource)
    if test is not None:
        found = [stored for stored in found if test(stored.document)]
    return found


def bad_list_options(field: str, detail: str) -> Problem:
    """Options of a list or watch that contradict each other."""
    text = f'ListOptions.meta.k8s.io "" is invalid: {field}: Forbidden: {detail}'
    cause = {"reason": "FieldValueForbidden", "message": f"Forbidden: {detail}", "field": field}
    return Problem(
        422, "Invalid", text, details={"group": "meta.k8s.io", "kind": "ListOptions", "causes": [cause]}
    )


def _check_version(api: Api, request: Request) -> None:
    """A list is always of now: fine for "any" and "not older than", not for an exact older moment."""
    asked, match = request.query.get("resourceVersion", ""), request.query.get("resourceVersionMatch", "")
    if match and not asked:
        raise bad_list_options(
            "resourceVersionMatch", "resourceVersionMatch is forbidden unless resourceVersion is provided"
        )
    if match not in ("", "Exact", "NotOlderThan"):
        raise bad_request(f'resourceVersionMatch: Unsupported value: "{match}"')
    if asked in ("", "0"):
        return
    if not asked.isdigit():
        raise bad_request(
            f'resourceVersion: Invalid value: "{asked}": strconv.ParseUint: parsing "{asked}": invalid syntax'
        )
    if int(asked) > api.store.version:
        cause = {"reason": "ResourceVersionTooLarge", "message": "Too large resource version"}
        raise Problem(
            504,
            "Timeout",
            f"Timeout: Too large resource version: {asked}, current: {api.store.version}",
            details={"causes": [cause], "retryAfterSeconds": 1},
            headers={"Retry-After": "1"},
        )
    if match == "Exact" and int(asked) != api.store.version:
        raise expired("The resourceVersion for the provided list is too old.")
