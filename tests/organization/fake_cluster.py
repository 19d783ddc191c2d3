"""A cluster in memory at the edge of ClusterClient: namespaces with server-side apply, nodes, a version, and days off."""

from typing import Any

from cluster.client import ListResult
from cluster.errors import ClusterUnavailable, Forbidden, NotFound
from cluster.kinds import NAMESPACES, NODES, Kind


class FakeCluster:
    def __init__(self) -> None:
        self.objects: dict[tuple[str, str], dict[str, Any]] = {}
        self.is_away = False
        self.refuses_writes = False
        self.writes: list[str] = []

    def namespace(self, name: str, **labels: str) -> dict[str, Any]:
        return self.put(NAMESPACES, {"metadata": {"name": name, "labels": labels}})

    def node(self, name: str, *, ready: str = "True", gpus: str = "8", **labels: str) -> dict[str, Any]:
        return self.put(
            NODES,
            {
                "metadata": {
                    "name": name,
                    "labels": labels,
                    "creationTimestamp": "2030-01-01T10:00:00Z",
                    "resourceVersion": "1",
                },
                "spec": {},
                "status": {
                    "allocatable": {"cpu": "31500m", "memory": "1Ti", "nvidia.com/gpu": gpus},
                    "conditions": [
                        {
                            "type": "Ready",
                            "status": ready,
                            "reason": "KubeletReady" if ready == "True" else "NodeStatusUnknown",
                            "message": "" if ready == "True" else "Kubelet stopped posting node status.",
                            "lastTransitionTime": "2030-01-01T11:00:00Z",
                        }
                    ],
                },
            },
        )

    def put(self, kind: Kind, document: dict[str, Any]) -> dict[str, Any]:
        self.objects[kind.plural, document["metadata"]["name"]] = document
        return document

    # --- the verbs that are used ---------------------------------------------------------------------------------------------------

    def version(self) -> str:
        self._answer()
        return "v1.36.3"

    def get(self, kind: Kind, name: str, namespace: str | None = None) -> dict[str, Any]:
        self._answer()
        if (kind.plural, name) not in self.objects:
            raise NotFound(f'{kind.plural} "{name}" not found')
        return self.objects[kind.plural, name]

    def list(self, kind: Kind, namespace: str | None = None, **selectors: str) -> ListResult:
        self._answer()
        return ListResult([one for (plural, _), one in self.objects.items() if plural == kind.plural], "1")

    def apply(self, kind: Kind, document: dict[str, Any], *, field_manager: str, force: bool = False) -> Any:
        self._answer()
        if self.refuses_writes:
            raise Forbidden("namespaces is forbidden: User cannot patch resource")
        name = document["metadata"]["name"]
        known = self.objects.setdefault((kind.plural, name), {"metadata": {"name": name, "labels": {}}})
        known["metadata"]["labels"] = {**known["metadata"]["labels"], **document["metadata"]["labels"]}
        self.writes.append(name)
        return known

    def _answer(self) -> None:
        if self.is_away:
            raise ClusterUnavailable("connection refused")
