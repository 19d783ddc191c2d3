"""A measured moment of the company's cluster."""

import uuid
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
import time_machine

from cluster.labels import WORKLOAD_ID
from monitoring.collecting import collect
from organization.models import Node, Project
from tests.conftest import Acme
from tests.monitoring.cluster_pages import PagesOfACluster, eight_free, h100
from tests.scheduling.documents import make_pod
from workloads.models import Workload

NOON = datetime(2030, 1, 1, 12, 0, 30, tzinfo=UTC)


@pytest.fixture
def noon() -> Any:
    """Real and product time stand at half a minute past noon."""
    with time_machine.travel(NOON, tick=False) as traveller:
        yield traveller


def held(pod: str, util: float) -> dict[str, Any]:
    return {"util": util, "used": 40_960, "free": 40_960, "temp": 60, "power": 400, "pod": pod}


@pytest.fixture
def vision_workload() -> uuid.UUID:
    return uuid.UUID("00000000-0000-4000-8000-000000000001")


@pytest.fixture
def pages(acme: Acme, vision_workload: uuid.UUID) -> PagesOfACluster:
    """Two nodes; vision holds 2 GPUs at 80 and 60 %, speech one idle, someone outside of projects one."""
    labels = {WORKLOAD_ID: str(vision_workload)}
    pods = [
        make_pod("train-0", gpus=2, node="h100-01", phase="Running", labels=labels),
        make_pod("talk-0", namespace="runai-speech", gpus=1, node="h100-01", phase="Running"),
        make_pod("stray", namespace="elsewhere", gpus=1, node="h100-02", phase="Running", scheduler="default-scheduler"),
        make_pod("waiting", gpus=4),
    ]  # fmt: skip
    first, second = eight_free(), eight_free()
    first[0] = held("runai-vision/train-0", 80)
    first[1] = held("runai-vision/train-0", 60)
    first[2] = held("runai-speech/talk-0", 1)
    second[0] = held("elsewhere/stray", 50)
    return PagesOfACluster(
        [h100("h100-01"), h100("h100-02")], pods, gpus={"h100-01": first, "h100-02": second}
    )


def make_workload(name: str, *, project: Project, phase: str, **fields: Any) -> Workload:
    """A row as workloads keeps it; `phase` since a minute before NOON."""
    return Workload.objects.create(
        name=name,
        project=project,
        cluster=project.cluster,
        kind="training",
        spec={},
        priority_class="low",
        preemptibility="preemptible",
        node_pools=["h100"],
        phase=phase,
        phase_since=NOON - timedelta(minutes=1),
        created_at=NOON - timedelta(hours=1),
        updated_at=NOON,
        **{"requested_gpu_milli": 2000, **fields},
    )


@pytest.fixture(autouse=True)
def static_folder(settings: Any) -> None:
    """Whitenoise warns where there is none."""
    Path(settings.STATIC_ROOT).mkdir(parents=True, exist_ok=True)


@pytest.fixture
def measured(acme: Acme, pages: Any, noon: Any, vision_workload: uuid.UUID) -> Acme:
    """Seven minutes of figures, nodes as the collector of nodes writes them, and the workloads behind the pods."""
    pool = acme.cluster.node_pools.get(name="h100")
    for name in ("h100-01", "h100-02"):
        Node.objects.create(cluster=acme.cluster, name=name, pool=pool, ready=True, gpu_count=8, gpu_product="H100", created_at=NOON, seen_at=NOON)  # fmt: skip
    make_workload("secret-train", project=acme.vision, id=vision_workload, phase="Running")
    make_workload("talk", project=acme.speech, phase="Pending")
    for minutes in range(6, -1, -1):
        collect(acme.cluster, pages, at=NOON - timedelta(minutes=minutes), last=None)
    return acme
