"""What cannot change any more on what stands: the scheduler has counted it, and placed pods by it. Pure."""

from collections.abc import Mapping
from typing import Any

from cluster import labels
from cluster.admission.reading import annotations_in, at, text, texts
from cluster.admission.reviews import Problem, Review
from cluster.admission.templates import containers_of, field_name
from cluster.documents import Document
from cluster.quantities import parse_quantity

REQUESTED = (
    labels.GPU_FRACTION,
    labels.GPU_MEMORY,
    labels.GPU_FRACTION_DEVICES,
    labels.GPU_FRACTION_CONTAINER,
)
WORDS = (labels.QUEUE, labels.QUEUE_KAI, labels.PRIORITY_CLASS, labels.PREEMPTIBILITY, labels.GANG)
"""Labels and annotations that decide whose a place is, and who may take it back. On a Job they speak for its pods."""


def word_problems(review: Review) -> list[Problem]:
    """Of pods that have their place, and of Jobs whose pods may have it."""
    if review.operation != "UPDATE":
        return []
    spec = at(review.old, "spec")
    if (review.group, review.resource) == ("", "pods") and text(spec.get("nodeName")):
        return _words_changed(review, "on a pod that has its place: submit it anew")
    if (review.group, review.resource) == ("batch", "jobs") and spec.get("suspend") is not True:
        return _words_changed(review, "on a Job that is not suspended: stop it first")
    return []


def _words_changed(review: Review, why: str) -> list[Problem]:
    found: list[Problem] = []
    for part in ("labels", "annotations"):
        before, now = (texts(at(one, "metadata").get(part)) for one in (review.old, review.object))
        found += [
            Problem(
                f"metadata.{part}[{name}]",
                f"cannot change from {quoted(before, name)} to {quoted(now, name)} {why}",
            )
            for name in WORDS
            if before.get(name) != now.get(name)
        ]
    return found


def request_changed(old: Document, new: Document) -> list[Problem]:
    """A request for a part of a GPU is counted when the pod is placed: it cannot grow afterwards."""
    before, now = annotations_in(old), annotations_in(new)
    return [
        Problem(
            f"metadata.annotations[{name}]",
            f"cannot change from {quoted(before, name)} to {quoted(now, name)} on a pod",
        )
        for name in REQUESTED
        if before.get(name) != now.get(name)
    ]


def quoted(notes: Mapping[str, str], name: str) -> str:
    return repr(notes[name][:60]) if name in notes else "nothing"


def resize_problems(old: Document, new: Document) -> list[Problem]:
    """Growing in place, a container or the pod as a whole, would go past the quota that the pod was placed under."""
    before = {(listed, text(one.get("name"))): one for listed, _, one in containers_of(old)}
    found = _grown(at(old, "spec"), at(new, "spec"), field_name(("spec",)))
    for listed, index, container in containers_of(new):
        was = before.get((listed, text(container.get("name"))), {})
        found += _grown(was, container, field_name(("spec",), listed, index))
    return found


def _grown(was: Document, now: Document, place: str) -> list[Problem]:
    granted = at(was, "resources", "requests")
    return [
        Problem(
            f"{place}.resources.requests[{name}]",
            f"{str(amount)[:40]} is more than the {str(granted.get(name, 0))[:40]} the pod was placed with: submit it anew",
        )
        for name, amount in at(now, "resources", "requests").items()
        if _more(amount, granted.get(name, 0))
    ]


def _more(amount: Any, granted: Any) -> bool:
    try:
        return parse_quantity(amount) > parse_quantity(granted)
    except (ValueError, ArithmeticError):
        return bool(amount != granted)
