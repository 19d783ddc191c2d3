"""A stand-in for the LeaderWorkerSet controller: a StatefulSet of leaders, one of workers for each leader, and its webhook on pods."""

import copy
import hashlib
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from cluster.client import ClusterClient
from cluster.documents import Document, annotations_of, is_deleting, labels_of, name_of
from cluster.kinds import MUTATING_WEBHOOKS, PODS, SERVICES, STATEFUL_SETS
from cluster.pods import is_ready
from tests.cluster.operators import Operator, child, kind_of
from tests.cluster.webhook_server import WebhookServer, allow, configuration, hook, patched

LEADER_WORKER_SETS = kind_of("LeaderWorkerSet")
LABEL = "leaderworkerset.sigs.k8s.io"
NAME, GROUP, KEY, WORKER = (f"{LABEL}/{one}" for one in ("name", "group-index", "group-key", "worker-index"))
SIZE, REVISION = f"{LABEL}/size", f"{LABEL}/template-revision-hash"


class LeaderWorkerOperator(Operator):
    kind = LEADER_WORKER_SETS

    def reconcile(self, owner: Document) -> None:
        name, spec = name_of(owner), owner["spec"]
        service = {"clusterIP": "None", "selector": {NAME: name}, "publishNotReadyAddresses": True}
        self.make(SERVICES, child(owner, SERVICES, name, {NAME: name}, spec=service))
        known = [one for one in self.found(STATEFUL_SETS, f"{NAME}={name}") if name_of(one) == name]
        if not known:
            self.make(STATEFUL_SETS, leaders_of(owner))
        elif known[0]["spec"]["replicas"] != spec.get("replicas", 1):
            told = {"spec": {"replicas": spec.get("replicas", 1)}}
            self.client.merge_patch(STATEFUL_SETS, name, told, namespace=self.namespace)
        pods = self.found(PODS, f"{NAME}={name}")
        leaders = {labels_of(pod)[GROUP]: pod for pod in pods if labels_of(pod)[WORKER] == "0"}
        for pod in pods:
            self._restart_group(owner, pod, leaders.get(labels_of(pod)[GROUP]))
        for leader in leaders.values():
            waits = spec.get("startupPolicy") == "LeaderReady" and not is_ready(leader)
            if not is_deleting(leader) and not waits and spec["leaderWorkerTemplate"].get("size", 1) > 1:
                self.make(STATEFUL_SETS, workers_of(owner, leader))
        ready = sum(is_ready(pod) for pod in leaders.values())
        self.tell(owner, {**(owner.get("status") or {}), "replicas": len(leaders), "readyReplicas": ready})

    def _restart_group(self, owner: Document, pod: Document, leader: Document | None) -> None:
        """A group whose pod goes or whose container starts anew is made anew as a whole."""
        policy = owner["spec"]["leaderWorkerTemplate"].get("restartPolicy", "RecreateGroupOnPodRestart")
        if policy != "RecreateGroupOnPodRestart" or leader is None or is_deleting(leader):
            return
        containers = (pod.get("status") or {}).get("containerStatuses") or []
        if is_deleting(pod) or any(one.get("restartCount") for one in containers):
            self.remove(PODS, name_of(leader), propagation="Foreground")


def leaders_of(owner: Document) -> Document:
    template = owner["spec"]["leaderWorkerTemplate"]
    labels = {NAME: name_of(owner), WORKER: "0", REVISION: "r1"}
    annotations = {
        SIZE: str(template.get("size", 1)),
        f"{LABEL}/replicas": str(owner["spec"].get("replicas", 1)),
    }
    pods = _pods(template.get("leaderTemplate") or template["workerTemplate"], labels, annotations)
    spec = {
        "serviceName": name_of(owner),
        "replicas": owner["spec"].get("replicas", 1),
        "podManagementPolicy": "Parallel",
        "selector": {"matchLabels": {NAME: name_of(owner), WORKER: "0"}},
        "template": pods,
    }
    return child(owner, STATEFUL_SETS, name_of(owner), {NAME: name_of(owner), REVISION: "r1"}, spec=spec)


def workers_of(owner: Document, leader: Document) -> Document:
    """They belong to their leader's pod, and number on from it."""
    template = owner["spec"]["leaderWorkerTemplate"]
    selector = {key: labels_of(leader)[key] for key in (GROUP, NAME, KEY)}
    annotations = {SIZE: str(template.get("size", 1)), f"{LABEL}/leader-name": name_of(leader)}
    labels = {**selector, REVISION: labels_of(leader)[REVISION]}
    spec = {
        "serviceName": name_of(owner),
        "replicas": template.get("size", 1) - 1,
        "podManagementPolicy": "Parallel",
        "ordinals": {"start": 1},
        "selector": {"matchLabels": selector},
        "template": _pods(template["workerTemplate"], labels, annotations),
    }
    return child(leader, STATEFUL_SETS, name_of(leader), labels, spec=spec)


def _pods(template: Document, labels: dict[str, str], annotations: dict[str, str]) -> Document:
    template = copy.deepcopy(template)
    metadata: dict[str, Any] = template.setdefault("metadata", {})
    metadata["labels"] = {**metadata.get("labels", {}), **labels}
    metadata["annotations"] = {**metadata.get("annotations", {}), **annotations}
    return template


def _numbered(request: dict[str, Any]) -> dict[str, Any]:
    """What the webhook on pods adds: a leader's group, a worker's number in it."""
    pod = request["object"]
    labels = labels_of(pod)
    if NAME not in labels or SIZE not in annotations_of(pod):
        return allow(request)
    place = name_of(pod).rpartition("-")[2]
    if labels.get(WORKER) == "0":
        key = hashlib.sha1(f"{request['namespace']}/{name_of(pod)}".encode(), usedforsecurity=False)
        return patched(_added(GROUP, place), _added(KEY, key.hexdigest()))
    return patched(_added(WORKER, place))


def _added(key: str, value: str) -> dict[str, Any]:
    return {"op": "add", "path": f"/metadata/labels/{key.replace('/', '~1')}", "value": value}


@contextmanager
def numbering_webhook(client: ClusterClient, folder: Path, namespace: str) -> Iterator[None]:
    """Pods of LeaderWorkerSets in the namespace are numbered while they are made."""
    here = {"matchLabels": {"kubernetes.io/metadata.name": namespace}}
    with WebhookServer(folder).running() as server:
        server.answer("/pods", _numbered)
        rule = {"apiGroups": [""], "apiVersions": ["v1"], "operations": ["CREATE"], "resources": ["pods"]}
        entry = hook("lws", server.client_config("/pods"), "pods", namespaceSelector=here, rules=[rule])
        client.create(MUTATING_WEBHOOKS, configuration("Mutating", f"lws-{namespace}", entry))
        try:
            yield
        finally:
            client.delete(MUTATING_WEBHOOKS, f"lws-{namespace}")
