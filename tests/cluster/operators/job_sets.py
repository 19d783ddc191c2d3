"""A stand-in for the JobSet controller: a Job for each replica of each replicated Job, in order where that is asked for, and restarts."""

import copy
import hashlib
from typing import Any

from cluster.documents import Document, condition_of, labels_of, name_of, namespace_of
from cluster.kinds import JOBS, SERVICES
from tests.cluster.operators import Operator, child, kind_of, reached

JOB_SETS = kind_of("JobSet")
LABEL = "jobset.sigs.k8s.io"


class JobSetOperator(Operator):
    kind = JOB_SETS

    def reconcile(self, owner: Document) -> None:
        if any(condition_of(owner, kind) is not None for kind in ("Completed", "Failed")):
            return
        restarts = int((owner.get("status") or {}).get("restarts", 0))
        jobs = {name_of(one): one for one in self.found(JOBS, f"{LABEL}/jobset-name={name_of(owner)}")}
        for name, job in list(jobs.items()):
            if labels_of(job)[f"{LABEL}/restart-attempt"] != str(restarts):
                self.remove(JOBS, name, propagation="Foreground")
                del jobs[name]
        spec = {"clusterIP": "None", "selector": {f"{LABEL}/jobset-name": name_of(owner)}}
        spec["publishNotReadyAddresses"] = True  # type: ignore[assignment]
        self.make(SERVICES, child(owner, SERVICES, name_of(owner), {}, spec=spec))
        self._make_jobs(owner, jobs, restarts)
        self.tell(owner, status_of(owner, jobs, restarts))

    def _make_jobs(self, owner: Document, jobs: dict[str, Document], restarts: int) -> None:
        suspend = bool(owner["spec"].get("suspend"))
        for replicated in owner["spec"]["replicatedJobs"]:
            if not self._is_due(owner, replicated, jobs):
                return
            for number in range(replicas_of(replicated)):
                wanted = job_of(owner, replicated, number, restarts)
                known = jobs.get(name_of(wanted))
                if known is None:
                    self.make(JOBS, wanted)
                elif bool(known["spec"].get("suspend")) != suspend:
                    told = {"spec": {"suspend": suspend}}
                    self.client.merge_patch(JOBS, name_of(known), told, namespace=self.namespace)

    def _is_due(self, owner: Document, replicated: Document, jobs: dict[str, Document]) -> bool:
        """Those it depends on, or all before it where they start in order, are ready or done."""
        every = owner["spec"]["replicatedJobs"]
        before = [one["name"] for one in replicated.get("dependsOn") or []]
        if (owner["spec"].get("startupPolicy") or {}).get("startupPolicyOrder") == "InOrder":
            before = [one["name"] for one in every[: every.index(replicated)]]
        return all(is_up(owner, one, jobs) for one in every if one["name"] in before)


def replicas_of(replicated: Document) -> int:
    return int(replicated.get("replicas", 1))


def is_up(owner: Document, replicated: Document, jobs: dict[str, Document]) -> bool:
    found = [jobs.get(job_name(owner, replicated, number)) for number in range(replicas_of(replicated))]
    return all(one is not None and _pods_up(one) >= int(one["spec"]["parallelism"]) for one in found)


def _pods_up(job: Document) -> int:
    status = job.get("status") or {}
    return int(status.get("ready") or 0) + int(status.get("succeeded") or 0)


def job_name(owner: Document, replicated: Document, number: int) -> str:
    return f"{name_of(owner)}-{replicated['name']}-{number}"


def job_of(owner: Document, replicated: Document, number: int, restarts: int) -> Document:
    every, name = owner["spec"]["replicatedJobs"], job_name(owner, replicated, number)
    before = sum(replicas_of(one) for one in every[: every.index(replicated)])
    told = {
        f"{LABEL}/jobset-name": name_of(owner),
        f"{LABEL}/jobset-uid": owner["metadata"]["uid"],
        f"{LABEL}/replicatedjob-name": replicated["name"],
        f"{LABEL}/replicatedjob-replicas": str(replicas_of(replicated)),
        f"{LABEL}/global-replicas": str(sum(map(replicas_of, every))),
        f"{LABEL}/job-index": str(number),
        f"{LABEL}/job-global-index": str(before + number),
        f"{LABEL}/job-key": hashlib.sha256(f"{namespace_of(owner)}/{name}".encode()).hexdigest()[:40],
        f"{LABEL}/restart-attempt": str(restarts),
    }
    spec = copy.deepcopy(replicated["template"]["spec"])
    spec.setdefault("completionMode", "Indexed")
    spec["suspend"] = bool(owner["spec"].get("suspend"))
    spec["template"]["spec"].setdefault("restartPolicy", "OnFailure")
    spec["template"]["spec"]["subdomain"] = name_of(owner)
    metadata = spec["template"].setdefault("metadata", {})
    metadata["labels"] = {**metadata.get("labels", {}), **told}
    metadata["annotations"] = {**metadata.get("annotations", {}), **told}
    job = child(owner, JOBS, name, told, spec=spec)
    job["metadata"]["annotations"] = told
    return job


def status_of(owner: Document, jobs: dict[str, Document], restarts: int) -> dict[str, Any]:
    """A Job that has failed starts everything anew as often as the failure policy allows."""
    before = owner.get("status") or {}
    wanted = sum(map(replicas_of, owner["spec"]["replicatedJobs"]))
    done = sum(condition_of(one, "Complete") is not None for one in jobs.values())
    failed = any(condition_of(one, "Failed") is not None for one in jobs.values())
    most = int((owner["spec"].get("failurePolicy") or {}).get("maxRestarts", 0))
    stages = ["Completed"] if done == wanted else ["Failed"] if failed and restarts >= most else []
    status: dict[str, Any] = {**before, "restarts": restarts + (failed and restarts < most)}
    status["conditions"] = reached(before.get("conditions"), stages, "JobSet")
    if stages:
        status["terminalState"] = stages[0]
    return status
