"""Keeps the namespace of each project, and its labels, as the database says. Safe to run twice; never deletes one."""

from __future__ import annotations

import uuid
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import structlog

from cluster import labels
from cluster.documents import is_deleting, labels_of
from cluster.errors import ClusterError, ClusterUnavailable, NotFound
from cluster.kinds import NAMESPACES
from organization import queries
from organization.models import Cluster, Project, ProjectPhase
from ui import live

if TYPE_CHECKING:
    from cluster.client import ClusterClient

FIELD_MANAGER = "runai-portal"
log = structlog.get_logger(__name__)


@dataclass(frozen=True)
class Standing:
    """How a project's namespace stands, in the words of the project's phase."""

    phase: ProjectPhase
    message: str = ""


def wanted_labels(project: Project) -> dict[str, str]:
    return {
        labels.QUEUE: project.name,
        labels.PROJECT_ID: str(project.pk),
        labels.DEPARTMENT_ID: str(project.department_id),
        labels.CLUSTER_ID: str(project.cluster_id),
        labels.TENANT_ID: str(project.cluster.tenant_id),
        labels.MANAGED_BY: "runai-portal",
    }


def keep_all(client: ClusterClient, cluster: Cluster) -> int:
    """Brings every namespace of the cluster's projects in order with one list; returns how many had to be written."""
    projects = list(queries.projects_with_namespace(cluster))
    if not projects:
        return 0
    found = {item["metadata"]["name"]: item for item in client.list(NAMESPACES).items}
    return sum(_keep(client, project, found.get(project.namespace)) for project in projects)


def keep_one(client: ClusterClient, project: Project) -> bool:
    """The same for one project; True when the cluster was written to."""
    try:
        found = client.get(NAMESPACES, project.namespace)
    except NotFound:
        found = None
    return _keep(client, project, found)


def cluster_away(cluster: Cluster, error: ClusterError) -> None:
    """Projects whose namespace could not be made yet say why; those that are ready stay ready: their work runs on."""
    what = "does not answer" if isinstance(error, ClusterUnavailable) else f"cannot be used ({error.message})"
    sentence = f"{cluster.name} {what}; the namespace is made as soon as possible."
    waiting = queries.projects_with_namespace(cluster).filter(phase=ProjectPhase.CREATING)
    note(list(waiting), Standing(ProjectPhase.CREATING, sentence[:500]))


def _keep(client: ClusterClient, project: Project, found: dict[str, Any] | None) -> bool:
    try:
        written, standing = _bring_in_order(client, project, found)
    except ClusterUnavailable:
        raise
    except ClusterError as error:
        log.warning("a namespace could not be kept", namespace=project.namespace, error=error.message)
        written, standing = False, Standing(ProjectPhase.NOT_READY, error.message)
    note([project], standing)
    return written


def _bring_in_order(
    client: ClusterClient, project: Project, found: dict[str, Any] | None
) -> tuple[bool, Standing]:
    if found is not None and is_deleting(found):
        return False, Standing(
            ProjectPhase.NOT_READY, f"The namespace {project.namespace} is being deleted in the cluster."
        )
    if found is not None and (owner := foreign_owner(project, labels_of(found))):
        return False, Standing(
            ProjectPhase.NOT_READY, f"The namespace {project.namespace} belongs to {owner}."
        )
    wanted = wanted_labels(project)
    if found is not None and wanted.items() <= labels_of(found).items():
        return False, Standing(ProjectPhase.READY)
    document = {"metadata": {"name": project.namespace, "labels": wanted}}
    # force: a label someone else has set on our namespace is ours to correct
    client.apply(NAMESPACES, document, field_manager=FIELD_MANAGER, force=True)
    return True, Standing(ProjectPhase.READY)


def foreign_owner(project: Project, found: dict[str, str]) -> str:
    """Whom an existing namespace belongs to, if not to this project: another portal, or a living project of ours; else ""."""
    cluster_id, project_id = found.get(labels.CLUSTER_ID, ""), found.get(labels.PROJECT_ID, "")
    if cluster_id and _uuid(cluster_id) != project.cluster_id:
        return f"another portal (its cluster is {cluster_id})"
    if project_id and project_id != str(project.pk):
        # a namespace outlives its project: one that is made anew under the same name takes it over
        other = Project.objects.filter(pk=project_id).first() if project_id.isdecimal() else None
        return f"the project {other.name}" if other else ""
    return ""


def _uuid(text: str) -> uuid.UUID | None:
    try:
        return uuid.UUID(text)
    except ValueError:
        return None


def note(projects: list[Project], standing: Standing) -> None:
    """Writes only what changed."""
    for project in projects:
        if (project.phase, project.phase_message) == (standing.phase, standing.message):
            continue
        project.phase, project.phase_message = standing.phase, standing.message[:500]
        Project.objects.filter(pk=project.pk).exclude(phase=ProjectPhase.DELETING).update(
            phase=project.phase, phase_message=project.phase_message
        )
        live.publish("projects", project.pk)
