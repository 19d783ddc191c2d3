"""Submits the trace's tasks through the product's own service, each when it is due on the product's clock."""

import time
from collections.abc import Callable
from datetime import datetime

from django.contrib.auth.models import User

from cluster import clock
from organization.models import Project
from runai_portal.trace.reading import TraceTask, TraceUnusable
from runai_portal.trace.shaping import POOL
from workloads.kinds import KINDS
from workloads.models import Source
from workloads.services import submit_workload
from workloads.spec import WorkloadSpec

RUN_LABEL = "trace-run"
"""On every workload and pod of one replay: which replay it is."""


def spec_of(task: TraceTask, run: str) -> WorkloadSpec:
    """The task as a training: what it asked for, running as long as it ran."""
    return WorkloadSpec.from_json(
        f"{run}-{task.name}",
        {
            "image": "registry.example/trace/task:1",
            "command": "run-task",
            "nodePools": [POOL],
            "labels": [{"name": RUN_LABEL, "value": run}],
            "annotations": [
                {"name": "simulator/run-seconds", "value": str(task.seconds)},
                {"name": "simulator/pull-seconds", "value": "0"},
                {"name": "simulator/start-seconds", "value": "0"},
            ],
            "compute": {
                "gpuDevicesRequest": task.gpus,
                "cpuCoreRequest": task.cpu_milli / 1000,
                "cpuMemoryRequest": f"{task.memory_mib}Mi",
            },
        },
        KINDS["training"],
    )


def submit_all(
    tasks: list[tuple[float, TraceTask]],
    *,
    run: str,
    root: User,
    projects: dict[str, Project],
    begin: datetime,
    tell: Callable[[int], None],
) -> None:
    """`tasks`: product seconds after `begin`, in order. `tell` hears how many are submitted."""
    for number, (due, task) in enumerate(tasks, 1):
        sleep_until(begin, due)
        if task.qos not in projects:
            raise TraceUnusable(f"{task.name}: unknown qos {task.qos!r}; known are {', '.join(projects)}")
        submit_workload(
            submitter=root, project=projects[task.qos], spec=spec_of(task, run), source=Source.API
        )
        tell(number)


def sleep_until(begin: datetime, due: float) -> None:
    """On the product's clock; in small steps, so that a change of speed is followed."""
    while (missing := due - (clock.now() - begin).total_seconds()) > 0:
        time.sleep(min(clock.real_seconds(missing), 0.5))
