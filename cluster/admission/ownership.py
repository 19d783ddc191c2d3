"""Labels and annotations that only the product writes: a person's are put back to what they were. Pure."""

import json
from collections.abc import Callable, Mapping
from typing import Any

from cluster import labels
from cluster.admission.reading import annotations_in, at, texts
from cluster.admission.reviews import Problem, Review
from cluster.admission.templates import changed_at, field_name, metadata_paths
from cluster.documents import Document

OUR_LABELS = frozenset({labels.WORKLOAD_ID, labels.WORKLOAD_NAME, labels.ATTEMPT})
"""They attribute a pod to a workload: usage, events and the page of the workload follow them."""
OUR_ANNOTATIONS = frozenset(
    {labels.CREATED, labels.SUBMITTED_BY, labels.REFUSAL, labels.EVICTION, labels.SUSPENDED_BY}
)
"""`runai.io/created` is a place in the queue, the others are what is told to people."""
RESERVATION_LABEL = labels.GPU_GROUP
"""Also as a prefix: `runai-gpu-group/<group>` on pods with parts of several devices."""
RESERVATION_ANNOTATIONS = frozenset(
    {labels.RECEIVED_RESOURCE_TYPE, labels.RESERVED_DEVICE, labels.VISIBLE_DEVICES, labels.GPU_PORTION}
)


def restored(review: Review) -> tuple[Document, list[str]]:
    """The object with what is ours as it was before (absent on a new object), and a warning for each field put back."""
    document: Document = review.object
    warnings: list[str] = []
    for path in metadata_paths(review.group, review.resource):
        old = at(review.old, *path, "metadata")

        def change(
            metadata: dict[str, Any], old: dict[str, Any] = old, path: tuple[str, ...] = path
        ) -> dict[str, Any]:
            return _restored_metadata(metadata, old, path, warnings)

        document = changed_at(document, (*path, "metadata"), change)
    return document, warnings


def _restored_metadata(
    metadata: dict[str, Any], old: dict[str, Any], path: tuple[str, ...], warnings: list[str]
) -> dict[str, Any]:
    for part, ours in (("labels", OUR_LABELS), ("annotations", OUR_ANNOTATIONS)):
        before, now = texts(old.get(part)), metadata.get(part)
        if now is not None and not isinstance(now, dict):
            continue
        wanted = _put_back(now or {}, before, ours)
        if part == "annotations":
            wanted = _gang_without_created(wanted, before)
        changed = sorted(
            name for name in wanted.keys() | (now or {}).keys() if wanted.get(name) != (now or {}).get(name)
        )
        if changed:
            metadata = {**metadata, part: wanted}
            place = field_name(path, "metadata", part)
            warnings += [
                f"{place}[{name}]: only the product writes it; yours was not taken" for name in changed
            ]
    return metadata


def _put_back(now: Mapping[str, Any], before: Mapping[str, str], ours: frozenset[str]) -> dict[str, Any]:
    kept = {name: value for name, value in now.items() if name not in ours}
    return kept | {name: value for name, value in before.items() if name in ours}


def _gang_without_created(now: dict[str, Any], before: Mapping[str, str]) -> dict[str, Any]:
    """Who belongs together is for people to say; since when they wait is not."""
    if labels.GANG not in now or now[labels.GANG] == before.get(labels.GANG):
        return now
    told = _told(now[labels.GANG])
    if told is None or "created" not in told:
        return now
    was = (_told(before.get(labels.GANG)) or {}).get("created")
    told = {**told, "created": was} if was is not None else {k: v for k, v in told.items() if k != "created"}
    return {**now, labels.GANG: json.dumps(told, separators=(",", ":"), sort_keys=True)}


def _told(annotation: Any) -> dict[str, Any] | None:
    try:
        told = json.loads(annotation)
    except (ValueError, TypeError, RecursionError):
        return None  # the validating half and the scheduler say what is wrong with it
    return told if isinstance(told, dict) else None


def ownership_problems(review: Review) -> list[Problem]:
    """What of ours a person has written or changed."""
    found = _changed(review, lambda part, name: name in (OUR_LABELS if part == "labels" else OUR_ANNOTATIONS))
    for path in metadata_paths(review.group, review.resource):
        now = annotations_in(at(review.object, *path)).get(labels.GANG)
        before = annotations_in(at(review.old, *path)).get(labels.GANG)
        if now != before and _created(now) not in (None, _created(before)):
            place = f"{field_name(path, 'metadata', 'annotations')}[{labels.GANG}]"
            found.append(Problem(place, "says since when the gang waits, which only the product writes"))
    return found


def reservation_problems(review: Review) -> list[Problem]:
    """Marks of reservations are refused and never put back silently: whoever claims a device that was not given is told so."""
    return _changed(review, lambda _, name: name in RESERVATION_ANNOTATIONS or _is_reservation(name))


def _changed(review: Review, is_meant: Callable[[str, str], bool]) -> list[Problem]:
    found: list[Problem] = []
    for path in metadata_paths(review.group, review.resource):
        new, old = at(review.object, *path, "metadata"), at(review.old, *path, "metadata")
        for part in ("labels", "annotations"):
            now, before = texts(new.get(part)), texts(old.get(part))
            found += [
                Problem(
                    f"{field_name(path, 'metadata', part)}[{name}]",
                    "is written by the product only; leave it as it is",
                )
                for name in sorted(now.keys() | before.keys())
                if now.get(name) != before.get(name) and is_meant(part, name)
            ]
    return found


def _created(gang: str | None) -> Any:
    return (_told(gang) or {}).get("created")


def _is_reservation(name: str) -> bool:
    return name == RESERVATION_LABEL or name.startswith(f"{RESERVATION_LABEL}/")
