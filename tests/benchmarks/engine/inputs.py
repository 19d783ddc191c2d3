"""From the benchmark's JSON to a snapshot."""

import json
from pathlib import Path
from typing import Any

from scheduling.engine import ClusterSnapshot
from scheduling.engine.model.gangs import Gang
from scheduling.engine.model.gpus import GpuRequest
from scheduling.engine.model.nodes import Node
from scheduling.engine.model.queues import Queue, Weights
from scheduling.engine.model.resources import UNBOUNDED, Bounds
from scheduling.engine.model.tasks import Task, TaskRequest, TaskState

NOW = 1_900_000_000.0
MAX_PODS = 500
Input = dict[str, Any]


def load(path: Path) -> Input:
    return json.loads(path.read_text())  # type: ignore[no-any-return]


def snapshot_of(given: Input) -> ClusterSnapshot:
    """Departments deserve and weigh their quota; jobs are in creation order, the first the oldest."""
    departments = [
        Queue(
            one["name"],
            deserved=_gpus(one["gpu_quota"]),
            weights=Weights(gpu=one["gpu_quota"]),
            created_at=float(number),
        )
        for number, one in enumerate(given["departments"])
    ]
    queues = [
        Queue(
            one["name"],
            parent=one["parent"],
            deserved=_gpus(one["gpu_quota"]),
            limit=UNBOUNDED if one["gpu_limit"] == -1 else _gpus(one["gpu_limit"]),
            weights=Weights(gpu=one["gpu_over_quota_weight"]),
            created_at=float(number),
        )
        for number, one in enumerate(given["queues"])
    ]
    nodes = [
        Node(
            one["name"],
            gpus=one["gpus"],
            cpu_milli=one["cpu_cores"] * 1000,
            memory_bytes=one["memory_bytes"],
            max_pods=MAX_PODS,
        )
        for one in given["nodes"]
    ]
    begin = NOW - len(given["jobs"])
    gangs = [_gang(job, begin + number) for number, job in enumerate(given["jobs"])]
    return ClusterSnapshot.build(nodes=nodes, queues=departments + queues, gangs=gangs)


def _gpus(amount: float) -> Bounds:
    return Bounds(None if amount == -1 else round(amount * 1000))


def _gang(job: Input, created_at: float) -> Gang:
    request = TaskRequest(
        GpuRequest(job["gpus_per_task"]), job["cpu_cores_per_task"] * 1000, job["memory_bytes_per_task"]
    )
    tasks = [
        Task(f"{job['name']}-{number}", request, TaskState[task["state"].upper()], node=task["node"])
        for number, task in enumerate(job["tasks"])
    ]
    return Gang(
        job["name"],
        job["queue"],
        tasks,
        priority=job["priority"],
        min_available=job["min_available"],
        created_at=created_at,
    )


def singles(nodes: int) -> Input:
    """The input a_single at any size: an empty cluster and as many 1-GPU jobs as it has GPUs, in 16 queues of 4 departments."""
    quota = nodes * 8 / 16
    return {
        "nodes": [
            {"name": f"node-{i:05d}", "gpus": 8, "cpu_cores": 128, "memory_bytes": 10**12}
            for i in range(nodes)
        ],
        "departments": [{"name": f"dept-{d}", "gpu_quota": 4 * quota} for d in range(4)],
        "queues": [
            {
                "name": f"q{d}-{q}",
                "parent": f"dept-{d}",
                "gpu_quota": quota,
                "gpu_over_quota_weight": 1,
                "gpu_limit": -1,
            }
            for d in range(4)
            for q in range(4)
        ],
        "jobs": [
            {
                "name": f"job-{i:06d}",
                "queue": f"q{i % 16 // 4}-{i % 4}",
                "gpus_per_task": 1,
                "cpu_cores_per_task": 4,
                "memory_bytes_per_task": 32 * 10**9,
                "priority": 50,
                "min_available": 1,
                "tasks": [{"state": "Pending", "node": ""}],
            }
            for i in range(nodes * 8)
        ],
    }
