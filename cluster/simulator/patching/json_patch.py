"""JSON patch (RFC 6902)."""

import copy
from typing import Any

from cluster.simulator.problems import Problem, bad_request

LONGEST = 10_000


def apply_json_patch(original: Any, operations: Any) -> Any:
    """The patched copy. Raises 400 for a malformed patch, 422 for one that does not fit the object."""
    if not isinstance(operations, list):
        raise bad_request("the patch is not a list of operations")
    if len(operations) > LONGEST:
        raise Problem(
            413,
            "RequestEntityTooLarge",
            f"The allowed maximum operations in a JSON patch is {LONGEST}, got {len(operations)}",
        )
    document = copy.deepcopy(original)
    for operation in operations:
        if not isinstance(operation, dict) or "op" not in operation or "path" not in operation:
            raise bad_request("each operation of a JSON patch needs op and path")
        document = _apply(document, operation)
    return document


def _apply(document: Any, operation: dict[str, Any]) -> Any:
    name, path = operation["op"], operation["path"]
    if name in ("add", "replace", "test") and "value" not in operation:
        raise bad_request(f"operation {name} on {path} needs a value")
    if name == "test":
        if _read(document, path) != operation["value"]:
            raise _refused(f"testing value {path} failed")
        return document
    if name in ("move", "copy"):
        value = copy.deepcopy(_read(document, operation.get("from", "")))
        if name == "move":
            document = _write(document, operation["from"], "remove", None)
        return _write(document, path, "add", value)
    if name not in ("add", "remove", "replace"):
        raise bad_request(f"Unexpected kind: {name}")
    return _write(document, path, name, copy.deepcopy(operation.get("value")))


def _parts(path: str) -> list[str]:
    if path == "":
        return []
    if not path.startswith("/"):
        raise bad_request(f"the path {path!r} of a JSON patch does not begin with /")
    return [part.replace("~1", "/").replace("~0", "~") for part in path[1:].split("/")]


def _refused(detail: str) -> Problem:
    return Problem(
        422,
        "Invalid",
        f"the server rejected our request due to an error in our request: {detail}",
        details={},
    )


def _step(value: Any, part: str, path: str) -> Any:
    if isinstance(value, dict) and part in value:
        return value[part]
    if isinstance(value, list):
        return value[_index(value, part, path)]
    raise _refused(f"path {path}: {part!r} does not exist")


def _index(value: list[Any], part: str, path: str, *, adding: bool = False) -> int:
    if part == "-" and adding:
        return len(value)
    if not part.isdigit() or int(part) >= len(value) + adding:
        raise _refused(f"path {path}: there is no element {part!r}")
    return int(part)


def _read(document: Any, path: str) -> Any:
    for part in _parts(path):
        document = _step(document, part, path)
    return document


def _write(document: Any, path: str, name: str, value: Any) -> Any:
    parts = _parts(path)
    if not parts:
        return value
    parent = document
    for part in parts[:-1]:
        parent = _step(parent, part, path)
    last = parts[-1]
    if isinstance(parent, list):
        _write_item(parent, _index(parent, last, path, adding=name == "add"), name, value)
    elif isinstance(parent, dict):
        if name != "add" and last not in parent:
            raise _refused(f"path {path}: unable to {name} nonexistent key: {last}")
        if name == "remove":
            del parent[last]
        else:
            parent[last] = value
    else:
        raise _refused(f"path {path}: the parent is not an object or a list")
    return document


def _write_item(items: list[Any], index: int, name: str, value: Any) -> None:
    if name == "add":
        items.insert(index, value)
    elif name == "remove":
        del items[index]
    else:
        items[index] = value
