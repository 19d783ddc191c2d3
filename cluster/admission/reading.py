"""Reading JSON that may be anything: what has the wrong type counts as absent, so that no review can raise. Pure."""

from collections.abc import Iterator, Mapping
from typing import Any

Json = Any
"""Whatever `json.loads` may give."""


def mapping(value: Json) -> dict[str, Any]:
    """The object itself, or an empty one."""
    return value if isinstance(value, dict) else {}


def sequence(value: Json) -> list[Any]:
    return value if isinstance(value, list) else []


def text(value: Json) -> str:
    """The text itself; numbers and the like are no text."""
    return value if isinstance(value, str) else ""


def at(document: Json, *path: str) -> dict[str, Any]:
    """The object at the end of the path, empty when there is none."""
    for step in path:
        document = mapping(document).get(step)
    return mapping(document)


def texts(value: Json) -> dict[str, str]:
    """The pairs of a map whose values are texts: labels, annotations."""
    return {name: found for name, found in mapping(value).items() if isinstance(found, str)}


def objects(value: Json) -> Iterator[tuple[int, dict[str, Any]]]:
    """The objects of a list with their places in it."""
    for index, item in enumerate(sequence(value)):
        if isinstance(item, dict):
            yield index, item


def labels_in(document: Mapping[str, Any]) -> dict[str, str]:
    return texts(at(document, "metadata").get("labels"))


def annotations_in(document: Mapping[str, Any]) -> dict[str, str]:
    return texts(at(document, "metadata").get("annotations"))
