"""RFC 6902: the operations that make one JSON document of another. Pure."""

from typing import Any

from cluster.admission.reading import Json

Operation = dict[str, Any]


def difference(before: Json, after: Json, path: str = "") -> list[Operation]:
    """Objects are compared by key, lists by place; a list that grew is appended to, one that shrank is replaced whole."""
    if before is after:  # most of a changed object is what it was: not walked through
        return []
    if isinstance(before, dict) and isinstance(after, dict):
        return _of_objects(before, after, path)
    if isinstance(before, list) and isinstance(after, list) and len(before) <= len(after):
        found: list[Operation] = []
        for index, (old, new) in enumerate(zip(before, after, strict=False)):
            found += difference(old, new, f"{path}/{index}")
        return found + [{"op": "add", "path": f"{path}/-", "value": new} for new in after[len(before) :]]
    if _same(before, after):
        return []
    return [{"op": "replace", "path": path, "value": after}]


def _of_objects(before: dict[str, Any], after: dict[str, Any], path: str) -> list[Operation]:
    gone = sorted(before.keys() - after.keys())
    found: list[Operation] = [{"op": "remove", "path": f"{path}/{_escaped(name)}"} for name in gone]
    for name in sorted(after):
        place = f"{path}/{_escaped(name)}"
        if name not in before:
            found.append({"op": "add", "path": place, "value": after[name]})
        else:
            found += difference(before[name], after[name], place)
    return found


def _same(before: Json, after: Json) -> bool:
    """Equal in JSON: 1 and true are not, though Python says so."""
    return type(before) is type(after) and bool(before == after)


def _escaped(name: str) -> str:
    return name.replace("~", "~0").replace("/", "~1")
