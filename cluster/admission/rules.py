"""What is refused in a project's namespace (the validating half). Pure; every refusal names its field and the limit."""

from collections.abc import Mapping

from cluster import labels
from cluster.admission.defaults import (
    DEFAULT_SCHEDULER,
    debugging_without_devices,
    may_choose_scheduler,
    with_environment,
)
from cluster.admission.devices import device_problems
from cluster.admission.environment import VISIBLE_DEVICES, source_problems
from cluster.admission.fractions import fraction_problems
from cluster.admission.ownership import ownership_problems, reservation_problems
from cluster.admission.projects import Project
from cluster.admission.reading import at, labels_in, mapping, objects, sequence, text
from cluster.admission.reviews import Problem, Review
from cluster.admission.standing import quoted, request_changed, resize_problems, word_problems
from cluster.admission.templates import (
    MOST_PARTS,
    Path,
    changed_at,
    containers_of,
    field_name,
    parts_of,
    pod_in,
    pod_path,
)
from cluster.admission.trust import Trust
from cluster.documents import Document

WITH_MARKS = ("", "status")
"""An object itself; and its status, with which Kubernetes takes labels and annotations, too."""


def problems_of(review: Review, project: Project, trust: Trust) -> list[Problem]:
    """Everything that is wrong, in the order of the rules; nothing when it may pass."""
    believed = trust.believes(review.requester)
    if review.subresource not in WITH_MARKS:
        return _problems_of_subresource(review, believed=believed)
    found = [] if believed else ownership_problems(review) + word_problems(review)
    path = pod_path(review.group, review.resource)
    if path != () or not trust.may_reserve(review.requester):
        found += reservation_problems(review)
    if path is None:
        return found + source_problems(review)
    pod = pod_in(review.object, path)
    if path == () and review.operation == "UPDATE":
        found += [] if believed else _mark_problems(pod, project, labels_in(review.old))
        return found + request_changed(review.old, pod)
    if review.operation == "UPDATE" and pod == pod_in(review.old, path):
        return found  # a finalizer or the number of replicas: nothing new about the pods
    if (parts := parts_of(pod)) > MOST_PARTS:
        place = field_name(path) or "pod"
        told = f"has {parts} containers, volumes, labels and annotations together; at most {MOST_PARTS} are judged"
        return [Problem(place, told)]
    found += _shape_problems(pod, path) + fraction_problems(pod, path) + device_problems(pod, path)
    if not believed:
        found += _node_problems(pod, path)
    if path == ():
        found += _placing_problems(pod, project) + _mark_problems(pod, project)
        found += _untold_problems(pod, changed_at(pod, ("spec",), lambda spec: with_environment(spec, pod)))
    return found


def _shape_problems(pod: Document, path: Path) -> list[Problem]:
    """What is no pod cannot be judged; the API server never lets it come this far."""
    wrong = [
        name for name in ("metadata", "spec") if pod.get(name) is not None and not isinstance(pod[name], dict)
    ]
    return [Problem(field_name(path, name), "must be an object") for name in wrong]


def _node_problems(pod: Document, path: Path) -> list[Problem]:
    """In a template too: the controller that copies it is believed, and a pod with a node never comes to a scheduler."""
    node = text(at(pod, "spec").get("nodeName"))
    if not node:
        return []
    return [
        Problem(
            field_name((*path, "spec"), "nodeName"),
            f"{node[:100]!r} must be empty: use nodeSelector or affinity, and the scheduler binds",
        )
    ]


def _placing_problems(pod: Document, project: Project) -> list[Problem]:
    """Who decides where the pod runs."""
    named = text(at(pod, "spec").get("schedulerName")) or DEFAULT_SCHEDULER
    if named == labels.SCHEDULER_NAME or may_choose_scheduler(pod, project):
        return []
    must = f"must be {labels.SCHEDULER_NAME}: the project {project.queue} enforces it"
    return [Problem("spec.schedulerName", f"{named[:100]!r} {must}")]


def _mark_problems(pod: Document, project: Project, before: Mapping[str, str] | None = None) -> list[Problem]:
    """On whose account the pod runs. With `before`, the labels that it had: only what has changed is judged."""
    now = labels_in(pod)
    return [
        Problem(
            f"metadata.labels[{name}]",
            f"{quoted(now, name)} must be {value!r}, as its namespace {project.namespace} has it",
        )
        for name, value in sorted(project.marks.items())
        if now.get(name) != value and (before is None or now.get(name) != before.get(name))
    ]


def _untold_problems(sent: Document, told: Document) -> list[Problem]:
    """The mutating half is passed over when it does not answer: what it would have told a container is missing then."""
    pairs = zip(containers_of(sent), containers_of(told), strict=True)
    return [
        Problem(
            field_name(("spec",), listed, index, "env"),
            f"does not say which GPUs the container sees ({VISIBLE_DEVICES}), as the product's defaults do: send it again",
        )
        for (listed, index, before), (_, _, after) in pairs
        if before is not after
    ]


def _problems_of_subresource(review: Review, *, believed: bool) -> list[Problem]:
    if review.subresource == "ephemeralcontainers":
        return _problems_of_debugging(review)
    if review.subresource == "resize" and not believed:
        return resize_problems(review.old, review.object)
    return []


def _problems_of_debugging(review: Review) -> list[Problem]:
    """Only what is new is judged; the rest cannot change any more."""
    known = {text(one.get("name")) for _, one in objects(at(review.old, "spec").get("ephemeralContainers"))}
    asked = sequence(at(review.object, "spec").get("ephemeralContainers"))
    new = [one if text(mapping(one).get("name")) not in known else None for one in asked]
    untold = _untold_problems(review.object, debugging_without_devices(review.object, review.old))
    return device_problems({"spec": {"ephemeralContainers": new}}, ()) + untold
