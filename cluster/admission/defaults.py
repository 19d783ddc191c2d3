"""What a pod of a project is given when it is made (the mutating half). Pure; done twice it changes nothing more."""

from typing import Any

from cluster import labels
from cluster.admission.environment import without_devices
from cluster.admission.fractions import environment_of_share, gpu_container, gpu_resources, shares_gpu
from cluster.admission.ownership import restored
from cluster.admission.projects import Project
from cluster.admission.reading import annotations_in, at, labels_in, mapping, sequence, text
from cluster.admission.reviews import Review
from cluster.admission.templates import MOST_PARTS, changed_at, containers_of, parts_of, pod_in, pod_path
from cluster.admission.trust import Trust
from cluster.documents import Document

DEFAULT_SCHEDULER = "default-scheduler"
LONGEST_LABEL = 63


def with_defaults(review: Review, project: Project, trust: Trust) -> tuple[Document, list[str]]:
    """The object as the product wants it, and warnings for the person who sent it."""
    document: Document = review.object
    warnings: list[str] = []
    if parts_of(pod_in(document, pod_path(review.group, review.resource) or ())) > MOST_PARTS:
        return document, warnings  # the validating half refuses it
    if not trust.believes(review.requester):
        document, warnings = restored(review)
    if (review.group, review.resource) != ("", "pods"):
        return document, warnings
    if review.subresource == "ephemeralcontainers":
        return debugging_without_devices(document, review.old), warnings
    if review.operation == "CREATE" and not review.subresource:
        document = _marked(document, project)
        document = _scheduled_by_us(document, project)
        document = changed_at(document, ("spec",), lambda spec: with_environment(spec, document))
    return document, warnings


def belongs_to_daemon_set(pod: Document) -> bool:
    """Such a pod is made for one node, and runs beside whatever else is there."""
    return any(
        mapping(owner).get("kind") == "DaemonSet" and mapping(owner).get("controller") is True
        for owner in sequence(at(pod, "metadata").get("ownerReferences"))
    )


def asks_for_gpus(pod: Document) -> bool:
    """Claims count too: what stands behind one, its driver decides."""
    claims = bool(sequence(at(pod, "spec").get("resourceClaims")))
    return claims or shares_gpu(pod) or any(gpu_resources(one) for _, _, one in containers_of(pod))


def may_choose_scheduler(pod: Document, project: Project) -> bool:
    """In projects that do not enforce ours; and daemons without GPUs, which our scheduler has no business with."""
    return not project.enforces or (belongs_to_daemon_set(pod) and not asks_for_gpus(pod))


def _marked(pod: Document, project: Project) -> Document:
    """Labels from the project, and from what the pod says elsewhere: selectors, quotas and pages read labels."""
    wanted = dict(project.marks)
    present = labels_in(pod)
    pools = [one.strip() for one in annotations_in(pod).get(labels.NODE_POOLS, "").split(",") if one.strip()]
    if len(pools) == 1 and labels.NODE_POOL not in present and len(pools[0]) <= LONGEST_LABEL:
        wanted[labels.NODE_POOL] = pools[0]
    priority = text(at(pod, "spec").get("priorityClassName"))
    if priority and labels.PRIORITY_CLASS not in present and len(priority) <= LONGEST_LABEL:
        wanted[labels.PRIORITY_CLASS] = priority

    def mark(metadata: dict[str, Any]) -> dict[str, Any]:
        found = metadata.get("labels")
        if found is not None and not isinstance(found, dict):
            return metadata
        return {**metadata, "labels": {**(found or {}), **wanted}}

    return changed_at(pod, ("metadata",), mark)


def _scheduled_by_us(pod: Document, project: Project) -> Document:
    if may_choose_scheduler(pod, project):
        return pod
    return changed_at(pod, ("spec",), lambda spec: {**spec, "schedulerName": labels.SCHEDULER_NAME})


def with_environment(spec: dict[str, Any], pod: Document) -> dict[str, Any]:
    """The spec with each container told which GPUs it sees; one that is told already is the same object as before."""
    shared = gpu_container(pod) if shares_gpu(pod) else None
    for listed in ("initContainers", "containers"):
        if isinstance(spec.get(listed), list):
            changed = [
                _told_of_share(container, pod)
                if (listed, index) == shared
                else (without_devices(container) if isinstance(container, dict) else container)
                for index, container in enumerate(spec[listed])
            ]
            spec = {**spec, listed: changed}
    return spec


def _told_of_share(container: dict[str, Any], pod: Document) -> dict[str, Any]:
    """A variable that is there already is left: the validating half says what is wrong with it."""
    env = container.get("env")
    if env is not None and not isinstance(env, list):
        return container
    named = {
        mapping(variable).get("name")
        for variable in env or []
        if isinstance(mapping(variable).get("name"), str)
    }
    missing = [variable for variable in environment_of_share(pod) if variable["name"] not in named]
    return {**container, "env": [*(env or []), *missing]} if missing else container


def debugging_without_devices(pod: Document, old: Document) -> Document:
    """`kubectl debug` brings any image into a pod, past every quota: it is told that it has no GPU."""
    known = {
        mapping(one).get("name")
        for one in sequence(at(old, "spec").get("ephemeralContainers"))
        if _named(one)
    }

    def change(spec: dict[str, Any]) -> dict[str, Any]:
        found = spec.get("ephemeralContainers")
        if not isinstance(found, list):
            return spec
        changed = [without_devices(one) if _named(one) and one["name"] not in known else one for one in found]
        return {**spec, "ephemeralContainers": changed}

    return changed_at(pod, ("spec",), change)


def _named(container: Any) -> bool:
    return isinstance(mapping(container).get("name"), str)
