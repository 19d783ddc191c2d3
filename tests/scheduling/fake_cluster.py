"""A cluster at the edge of ClusterClient: objects in memory, with the conflicts and losses that matter to a scheduler."""

import copy
import itertools
from collections.abc import Callable
from typing import Any

from cluster.client import ListResult
from cluster.documents import key_of, uid_of
from cluster.errors import AlreadyExists, ClusterError, ClusterUnavailable, Conflict, NotFound
from cluster.kinds import PODS, Kind
from scheduling.world import KINDS, World

Document = dict[str, Any]


class FakeCluster:
    """`calls` is what was asked, in order. `world` gives scheduler what a watch would show; `lag()` freezes that view."""

    def __init__(self, *, pods: list[Document] = (), nodes: list[Document] = ()) -> None:  # type: ignore[assignment]
        self.objects: dict[str, dict[tuple[str, str], Document]] = {"pods": {}, "nodes": {}, "namespaces": {}}
        self.calls: list[tuple[str, str]] = []
        self.kept: set[str] = set()
        """Pods that a disruption budget keeps when they are to be evicted."""
        self.before_bind: Callable[[str, str], None] | None = None
        self.after_bind: Callable[[str, str], None] | None = None
        self._versions = itertools.count(10)
        self._frozen: World | None = None
        for one in [*pods]:
            self.objects["pods"][key_of(one)] = one
        for one in [*nodes]:
            self.objects["nodes"][key_of(one)] = one

    # --- for tests ------------------------------------------------------------------------------------------------

    def add(self, *pods: Document) -> None:
        for pod in pods:
            self.objects["pods"][key_of(pod)] = pod

    def pod(self, name: str, namespace: str = "runai-vision") -> Document:
        return self.objects["pods"][namespace, name]

    def placed(self) -> dict[str, str]:
        """Pod -> node."""
        return {
            name: pod["spec"]["nodeName"]
            for (_, name), pod in sorted(self.objects["pods"].items())
            if pod["spec"].get("nodeName")
        }

    def world(self) -> World:
        return self._frozen or self._copy()

    def lag(self) -> None:
        """From now on the watch shows nothing new."""
        self._frozen = self._copy()

    def catch_up(self) -> None:
        self._frozen = None

    def _copy(self) -> World:
        return World.of(copy.deepcopy(list(self.objects.get(kind.plural, {}).values())) for kind in KINDS)

    def made(self, verb: str) -> list[str]:
        return [what for said, what in self.calls if said == verb]

    # --- ClusterClient --------------------------------------------------------------------------------------------

    def get(self, kind: Kind, name: str, namespace: str | None = None) -> Document:
        try:
            return copy.deepcopy(self.objects.setdefault(kind.plural, {})[namespace or "", name])
        except KeyError:
            raise NotFound(f"{kind.plural} {name} not found", code=404) from None

    def list(self, kind: Kind, namespace: str | None = None, **_: str) -> ListResult:
        return ListResult(copy.deepcopy(list(self.objects.setdefault(kind.plural, {}).values())), "1")

    def create(
        self, kind: Kind, document: Document, *, namespace: str | None = None, dry_run: bool = False
    ) -> Document:
        stored = self.objects.setdefault(kind.plural, {})
        made = copy.deepcopy(document)
        made["metadata"]["resourceVersion"] = str(next(self._versions))
        if key_of(made) in stored:
            raise AlreadyExists("is there", code=409)
        stored[key_of(made)] = made
        return copy.deepcopy(made)

    def replace(self, kind: Kind, document: Document, *, subresource: str | None = None) -> Document:
        current = self.get(kind, document["metadata"]["name"], document["metadata"].get("namespace"))
        if current["metadata"]["resourceVersion"] != document["metadata"]["resourceVersion"]:
            raise Conflict("changed meanwhile", code=409)
        made = copy.deepcopy(document)
        made["metadata"]["resourceVersion"] = str(next(self._versions))
        self.objects[kind.plural][key_of(made)] = made
        return copy.deepcopy(made)

    def merge_patch(
        self,
        kind: Kind,
        name: str,
        patch: Document,
        *,
        namespace: str | None = None,
        subresource: str | None = None,
    ) -> Document:
        current = self.get(kind, name, namespace)
        if patch["metadata"].get("uid", uid_of(current)) != uid_of(current):
            raise Conflict("another object", code=409)
        self.calls.append(("patch", name))
        notes = current["metadata"].setdefault("annotations", {})
        for key, text in patch["metadata"].get("annotations", {}).items():
            if text is None:
                notes.pop(key, None)
            else:
                notes[key] = text
        for condition in patch.get("status", {}).get("conditions", []):
            kept = [
                one for one in current["status"].get("conditions", []) if one["type"] != condition["type"]
            ]
            current["status"]["conditions"] = [*kept, condition]
        current["metadata"]["resourceVersion"] = str(next(self._versions))
        self.objects[kind.plural][key_of(current)] = current
        return copy.deepcopy(current)

    strategic_patch = merge_patch

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
        current = self.get(kind, name, namespace)
        if uid and uid_of(current) != uid:
            raise Conflict("another object", code=409)
        self.calls.append(("delete", name))
        pod = self.objects[kind.plural][namespace or "", name]
        pod["metadata"]["deletionTimestamp"] = "2030-01-01T12:30:00Z"
        pod["metadata"]["resourceVersion"] = str(next(self._versions))

    def evict(self, namespace: str, pod: str, *, uid: str, grace_seconds: int | None = None) -> None:
        if pod in self.kept:
            raise ClusterUnavailable("Cannot evict pod as it would violate the disruption budget", code=429)
        self.delete(PODS, pod, namespace, uid=uid, grace_seconds=grace_seconds)
        disruption = {"type": "DisruptionTarget", "status": "True", "reason": "EvictionByEvictionAPI"}
        self.objects["pods"][namespace, pod]["status"].setdefault("conditions", []).append(disruption)

    def volley(self, width: int) -> None:
        """Each binding goes through `bind`, as behind a proxy."""

    def bind(self, namespace: str, pod: str, *, uid: str, node: str) -> None:
        self.calls.append(("bind", pod))
        if self.before_bind:
            self.before_bind(pod, node)
        current = self.get(PODS, pod, namespace)
        if uid_of(current) != uid or current["spec"].get("nodeName"):
            raise Conflict(f"pod {pod} is already assigned to a node", code=409)
        stored = self.objects["pods"][namespace, pod]
        stored["spec"]["nodeName"] = node
        stored["metadata"]["resourceVersion"] = str(next(self._versions))
        if self.after_bind:
            self.after_bind(pod, node)


class Killed(BaseException):
    """kill -9 in the middle of a cycle: nothing of ours runs after it."""


def refuse(message: str) -> Callable[[str, str], None]:
    """As an admission webhook that says no."""

    def act(pod: str, node: str) -> None:
        raise ClusterError(message, code=403)

    return act


def lose_answer(pod: str, node: str) -> None:
    """The binding works, but its answer never arrives."""
    raise ClusterUnavailable("the connection was cut", code=0)
