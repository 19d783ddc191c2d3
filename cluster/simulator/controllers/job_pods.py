"""The pods of a Job: made from its template, deleted, and let go once they are counted."""

import logging
import secrets

from cluster.client import ClusterClient
from cluster.documents import Document, name_of, namespace_of, uid_of
from cluster.errors import AlreadyExists, Conflict, Forbidden, Invalid, NotFound
from cluster.kinds import PODS
from cluster.simulator.controllers.job_counts import TRACKING
from cluster.simulator.controllers.job_indexes import INDEX
from cluster.simulator.controllers.pod_index import PodIndex
from cluster.simulator.controllers.telling import Teller
from cluster.simulator.controllers.templates import pod_from_template

logger = logging.getLogger(__name__)


class JobPods:
    """Writes pods; what it makes is counted at once, before a watch shows it."""

    def __init__(self, client: ClusterClient, index: PodIndex) -> None:
        self._client = client
        self._index = index
        self.teller = Teller(client, "job-controller")

    def make(self, job: Document, index: int | None, notes: dict[str, str]) -> Document | None:
        labels = {
            "batch.kubernetes.io/controller-uid": uid_of(job),
            "batch.kubernetes.io/job-name": name_of(job),
            "controller-uid": uid_of(job),
            "job-name": name_of(job),
        }
        name = f"{name_of(job)[:57]}-{secrets.token_hex(3)[:5]}"
        annotations = dict(notes)
        if index is not None:
            name = f"{name_of(job)[:50]}-{index}-{secrets.token_hex(3)[:5]}"
            annotations[INDEX] = labels[INDEX] = str(index)
        pod = pod_from_template(
            job,
            job["spec"]["template"],
            name=name,
            labels=labels,
            annotations=annotations,
            finalizers=[TRACKING],
        )
        pod["metadata"]["generateName"] = f"{name.rpartition('-')[0]}-"
        if index is not None:
            _tell_index(pod, name_of(job), index)
        try:
            made = self._client.create(PODS, pod)
        except (Invalid, Forbidden) as refusal:
            self.teller.warn(job, "FailedCreate", f"Error creating: {refusal.message}")
            raise
        except AlreadyExists:
            return None
        self._index.assume(made)
        self.teller.tell(job, "SuccessfulCreate", f"Created pod: {name_of(made)}")
        return made

    def delete(self, job: Document, pods: list[Document], *, count: bool = False) -> None:
        """What the Job itself takes back is no failure: the finalizer goes first, so that it is not counted, unless told so."""
        for pod in pods:
            if not count:
                self.free(pod)
            try:
                self._client.delete(PODS, name_of(pod), namespace_of(pod), uid=uid_of(pod))
                self.teller.tell(job, "SuccessfulDelete", f"Deleted pod: {name_of(pod)}")
            except (NotFound, Conflict):
                logger.debug("pod %s of job %s was gone", name_of(pod), name_of(job))

    def free(self, pod: Document) -> None:
        finalizers = pod["metadata"].get("finalizers") or []
        if TRACKING not in finalizers:
            return
        kept = [one for one in finalizers if one != TRACKING]
        try:
            self._client.merge_patch(
                PODS,
                name_of(pod),
                {"metadata": {"uid": uid_of(pod), "finalizers": kept or None}},
                namespace=namespace_of(pod),
            )
        except (NotFound, Conflict):
            logger.debug("pod %s is gone", name_of(pod))


def dispensable(pods: list[Document]) -> list[Document]:
    """Those that have done least come first: not bound, not running, youngest."""

    def order(pod: Document) -> tuple[bool, bool, str]:
        running = (pod.get("status") or {}).get("phase") == "Running"
        age = str(pod["metadata"].get("creationTimestamp") or "")
        return bool(pod["spec"].get("nodeName")), running, "".join(chr(255 - ord(one)) for one in age)

    return sorted(pods, key=order)


def _tell_index(pod: Document, job: str, index: int) -> None:
    """Host name and environment of an indexed pod."""
    pod["spec"].setdefault("hostname", f"{job}-{index}"[:63])
    for container in [*pod["spec"]["containers"], *(pod["spec"].get("initContainers") or [])]:
        env = container.setdefault("env", [])
        if not any(one.get("name") == "JOB_COMPLETION_INDEX" for one in env):
            env.append(
                {
                    "name": "JOB_COMPLETION_INDEX",
                    "valueFrom": {"fieldRef": {"fieldPath": f"metadata.annotations['{INDEX}']"}},
                }
            )
