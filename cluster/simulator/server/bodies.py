"""Request bodies: JSON, YAML or protobuf -> a document; unknown and duplicate fields are refused or warned about."""

import json
from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Any

import yaml

from cluster.simulator.openapi.decoding import Decoding, WrongType
from cluster.simulator.problems import Problem, bad_request, unsupported_media_type
from cluster.simulator.protobuf.reader import is_protobuf, read_document
from cluster.simulator.resources import Resource
from cluster.simulator.server.messages import Request

ACCEPTED = ["application/json", "application/yaml", "application/vnd.kubernetes.protobuf"]
VALIDATIONS = ("", "Ignore", "Warn", "Strict")


@dataclass
class Strictness:
    """What to do with fields the type does not know; `warnings` go into the answer's headers."""

    mode: str
    found: list[str] = field(default_factory=list)

    @classmethod
    def of(cls, request: Request) -> "Strictness":
        mode = request.query.get("fieldValidation", "")
        if mode not in VALIDATIONS:
            raise bad_request(
                f'fieldValidation: Unsupported value: "{mode}": supported values: "Ignore", "Strict", "Warn"'
            )
        return cls(mode or "Warn")

    def warnings(self) -> list[str]:
        return self.found if self.mode == "Warn" else []


def read_body(request: Request, strictness: Strictness | None = None) -> Any:
    """The body as JSON values. Raises 400 when it does not parse, 415 for another media type."""
    media = (
        request.headers.get("content-type", "application/json").partition(";")[0].strip()
        or "application/json"
    )
    if media == "application/vnd.kubernetes.protobuf":
        if not is_protobuf(request.body):
            raise bad_request("the body is not a protobuf document of Kubernetes")
        return read_document(request.body)
    if media in ("application/yaml", "application/apply-patch+yaml"):
        return _yaml(request.body)
    if media == "application/json" or media.endswith("+json"):
        return read_json(request.body, strictness)
    raise unsupported_media_type(ACCEPTED)


def read_json(body: bytes, strictness: Strictness | None = None) -> Any:
    """JSON; duplicate keys are noted when someone wants to know."""
    try:
        if strictness is None or strictness.mode != "Strict":
            return json.loads(body)
        value = json.loads(body, object_pairs_hook=_noting_duplicates)
        strictness.found += [f'duplicate field "{path}"' for path in _duplicates(value)]
        return value
    except ValueError as error:
        raise bad_request(f"the object provided is unrecognized (must be of type Object): {error}") from None


def _noting_duplicates(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    result = dict(pairs)
    if len(result) == len(pairs):
        return result
    seen: set[str] = set()
    doubled = _Doubled(result)
    for key, _ in pairs:
        if key in seen:
            doubled.keys_twice.append(key)
        seen.add(key)
    return doubled


class _Doubled(dict[str, Any]):
    """An object of which some keys were given twice."""

    def __init__(self, content: dict[str, Any]) -> None:
        super().__init__(content)
        self.keys_twice: list[str] = []


def _duplicates(value: Any, path: str = "") -> Iterator[str]:
    if isinstance(value, list):
        for index, item in enumerate(value):
            yield from _duplicates(item, f"{path}[{index}]")
    elif isinstance(value, dict):
        prefix = f"{path}." if path else ""
        if isinstance(value, _Doubled):
            yield from (f"{prefix}{key}" for key in value.keys_twice)
        for key, part in value.items():
            yield from _duplicates(part, prefix + key)


def _yaml(body: bytes) -> Any:
    """YAML without dates turned into objects; JSON is YAML, and reads faster as JSON."""
    try:
        return json.loads(body)
    except ValueError:
        pass
    try:
        return yaml.load(body, Loader=_Loader)  # noqa: S506 a SafeLoader without timestamps
    except yaml.YAMLError as error:
        raise bad_request(f"error parsing YAML: {error}") from None


class _Loader(yaml.CSafeLoader):
    """A safe loader that leaves dates as text, as Kubernetes does."""


_Loader.yaml_implicit_resolvers = {
    first: [(tag, pattern) for tag, pattern in resolvers if tag != "tag:yaml.org,2002:timestamp"]
    for first, resolvers in yaml.CSafeLoader.yaml_implicit_resolvers.items()
}


def decode(resource: Resource, value: Any, strictness: Strictness, known: Any = None) -> dict[str, Any]:
    """A body as a document of the resource: pruned and defaulted. Raises 400 for what is not such an object."""
    if not isinstance(value, dict):
        raise bad_request(f"the object provided is unrecognized (must be of type {resource.kind})")
    decoding = Decoding(custom=resource.custom)
    try:
        document: dict[str, Any] = decoding.decode(resource.schema, value, "", known)
    except WrongType as error:
        raise _cannot_handle(resource, str(error)) from None
    strictness.found += [f'unknown field "{path}"' for path in decoding.unknown]
    if strictness.mode == "Strict" and strictness.found:
        raise _cannot_handle(resource, "strict decoding error: " + ", ".join(strictness.found))
    document["kind"], document["apiVersion"] = resource.kind, resource.api_version
    return document


def _cannot_handle(resource: Resource, detail: str) -> Problem:
    version = resource.version
    return bad_request(
        f'{resource.kind} in version "{version}" cannot be handled as a {resource.kind}: {detail}'
    )


def check_type(resource: Resource, value: Any) -> None:
    """Raises 400 when a body names another kind or version than its path."""
    if not isinstance(value, dict):
        return
    kind, api_version = value.get("kind"), value.get("apiVersion")
    if kind and kind != resource.kind:
        raise bad_request(
            f'{kind} in version "{api_version or resource.version}" cannot be handled as a {resource.kind}:'
            f' no kind "{kind}" is registered for version "{resource.api_version}"'
        )
    if api_version and api_version != resource.api_version:
        raise bad_request(
            f"the API version in the data ({api_version}) does not match the expected API version ({resource.api_version})"
        )
