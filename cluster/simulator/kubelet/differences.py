"""What about a pod has changed so that its kubelet must act. Pure."""

from collections.abc import Iterable

from cluster.documents import Document, annotations_of
from cluster.simulator import annotations as told


def told_parts(pod: Document) -> dict[str, str]:
    return {
        name: text
        for name, text in annotations_of(pod).items()
        if name.startswith(told.PREFIX) and name != told.DEVICES
    }


def deviates(pod: Document, written: Document | None) -> bool:
    """Whether the status in the cluster says something else than we wrote last."""
    return written is not None and _essence(pod.get("status") or {}) != _essence(written)


def _essence(status: Document) -> tuple[object, ...]:
    containers: Iterable[Document] = status.get("containerStatuses") or []
    return (
        status.get("phase"),
        tuple(
            (one.get("restartCount"), tuple(one.get("state") or ()), one.get("ready")) for one in containers
        ),
    )
