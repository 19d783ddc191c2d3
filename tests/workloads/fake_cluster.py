"""A cluster at the edge of ClusterClient: objects in a dictionary, and a Job controller one plays by hand."""

import copy
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from cluster.client import ListResult
from cluster.documents import Document, format_time, labels_of, name_of, namespace_of
from cluster.errors import AlreadyExists, ClusterUnavailable, Conflict, NotFound
from cluster.kinds import JOBS, PODS, Kind
from tests.factories import NOON


@dataclass
class FakeCluster:
    """Only what workloads uses of ClusterClient; `away` makes every call fail as a lost cluster does."""

    objects: dict[tuple[str, str, str], Document] = field(default_factory=dict)
    away: bool = False
    logs_of: dict[str, str] = field(default_factory=dict)
    calls: list[tuple[str, str, str]] = field(default_factory=list)
    _uids: int = 0
    _version: int = 0

    def _called(self, verb: str, kind: Kind, name: str) -> None:
        self.calls.append((verb, kind.kind, name))
        if self.away:
            raise ClusterUnavailable("connection refused")

    def create(
        self, kind: Kind, document: Mapping[str, Any], *, namespace: str | None = None, dry_run: bool = False
    ) -> Document:
        self._called("create", kind, name_of(document))
        new = copy.deepcopy(dict(document))
        new["metadata"].setdefault("namespace", namespace or "")
        key = (kind.plural, namespace_of(new), name_of(new))
        if key in self.objects:
            raise AlreadyExists(f"{kind.plural} {name_of(new)} already exists")
        self._uids += 1
        new["metadata"] |= {
            "uid": f"uid-{self._uids}",
            "generation": 1,
            "creationTimestamp": format_time(NOON),
        }
        self._changed(new)
        self.objects[key] = new
        return copy.deepcopy(new)

    def get(self, kind: Kind, name: str, namespace: str | None = None) -> Document:
        self._called("get", kind, name)
        return copy.deepcopy(self._found(kind, name, namespace))

    def list(
        self, kind: Kind, namespace: str | None = None, *, label_selector: str = "", field_selector: str = ""
    ) -> ListResult:
        self._called("list", kind, "")
        wanted = dict(part.split("=", 1) for part in label_selector.split(",") if "=" in part)
        items = [
            copy.deepcopy(document)
            for (plural, where, _), document in self.objects.items()
            if plural == kind.plural
            and namespace in (None, where)
            and wanted.items() <= labels_of(document).items()
        ]
        return ListResult(items, "1")

    def merge_patch(
        self,
        kind: Kind,
        name: str,
        patch: Mapping[str, Any],
        *,
        namespace: str | None = None,
        subresource: str | None = None,
    ) -> Document:
        self._called("patch", kind, name)
        found = self._found(kind, name, namespace)
        before = copy.deepcopy(found.get("spec"))
        merge(found, patch)
        if found.get("spec") != before:
            found["metadata"]["generation"] += 1
        self._changed(found)
        return copy.deepcopy(found)

    def delete(
        self,
        kind: Kind,
        name: str,
        namespace: str | None = None,
        *,
        uid: str | None = None,
        grace_seconds: int | None = None,
        propagation: str = "Background",
    ) -> None:
        self._called("delete", kind, name)
        found = self._found(kind, name, namespace)
        if uid not in (None, found["metadata"]["uid"]):
            raise Conflict("another object of that name")
        del self.objects[kind.plural, namespace or "", name]
        for key, other in list(self.objects.items()):  # the garbage collector
            if any(
                owner["uid"] == found["metadata"]["uid"]
                for owner in other["metadata"].get("ownerReferences") or []
            ):
                owned_kind = next(k for k in (JOBS, PODS) if k.plural == key[0])
                self.delete(owned_kind, name_of(other), namespace_of(other))

    def logs(self, namespace: str, pod: str, **options: Any) -> str:
        self._called("logs", PODS, pod)
        if pod not in self.logs_of:
            raise NotFound(f"pods {pod} not found")
        return self.logs_of[pod]

    def _found(self, kind: Kind, name: str, namespace: str | None) -> Document:
        try:
            return self.objects[kind.plural, namespace or "", name]
        except KeyError:
            raise NotFound(f"{kind.plural} {name} not found") from None

    def _changed(self, document: Document) -> None:
        self._version += 1
        document["metadata"]["resourceVersion"] = str(self._version)

    # --- played by hand ---------------------------------------------------------------------------------------------

    def one(self, kind: Kind, name: str) -> Document:
        return next(d for (plural, _, n), d in self.objects.items() if (plural, n) == (kind.plural, name))

    def has(self, kind: Kind, name: str) -> bool:
        return any((plural, n) == (kind.plural, name) for plural, _, n in self.objects)

    def start_pod(self, job_name: str, index: int = 0, **status: Any) -> Document:
        """What the Job controller does: a pod from the template, unscheduled."""
        job = self.one(JOBS, job_name)
        template = copy.deepcopy(job["spec"]["template"])
        pod: Document = {
            "apiVersion": "v1",
            "kind": "Pod",
            "metadata": {
                **template["metadata"],
                "name": f"{job_name}-{index}",
                "namespace": namespace_of(job),
                "ownerReferences": [
                    {"kind": "Job", "name": job_name, "uid": job["metadata"]["uid"], "controller": True}
                ],
            },
            "spec": template["spec"],
            "status": {"phase": "Pending", **status},
        }
        self.create(PODS, pod)
        return self.one(PODS, f"{job_name}-{index}")

    def refuse(self, pod: Document, code: str, message: str, refusal: str = "") -> None:
        pod["status"]["conditions"] = [
            {"type": "PodScheduled", "status": "False", "reason": code, "message": message}
        ]
        if refusal:
            pod["metadata"]["annotations"]["runai.io/refusal"] = refusal

    def bind(self, pod: Document, node: str, at: str) -> None:
        pod["spec"]["nodeName"] = node
        pod["status"]["conditions"] = [{"type": "PodScheduled", "status": "True", "lastTransitionTime": at}]

    def run(self, pod: Document, at: str) -> None:
        pod["status"]["phase"] = "Running"
        pod["status"]["conditions"].append({"type": "Ready", "status": "True", "lastTransitionTime": at})
        pod["status"]["containerStatuses"] = [
            {"name": "main", "restartCount": 0, "state": {"running": {"startedAt": at}}}
        ]

    def end(self, pod: Document, at: str, exit_code: int = 0, reason: str = "") -> None:
        started = (
            pod["status"]
            .get("containerStatuses", [{}])[0]
            .get("state", {})
            .get("running", {})
            .get("startedAt", at)
        )
        pod["status"]["phase"] = "Failed" if exit_code else "Succeeded"
        pod["status"]["conditions"] = [c for c in pod["status"].get("conditions", []) if c["type"] != "Ready"]
        terminated = {
            "exitCode": exit_code,
            "reason": reason or ("Error" if exit_code else "Completed"),
            "startedAt": started,
            "finishedAt": at,
        }
        pod["status"]["containerStatuses"] = [
            {"name": "main", "restartCount": 0, "state": {"terminated": terminated}}
        ]

    def end_job(self, name: str, condition: str, at: str, reason: str = "") -> None:
        job = self.one(JOBS, name)
        job["status"] = {
            "succeeded" if condition == "Complete" else "failed": 1,
            "conditions": [{"type": condition, "status": "True", "reason": reason, "lastTransitionTime": at}],
        }
        if condition == "Complete":
            job["status"]["completionTime"] = at


def merge(target: dict[str, Any], patch: Mapping[str, Any]) -> None:
    """RFC 7396."""
    for key, value in patch.items():
        if value is None:
            target.pop(key, None)
        elif isinstance(value, Mapping) and isinstance(target.get(key), dict):
            merge(target[key], value)
        else:
            target[key] = copy.deepcopy(value)
