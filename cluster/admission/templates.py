"""Where the pods of each kind are described. Pure."""

from collections.abc import Callable
from typing import Any

from cluster.admission.reading import at, mapping
from cluster.documents import Document
from cluster.kinds import (
    CRON_JOBS,
    DAEMON_SETS,
    DEPLOYMENTS,
    JOBS,
    PODS,
    REPLICA_SETS,
    REPLICATION_CONTROLLERS,
    STATEFUL_SETS,
    WORKLOAD_KINDS,
    Kind,
)

Path = tuple[str, ...]
CONTAINER_LISTS = ("initContainers", "containers", "ephemeralContainers")

OF_KIND: dict[tuple[str, str], Path] = {
    (PODS.group, PODS.plural): (),
    (CRON_JOBS.group, CRON_JOBS.plural): ("spec", "jobTemplate", "spec", "template"),
} | {
    (kind.group, kind.plural): ("spec", "template")
    for kind in (JOBS, DEPLOYMENTS, REPLICA_SETS, STATEFUL_SETS, DAEMON_SETS, REPLICATION_CONTROLLERS)
}
"""(group, plural) -> the way to the pod, from the object's top. These kinds' controllers are believed, so we look here."""
TEMPLATED: tuple[Kind, ...] = (
    JOBS,
    CRON_JOBS,
    DEPLOYMENTS,
    REPLICA_SETS,
    STATEFUL_SETS,
    DAEMON_SETS,
    REPLICATION_CONTROLLERS,
)
WORKLOADS = frozenset((kind.group, kind.plural) for kind in WORKLOAD_KINDS)
"""Our own custom resources: what stands in their metadata goes to the pods."""


def pod_path(group: str, plural: str) -> Path | None:
    """Where the pod of such an object is; None for kinds without one."""
    return OF_KIND.get((group, plural))


def pod_in(document: Document, path: Path) -> Document:
    """The pod, or an empty object."""
    return at(document, *path)


def metadata_paths(group: str, plural: str) -> tuple[Path, ...]:
    """Every metadata of such an object that reaches its pods: its own, the template's, and what lies between."""
    path = OF_KIND.get((group, plural))
    if path is None:
        return ((),) if (group, plural) in WORKLOADS else ()
    if path[:2] == ("spec", "jobTemplate"):
        return ((), path[:2], path)
    return ((),) if not path else ((), path)


MOST_PARTS = 1000
"""Containers, volumes, labels and annotations of one pod, together. No real one has a tenth; a megabyte of them would keep us from
answering anybody else."""


def parts_of(pod: Document) -> int:
    """How many things there are to judge, counted without a look at them."""
    metadata, spec = at(pod, "metadata"), at(pod, "spec")
    lists = (spec.get(name) for name in (*CONTAINER_LISTS, "volumes"))
    maps = (metadata.get(name) for name in ("labels", "annotations"))
    return sum(len(one) for one in (*lists, *maps) if isinstance(one, list | dict))


def changed_at(document: Document, path: Path, change: Callable[[Document], Document]) -> Document:
    """A copy with the object at the path changed; whatever is not on the way there is shared, and nothing is made up."""
    if not path:
        return change(document)
    inner = document.get(path[0])
    if not isinstance(inner, dict):
        return document
    changed = changed_at(inner, path[1:], change)
    return document if changed is inner else {**document, path[0]: changed}


def field_name(path: Path, *more: str | int) -> str:
    """spec.template.spec.containers[0].image"""
    text = ".".join(path)
    for part in more:
        text += f"[{part}]" if isinstance(part, int) else (f".{part}" if text else part)
    return text


def containers_of(pod: Document) -> list[tuple[str, int, dict[str, Any]]]:
    """(list, place, container) of all that run in a pod."""
    spec = mapping(pod.get("spec"))
    found: list[tuple[str, int, dict[str, Any]]] = []
    for name in CONTAINER_LISTS:
        items = spec.get(name)
        if isinstance(items, list):
            found += [(name, index, item) for index, item in enumerate(items) if isinstance(item, dict)]
    return found
