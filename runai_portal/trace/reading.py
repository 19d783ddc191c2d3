"""Pure: a published trace (nodes.csv, pods_default.csv) as values, and which part of it is replayed.

Format: Alibaba cluster trace gpu-v2023 ("openb"); times in seconds since the trace's begin, CPU in millicores, memory in MiB.
"""

import csv
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path

DAY = 86_400
WHOLE_GPU = 1000


class TraceUnusable(ValueError):
    """The folder, a file or a value cannot be used; the message names it."""


@dataclass(frozen=True)
class TraceNode:
    name: str
    model: str
    gpus: int
    cpu_milli: int
    memory_mib: int


@dataclass(frozen=True)
class TraceTask:
    """`scheduled_at` is None for a task that never ran; `gpu_milli` is the share of one GPU when `gpus` is 1."""

    name: str
    cpu_milli: int
    memory_mib: int
    gpus: int
    gpu_milli: int
    qos: str
    created_at: int
    scheduled_at: int | None
    deleted_at: int

    @property
    def asks_for_whole_gpus(self) -> bool:
        """Whole GPUs, or none."""
        return self.gpus == 0 or self.gpu_milli == WHOLE_GPU

    @property
    def seconds(self) -> int:
        """How long it ran; asked only of tasks that were scheduled."""
        if self.scheduled_at is None:
            raise TraceUnusable(f"{self.name} never ran")
        return max(1, self.deleted_at - self.scheduled_at)


@dataclass(frozen=True)
class Selection:
    """What is replayed, and how many of the window's tasks are not, by reason."""

    tasks: tuple[TraceTask, ...]
    left_out: dict[str, int]


def read_nodes(folder: Path) -> list[TraceNode]:
    """The GPU nodes of the trace."""
    return [
        TraceNode(row["sn"], row["model"], int(row["gpu"]), int(row["cpu_milli"]), int(row["memory_mib"]))
        for row in _rows(folder / "nodes.csv", ("sn", "model", "gpu", "cpu_milli", "memory_mib"))
        if int(row["gpu"]) > 0
    ]


def read_tasks(folder: Path) -> list[TraceTask]:
    needed = (
        "name",
        "cpu_milli",
        "memory_mib",
        "num_gpu",
        "gpu_milli",
        "qos",
        "creation_time",
        "deletion_time",
        "scheduled_time",
    )
    return [
        TraceTask(
            name=row["name"],
            cpu_milli=int(row["cpu_milli"]),
            memory_mib=int(row["memory_mib"]),
            gpus=int(row["num_gpu"]),
            gpu_milli=int(row["gpu_milli"]),
            qos=row["qos"],
            created_at=int(float(row["creation_time"])),
            scheduled_at=int(float(row["scheduled_time"])) if row["scheduled_time"] else None,
            deleted_at=int(float(row["deletion_time"])),
        )
        for row in _rows(folder / "pods_default.csv", needed)
    ]


def _rows(file: Path, needed: Sequence[str]) -> list[dict[str, str]]:
    try:
        with file.open(newline="") as lines:
            rows = list(csv.DictReader(lines))
    except OSError as error:
        raise TraceUnusable(f"{file}: {error.strerror}") from error
    missing = [column for column in needed if not rows or column not in rows[0]]
    if missing:
        raise TraceUnusable(f"{file}: has no column {', '.join(missing)}")
    return rows


def choose_nodes(nodes: Sequence[TraceNode], count: int) -> list[TraceNode]:
    """`count` nodes, evenly over the list sorted by model and size: the mix stays what it is. The largest is always among them."""
    if not 1 <= count <= len(nodes):
        raise TraceUnusable(
            f"--nodes {count}: the trace has {len(nodes)} GPU nodes; choose 1 to {len(nodes)}"
        )
    ordered = sorted(nodes, key=lambda node: (-node.gpus, node.model, -node.cpu_milli, node.name))
    return [ordered[index * len(ordered) // count] for index in range(count)]


def select_tasks(
    tasks: Iterable[TraceTask], *, first_day: float, days: float, nodes: Sequence[TraceNode]
) -> Selection:
    """The window's tasks that ask for whole GPUs or none, ran in the original, and fit on at least one chosen node."""
    begin, end = first_day * DAY, (first_day + days) * DAY
    chosen: list[TraceTask] = []
    left_out: dict[str, int] = {}
    for task in sorted(tasks, key=lambda task: (task.created_at, task.name)):
        if not begin <= task.created_at < end:
            continue
        reason = why_left_out(task, nodes)
        if reason:
            left_out[reason] = left_out.get(reason, 0) + 1
        else:
            chosen.append(task)
    return Selection(tuple(chosen), left_out)


def why_left_out(task: TraceTask, nodes: Sequence[TraceNode]) -> str:
    """ "" for a task that is replayed."""
    if task.scheduled_at is None:
        return "never scheduled in the original"
    if not task.asks_for_whole_gpus:
        return "asks for a part of a GPU"
    if not any(fits(task, node) for node in nodes):
        return "fits on none of the chosen nodes"
    return ""


RESERVED_CPU_MILLI, RESERVED_MEMORY_MIB = 500, 1024
"""What the simulated kubelet keeps for the system."""


def fits(task: TraceTask, node: TraceNode) -> bool:
    return (
        task.gpus <= node.gpus
        and task.cpu_milli <= node.cpu_milli - RESERVED_CPU_MILLI
        and task.memory_mib <= node.memory_mib - RESERVED_MEMORY_MIB
    )


def arrivals(tasks: Sequence[TraceTask], compress: float) -> list[float]:
    """Product seconds after the begin at which each task is submitted: the gaps between arrivals divided by `compress`."""
    if not compress > 0:
        raise TraceUnusable(f"--compress {compress}: must be above 0")
    first = tasks[0].created_at if tasks else 0
    return [(task.created_at - first) / compress for task in tasks]
