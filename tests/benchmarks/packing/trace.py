"""The production trace: nodes and tasks as rows, and one random sequence of arrivals per seed."""

import csv
import random
from dataclasses import dataclass
from pathlib import Path

LISTS = ("default", "gpushare40", "gpushare100", "multigpu20", "multigpu50", "cpu200", "gpuspec33")
FIRST_SEED = 42
ASKED = 1.3
"""Arrivals ask for this multiple of the cluster's GPUs."""


@dataclass(frozen=True)
class NodeRow:
    name: str
    cpu_milli: int
    memory_mib: int
    gpus: int
    model: str


@dataclass(frozen=True)
class TaskRow:
    """`share_milli` is the part of each of `gpus` devices: a thousand unless `gpus` is 1. `models` empty: any. Seconds; -1 unknown."""

    cpu_milli: int
    memory_mib: int
    gpus: int
    share_milli: int
    models: tuple[str, ...]
    created: int = -1
    deleted: int = -1
    scheduled: int = -1

    @property
    def gpu_milli(self) -> int:
        return self.gpus * self.share_milli


def read_nodes(folder: Path) -> list[NodeRow]:
    with (folder / "nodes.csv").open(encoding="utf-8") as file:
        return [
            NodeRow(row["sn"], int(row["cpu_milli"]), int(row["memory_mib"]), int(row["gpu"]), row["model"])
            for row in csv.DictReader(file)
        ]


def read_tasks(folder: Path, name: str) -> list[TaskRow]:
    """Rows that share a request share one object, so that the engine need not compare them."""
    with (folder / f"pods_{name}.csv").open(encoding="utf-8") as file:
        return [_task(row) for row in csv.DictReader(file)]


def _task(row: dict[str, str]) -> TaskRow:
    return TaskRow(
        cpu_milli=int(row["cpu_milli"]),
        memory_mib=int(row["memory_mib"]),
        gpus=int(row["num_gpu"]),
        share_milli=int(row["gpu_milli"]),
        models=tuple(sorted(filter(None, row.get("gpu_spec", "").split("|")))),
        created=_seconds(row, "creation_time"),
        deleted=_seconds(row, "deletion_time"),
        scheduled=_seconds(row, "scheduled_time"),
    )


def _seconds(row: dict[str, str], field: str) -> int:
    return int(float(row[field])) if row.get(field) else -1


def arrivals(nodes: list[NodeRow], tasks: list[TaskRow], seed: int) -> list[TaskRow]:
    """The list, with tasks drawn from it until the GPUs asked reach `ASKED` of the cluster's, shuffled."""
    draw = random.Random(seed)
    wanted = ASKED * 1000 * sum(node.gpus for node in nodes)
    sequence = list(tasks)
    asked = sum(task.gpu_milli for task in tasks)
    while asked < wanted:
        task = draw.choice(tasks)
        sequence.append(task)
        asked += task.gpu_milli
    draw.shuffle(sequence)
    return sequence
