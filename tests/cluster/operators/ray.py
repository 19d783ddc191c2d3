"""A stand-in for KubeRay: the head and the workers of every RayCluster, and the cluster and submitter of a RayJob."""

import copy
from collections import defaultdict
from typing import Any

from cluster.documents import Document, labels_of, name_of
from cluster.kinds import JOBS, PODS, SERVICES, Kind
from cluster.pods import is_ready, phase_of
from tests.cluster.operators import Operator, child, kind_of, pod_of

RAY_CLUSTERS = kind_of("RayCluster")
RAY_JOBS = Kind("ray.io", "v1", "rayjobs", "RayJob")


class RayClusterOperator(Operator):
    kind = RAY_CLUSTERS

    def reconcile(self, owner: Document) -> None:
        pods = defaultdict(list)
        for pod in self.found(PODS, f"ray.io/cluster={name_of(owner)}"):
            if phase_of(pod) in ("Failed", "Succeeded"):
                self.remove(PODS, name_of(pod))  # the next look makes another
            else:
                pods[labels_of(pod)["ray.io/group"]].append(pod)
        wanted = groups_of(owner)
        if not owner["spec"].get("suspend"):
            self.make(SERVICES, head_service(owner))
        for group, (count, kind, template) in wanted.items():
            some = sorted(pods[group], key=name_of)
            known = set(map(name_of, some))
            free = (f"{name_of(owner)}-{group}-{kind}-{number}" for number in range(count + len(some)))
            for name in [one for one in free if one not in known][: max(0, count - len(some))]:
                self.make(PODS, ray_pod(owner, name, group, kind, template))
            for pod in some[count:]:
                self.remove(PODS, name_of(pod))
        ready = sum(is_ready(pod) for some in pods.values() for pod in some)
        whole = ready == sum(count for count, _, _ in wanted.values()) > 0
        self.tell(owner, {**(owner.get("status") or {}), "state": "ready" if whole else ""})


def groups_of(owner: Document) -> dict[str, tuple[int, str, Document]]:
    """Group -> (pods, head or worker, template)."""
    spec = owner["spec"]
    found = {"headgroup": (1, "head", spec["headGroupSpec"]["template"])}
    for group in spec.get("workerGroupSpecs") or []:
        least, most = group.get("minReplicas", 0), group.get("maxReplicas", 2**31 - 1)
        count = min(max(group.get("replicas", 0), least), most) * group.get("numOfHosts", 1)
        found[group["groupName"]] = (0 if group.get("suspend") else count, "worker", group["template"])
    if spec.get("suspend"):
        return {name: (0, kind, template) for name, (_, kind, template) in found.items()}
    return found


def ray_pod(owner: Document, name: str, group: str, kind: str, template: Document) -> Document:
    template = copy.deepcopy(template)
    labels = {
        "ray.io/is-ray-node": "yes",
        "ray.io/cluster": name_of(owner),
        "ray.io/node-type": kind,
        "ray.io/group": group,
        "ray.io/identifier": f"{name_of(owner)}-{kind}",
        "app.kubernetes.io/created-by": "kuberay-operator",
        "app.kubernetes.io/name": "kuberay",
    }
    if kind == "worker":
        image = template["spec"]["containers"][0]["image"]
        first = {"name": "wait-gcs-ready", "image": image, "command": ["sh", "-c", "ray health-check"]}
        template["spec"].setdefault("initContainers", []).append(first)
    return pod_of(owner, name, template, labels)


def head_service(owner: Document) -> Document:
    labels = {"ray.io/cluster": name_of(owner), "ray.io/node-type": "head"}
    spec: dict[str, Any] = {"clusterIP": "None", "selector": labels, "ports": [{"name": "gcs", "port": 6379}]}
    return child(owner, SERVICES, f"{name_of(owner)}-head-svc", labels, spec=spec)


class RayJobOperator(Operator):
    """The cluster first; when it is ready a Job that submits the program. Its end is the RayJob's, and the cluster's if so wished."""

    kind = RAY_JOBS

    def reconcile(self, owner: Document) -> None:
        cluster, submitter = f"{name_of(owner)}-x7k2p", name_of(owner)
        labels = {"ray.io/originated-from-crd": "RayJob", "ray.io/originated-from-cr-name": name_of(owner)}
        status = dict(owner.get("status") or {})
        if status.get("jobDeploymentStatus") != "Complete":
            spec = owner["spec"]["rayClusterSpec"]
            self.make(RAY_CLUSTERS, child(owner, RAY_CLUSTERS, cluster, labels, spec=spec))
        elif owner["spec"].get("shutdownAfterJobFinishes"):
            self.remove(RAY_CLUSTERS, cluster)
        found = self.client.list(RAY_CLUSTERS, self.namespace).items
        if any(
            name_of(one) == cluster and (one.get("status") or {}).get("state") == "ready" for one in found
        ):
            template = owner["spec"]["submitterPodTemplate"]
            job = child(owner, JOBS, submitter, labels, spec={"backoffLimit": 2, "template": template})
            self.make(JOBS, job)
        jobs = [one for one in self.client.list(JOBS, self.namespace).items if name_of(one) == submitter]
        done = any((one.get("status") or {}).get("succeeded") for one in jobs)
        self.tell(
            owner,
            {**status, "jobDeploymentStatus": "Complete" if done else "Running", "rayClusterName": cluster},
        )
