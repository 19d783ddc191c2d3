"""A cluster at the edge of ClusterClient for the collector: nodes, pods and the pages they serve."""

from typing import Any

from cluster.client import ListResult
from cluster.errors import ClusterUnavailable, NotFound
from cluster.kinds import NODES, Kind
from cluster.labels import DCGM_NAMESPACE
from tests.scheduling.documents import make_node, make_pod

Document = dict[str, Any]


def gpu_page(node: str, gpus: list[dict[str, Any]]) -> str:
    """A DCGM exporter's page; each GPU: util, used, free, and pod ("namespace/name") if someone holds it."""
    lines = []
    for index, gpu in enumerate(gpus):
        namespace, _, pod = gpu.get("pod", "").partition("/")
        held = f',namespace="{namespace}",pod="{pod}",container="main"' if pod else ""
        labels = f'gpu="{index}",UUID="GPU-{node}-{index}",device="nvidia{index}",modelName="H100",Hostname="{node}"{held}'
        for name, key in (
            ("GPU_UTIL", "util"),
            ("FB_USED", "used"),
            ("FB_FREE", "free"),
            ("GPU_TEMP", "temp"),
            ("POWER_USAGE", "power"),
        ):
            if key in gpu:
                lines.append(f"DCGM_FI_DEV_{name}{{{labels}}} {gpu[key]}")
    return "\n".join(["# HELP DCGM_FI_DEV_GPU_UTIL GPU utilization (in %).", *lines, ""])


class PagesOfACluster:
    """`gpus` by node; a node not in it has an exporter pod only if it is in `broken`."""

    def __init__(
        self,
        nodes: list[Document],
        pods: list[Document] | None = None,
        *,
        gpus: dict[str, list[dict[str, Any]]] | None = None,
        broken: tuple[str, ...] = (),
        resources: dict[str, str] | None = None,
    ) -> None:
        self.nodes, self.pods, self.gpus, self.broken = nodes, pods or [], gpus or {}, broken
        self.resources = resources or {}
        self.away = False

    def list(self, kind: Kind, namespace: str | None = None, **_: str) -> ListResult:
        if self.away:
            raise ClusterUnavailable("connection refused")
        if kind == NODES:
            return ListResult(self.nodes, "1")
        exporters = [
            make_pod(f"dcgm-{node}", namespace=DCGM_NAMESPACE, node=node, phase="Running", scheduler="default-scheduler", labels={"app": "nvidia-dcgm-exporter"})
            for node in (*self.gpus, *self.broken)
        ]  # fmt: skip
        return ListResult([*self.pods, *exporters], "1")

    def proxy_get(
        self, kind: Kind, name: str, path: str, *, namespace: str | None = None, port: int | None = None
    ) -> str:
        node = name.removeprefix("dcgm-")
        if node in self.broken:
            raise ClusterUnavailable("the exporter does not answer")
        return gpu_page(node, self.gpus[node])

    def node_page(self, node: str, path: str) -> str:
        if node not in self.resources:
            raise NotFound("no such page", code=404)
        return self.resources[node]


def eight_free(util: float = 0) -> list[dict[str, Any]]:
    return [{"util": util, "used": 0, "free": 81_920, "temp": 30, "power": 70} for _ in range(8)]


def h100(name: str, *, ready: bool = True) -> Document:
    return make_node(name, gpus=8, pool="h100", ready=ready)
