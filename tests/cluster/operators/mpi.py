"""A stand-in for the MPI operator (v2beta1): workers with ssh, a launcher that is a Job, hosts and keys as objects to mount."""

import copy
from typing import Any

from cluster.documents import Document, condition_of, labels_of, name_of
from cluster.kinds import CONFIG_MAPS, JOBS, PODS, SECRETS, SERVICES
from cluster.pods import is_ready, phase_of
from tests.cluster.operators import Operator, child, kind_of, pod_of, reached

MPI_JOBS = kind_of("MPIJob", "v2beta1")
LABEL = "training.kubeflow.org"


class MPIOperator(Operator):
    kind = MPI_JOBS

    def reconcile(self, owner: Document) -> None:
        name, policy = name_of(owner), owner["spec"].get("runPolicy") or {}
        selector = f"{LABEL}/job-name={name},{LABEL}/job-role=worker"
        workers = self.found(PODS, selector)
        launchers = [one for one in self.found(JOBS, f"app={name}") if name_of(one) == f"{name}-launcher"]
        if is_over(owner) or policy.get("suspend"):
            if policy.get("cleanPodPolicy", "Running") != "None" or policy.get("suspend"):
                for pod in workers:
                    self.remove(PODS, name_of(pod))
            self._hold(launchers, suspend=bool(policy.get("suspend")))
            return
        self._make_what_they_mount(owner)
        for number in range(workers_of(owner)):
            self._keep_worker(owner, number, workers)
        waits = owner["spec"].get("launcherCreationPolicy") == "WaitForWorkersReady"
        if not launchers and not (waits and sum(map(is_ready, workers)) < workers_of(owner)):
            self.make(JOBS, launcher_of(owner))
        self._hold(launchers, suspend=False)
        self.tell(owner, status_of(owner, workers, launchers))

    def _keep_worker(self, owner: Document, number: int, workers: list[Document]) -> None:
        """One that has failed is made anew."""
        pod = worker_of(owner, number)
        known = next((one for one in workers if name_of(one) == name_of(pod)), None)
        if known is None:
            self.make(PODS, pod)
        elif phase_of(known) == "Failed":
            self.remove(PODS, name_of(pod))

    def _hold(self, launchers: list[Document], *, suspend: bool) -> None:
        for job in launchers:
            if bool(job["spec"].get("suspend")) != suspend and not condition_of(job, "Complete"):
                told = {"spec": {"suspend": suspend}}
                self.client.merge_patch(JOBS, name_of(job), told, namespace=self.namespace)

    def _make_what_they_mount(self, owner: Document) -> None:
        name, app = name_of(owner), {"app": name_of(owner)}
        hosts = "".join(
            f"{name}-worker-{number}.{name}.{self.namespace}.svc slots=1\n"
            for number in range(workers_of(owner))
        )
        self.make(CONFIG_MAPS, child(owner, CONFIG_MAPS, f"{name}-config", app, data={"hostfile": hosts}))
        keys = {"ssh-privatekey": "made up", "ssh-publickey": "made up"}
        secret = child(owner, SECRETS, f"{name}-ssh", app, type="kubernetes.io/ssh-auth", stringData=keys)
        self.make(SECRETS, secret)
        spec = {"clusterIP": "None", "selector": {f"{LABEL}/job-name": name}}
        self.make(SERVICES, child(owner, SERVICES, name, app, spec=spec))


def is_over(job: Document) -> bool:
    return any(condition_of(job, kind) is not None for kind in ("Succeeded", "Failed"))


def workers_of(job: Document) -> int:
    return int((job["spec"]["mpiReplicaSpecs"].get("Worker") or {}).get("replicas", 0))


def worker_of(job: Document, number: int) -> Document:
    template, labels = _template(job, "Worker")
    name = f"{name_of(job)}-worker-{number}"
    template["spec"]["hostname"] = name
    container = template["spec"]["containers"][0]
    if not container.get("command") and not container.get("args"):
        container["command"] = ["/usr/sbin/sshd", "-De"]
    container.setdefault("env", []).append({"name": "K_MPI_JOB_ROLE", "value": "worker"})
    return pod_of(job, name, template, {**labels, f"{LABEL}/replica-index": str(number)})


def launcher_of(job: Document) -> Document:
    """A Job, so that it is tried again as Jobs are."""
    template, labels = _template(job, "Launcher")
    name, policy = f"{name_of(job)}-launcher", job["spec"].get("runPolicy") or {}
    template["metadata"] = {"labels": {**(template.get("metadata") or {}).get("labels", {}), **labels}}
    spec = template["spec"]
    spec["hostname"] = name
    spec["containers"][0].setdefault("env", []).append({"name": "K_MPI_JOB_ROLE", "value": "launcher"})
    _mount(spec, "mpi-job-config", {"configMap": {"name": f"{name_of(job)}-config"}}, "/etc/mpi")
    kept = ("ttlSecondsAfterFinished", "activeDeadlineSeconds", "backoffLimit")
    of_job = {key: policy[key] for key in kept if key in policy}
    return child(job, JOBS, name, {"app": name_of(job)}, spec={**of_job, "template": template})


def _template(job: Document, kind: str) -> tuple[Document, dict[str, str]]:
    """The pod's template with what both kinds are given, and the operator's labels."""
    replica = job["spec"]["mpiReplicaSpecs"][kind]
    template: dict[str, Any] = copy.deepcopy(replica["template"])
    template["spec"]["restartPolicy"] = replica.get("restartPolicy", "Never")
    template["spec"]["subdomain"] = name_of(job)
    path = job["spec"].get("sshAuthMountPath", "/root/.ssh")
    _mount(template["spec"], "ssh-auth", {"secret": {"secretName": f"{name_of(job)}-ssh"}}, path)
    labels = {
        f"{LABEL}/operator-name": "mpi-operator",
        f"{LABEL}/job-name": name_of(job),
        f"{LABEL}/job-role": kind.lower(),
    }
    return template, labels


def _mount(spec: Document, name: str, source: Document, path: str) -> None:
    spec.setdefault("volumes", []).append({"name": name, **source})
    spec["containers"][0].setdefault("volumeMounts", []).append({"name": name, "mountPath": path})


def status_of(job: Document, workers: list[Document], launchers: list[Document]) -> dict[str, Any]:
    """Running with the launcher and all workers; the launcher's end is the job's."""
    before = job.get("status") or {}
    ends = {
        kind for one in launchers for kind in ("Complete", "Failed") if condition_of(one, kind) is not None
    }
    active = sum(
        phase_of(pod) == "Running" and "worker" in labels_of(pod)[f"{LABEL}/job-role"] for pod in workers
    )
    led = any((one.get("status") or {}).get("ready") for one in launchers)
    stages = ["Created"]
    stages += ["Running"] if led and active == workers_of(job) else []
    stages += ["Succeeded"] if "Complete" in ends else ["Failed"] if "Failed" in ends else []
    conditions = reached(before.get("conditions"), stages, "MPIJob")
    return {**before, "replicaStatuses": {"Worker": {"active": active}}, "conditions": conditions}
