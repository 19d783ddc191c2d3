"""Manifests that people bring: made as they stand in their files, placed by our live scheduler, run by the simulated nodes."""

from collections.abc import Callable
from pathlib import Path
from typing import Any

import yaml

from cluster.client import ClusterClient
from cluster.documents import Document, condition_of, is_deleting, name_of, uid_of
from cluster.errors import NotFound
from cluster.kinds import GROUP_OWNERS, JOBS, PODS, Kind, kind_named
from cluster.labels import SCHEDULER_NAME
from cluster.pods import is_ready, node_of, phase_of
from scheduling.models import GangState
from scheduling.watching import ClusterWatch
from tests.cluster.operators.ray import RAY_JOBS
from tests.cluster.waiting import eventually

MANIFESTS = Path(__file__).parents[1] / "manifests"
LONG = 120


def kind_of(api_version: str, kind: str) -> Kind:
    known = kind_named(api_version, kind)
    others = (one for one in (*GROUP_OWNERS, RAY_JOBS) if (one.api_version, one.kind) == (api_version, kind))
    return known or next(others)


def apply(client: ClusterClient, namespace: str, manifest: str) -> list[Document]:
    """What `kubectl create -f` would do; the file is not changed in any way."""
    made = []
    for document in yaml.safe_load_all((MANIFESTS / manifest).read_text()):
        kind = kind_of(document["apiVersion"], document["kind"])
        made.append(client.create(kind, document, namespace=namespace))
    return made


def until(watch: ClusterWatch, claim: Callable[[], Any], seconds: float = LONG) -> bool:
    """The scheduler works until the claim is true."""

    def look() -> Any:
        watch.run_if_due()
        return claim()

    return eventually(look, seconds, every=0.1)


def end_programs(client: ClusterClient, namespace: str, **labels: str) -> None:
    """The programs of the running pods come to their end, well."""
    selector = ",".join(f"{key.replace('__', '/')}={value}" for key, value in labels.items())
    for pod in client.list(PODS, namespace, label_selector=selector).items:
        if phase_of(pod) == "Running":
            told = {"metadata": {"annotations": {"simulator/run-seconds": "0"}}}
            try:
                client.merge_patch(PODS, name_of(pod), told, namespace=namespace)
            except NotFound:  # it was over before
                continue


def pods_of(client: ClusterClient, namespace: str, owner: Document) -> list[Document]:
    return [
        pod
        for pod in client.list(PODS, namespace).items
        if any(one["uid"] == uid_of(owner) for one in pod["metadata"].get("ownerReferences") or [])
    ]


def is_complete(client: ClusterClient, namespace: str, job: str) -> bool:
    found = condition_of(client.get(JOBS, job, namespace), "Complete")
    return found is not None and found["status"] == "True"


def gangs_of(owner: Document) -> list[GangState]:
    """What the scheduler remembers of the owner's pods: as one workload, they share its uid."""
    return list(GangState.objects.filter(owner_uid=uid_of(owner)))


def has_condition(client: ClusterClient, kind: Kind, name: str, namespace: str, condition: str) -> bool:
    found = condition_of(client.get(kind, name, namespace), condition)
    return found is not None and found["status"] == "True"


def members(client: ClusterClient, namespace: str) -> list[Document]:
    """Pods that name our scheduler and are neither over nor on their way out."""
    return [
        pod
        for pod in client.list(PODS, namespace).items
        if pod["spec"]["schedulerName"] == SCHEDULER_NAME
        and not is_deleting(pod)
        and phase_of(pod) not in ("Succeeded", "Failed")
    ]


def placed(client: ClusterClient, namespace: str) -> set[str]:
    return {name_of(pod) for pod in members(client, namespace) if node_of(pod)}


def all_ready(client: ClusterClient, namespace: str, count: int) -> bool:
    found = members(client, namespace)
    return len(found) == count and all(map(is_ready, found))


def reasons(client: ClusterClient, namespace: str) -> list[str]:
    """What those who wait read with kubectl describe."""
    found = (condition_of(pod, "PodScheduled") for pod in members(client, namespace))
    return [one["message"] for one in found if one is not None and one["status"] == "False"]
