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
DEVICES = 8
"""GPUs of every node."""
Input = dict[str, Any]


def load(path: Path) -> Input:
    return json.loads(path.read_text())  # type: ignore[no-any-return]


def snapshot_of(given: Input) -> ClusterSnapshot:
    return ClusterSnapshot.build(**parts_of(given))


def parts_of(given: Input) -> dict[str, Any]:
    """What a snapshot is built of. Departments deserve and weigh their quota; jobs are in creation order, the first the oldest."""
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
    return {"nodes": nodes, "queues": departments + queues, "gangs": gangs}


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
    jobs = [_job(f"job-{i:06d}", f"q{i % 16 // 4}-{i % 4}") for i in range(nodes * DEVICES)]
    return {"nodes": _nodes(nodes), "jobs": jobs, **_queues([nodes * DEVICES / 16] * 4, 4)}


def mixed(nodes: int) -> Input:
    """The input a_mixed at any size: of eight pods per node 40 % single 1-GPU jobs, 40 % in gangs of 8 x 1 GPU, 20 % in gangs of
    4 x 8 GPUs, mixed evenly; 2.4 times what the cluster has.
    """
    pods = nodes * DEVICES
    kinds = ((pods * 4 // 10, 1, 1), (pods * 4 // 10 // 8, 8, 1), (pods * 2 // 10 // 4, 4, DEVICES))
    drawn = sorted((i / number, tasks, devices) for number, tasks, devices in kinds for i in range(number))
    jobs = [
        _job(f"job-{i:06d}", f"q{i * 7 % 16 // 4}-{i * 7 % 4}", devices=devices, tasks=tasks)
        for i, (_, tasks, devices) in enumerate(drawn)
    ]
    return {"nodes": _nodes(nodes), "jobs": jobs, **_queues([pods / 16] * 4, 4)}


def full_cluster(nodes: int, pending: str) -> Input:
    """The inputs b_* and c_idle: the eight queues of dept-0 fill the cluster, those of dept-1 deserve half of it.

    `pending` in dept-1: "singles" (64 jobs), "gang" (nodes/32 pods of 8 GPUs), "many" (0.8 jobs per node) or "" for nothing.
    """
    jobs = [_job(f"run-{i:06d}", f"q0-{i % 8}", node=f"node-{i // 8:05d}") for i in range(nodes * DEVICES)]
    if pending == "gang":
        jobs.append(_job("pend-gang", "q1-0", devices=DEVICES, tasks=max(1, nodes // 32)))
    else:
        number = {"singles": 64, "many": nodes * DEVICES // 10, "": 0}[pending]
        jobs += [_job(f"pend-{i:06d}", f"q1-{i % 8}") for i in range(number)]
    return {"nodes": _nodes(nodes), "jobs": jobs, **_queues([nodes * 0.25, nodes * 0.5], 8)}


def generated(name: str) -> Input:
    """One of the inputs above by its name, e.g. b_gang_100."""
    scenario, _, nodes = name.rpartition("_")
    if scenario in {"a_single", "a_mixed"}:
        return (singles if scenario == "a_single" else mixed)(int(nodes))
    return full_cluster(int(nodes), scenario.removeprefix("b_"))


def _nodes(number: int) -> list[Input]:
    return [
        {"name": f"node-{i:05d}", "gpus": DEVICES, "cpu_cores": 128, "memory_bytes": 10**12}
        for i in range(number)
    ]


def _queues(quotas: list[float], per_department: int) -> Input:
    """Departments of so many queues each, every queue of a department with the same quota."""
    return {
        "departments": [
            {"name": f"dept-{d}", "gpu_quota": quota * per_department} for d, quota in enumerate(quotas)
        ],
        "queues": [
            {
                "name": f"q{d}-{q}",
                "parent": f"dept-{d}",
                "gpu_quota": quota,
                "gpu_over_quota_weight": 1,
                "gpu_limit": -1,
            }
            for d, quota in enumerate(quotas)
            for q in range(per_department)
        ],
    }


def _job(name: str, queue: str, *, devices: int = 1, tasks: int = 1, node: str = "") -> Input:
    return {
        "name": name,
        "queue": queue,
        "gpus_per_task": devices,
        "cpu_cores_per_task": 4 * devices,
        "memory_bytes_per_task": 32 * 10**9 * devices,
        "priority": 50,
        "min_available": tasks,
        "tasks": [{"state": "Running" if node else "Pending", "node": node}] * tasks,
    }
