"""What stands in the fields of a submission's form, and where the API's words about it belong."""

from collections.abc import Iterable
from typing import Any

from organization.models import NodePool, Project
from ui.wording import number
from workloads.kinds import KINDS
from workloads.kinds.training import BACKOFF_LIMIT
from workloads.priorities import Preemptibility
from workloads.queries import PoolRoom
from workloads.spec import GRACE_SECONDS

OWN = "own"
"""The card whose amounts are filled in one by one."""
FIELD_OF_PATH = {
    "name": "name",
    "projectId": "project",
    "image": "image",
    "command": "command",
    "args": "args",
    "workingDir": "working_dir",
    "imagePullPolicy": "pull_policy",
    "environmentVariables": "environment",
    "compute.gpuDevicesRequest": "gpus",
    "compute.cpuCoreRequest": "cores",
    "compute.cpuMemoryRequest": "memory",
    "compute.cpuCoreLimit": "cores_limit",
    "compute.cpuMemoryLimit": "memory_limit",
    "parallelism": "parallelism",
    "completions": "completions",
    "backoffLimit": "backoff_limit",
    "nodePools": "node_pools",
    "priorityClass": "priority",
    "preemptibility": "preemptibility",
    "terminationGracePeriodSeconds": "grace_seconds",
    "autoDeletionTimeAfterCompletionSeconds": "auto_delete_seconds",
    "labels": "labels",
    "annotations": "annotations",
}
"""Where the API names a field, the form shows the sentence; the longest matching beginning counts."""


def first(*values: Any) -> Any:
    return next((value for value in values if value is not None), None)


def float_of(value: Any) -> float | None:
    return None if value is None else float(value)


def room_words(room: PoolRoom) -> str:
    if not room.nodes:
        return "no ready node"
    if not room.gpus:
        return f"{room.nodes} nodes without GPUs"
    return f"{number(sum(room.free))} of {number(room.gpus)} GPUs free, at most {room.most} on one node"


def pairs_in(text: str) -> list[dict[str, str]]:
    """`NAME=value` a line; a line without = is a name with an empty value."""
    lines = [line.strip() for line in text.splitlines() if line.strip()]
    return [
        {"name": name.strip(), "value": value} for name, _, value in (line.partition("=") for line in lines)
    ]


def lines_of(pairs: Iterable[dict[str, str]]) -> str:
    return "\n".join(f"{pair['name']}={pair.get('value', '')}" for pair in pairs)


def field_of(path: str) -> str | None:
    while path:
        if path in FIELD_OF_PATH:
            return FIELD_OF_PATH[path]
        path = path.rpartition(".")[0]
    return None


def line_of(path: str) -> str:
    """`environmentVariables.2.name` is about the third line."""
    index = next((part for part in path.split(".") if part.isdecimal()), None)
    return "" if index is None else f"Line {int(index) + 1}: "


def initial_of(name: str, spec: dict[str, Any], project_id: int) -> dict[str, Any]:
    """The form filled with an earlier submission."""
    compute = spec.get("compute", {})
    return {
        "project": project_id,
        "name": name,
        "image": spec.get("image", ""),
        "command": spec.get("command", ""),
        "args": spec.get("args", ""),
        "working_dir": spec.get("workingDir", ""),
        "pull_policy": spec.get("imagePullPolicy", ""),
        "environment": lines_of(spec.get("environmentVariables", [])),
        "size": OWN,
        "gpus": compute.get("gpuDevicesRequest"),
        "cores": compute.get("cpuCoreRequest"),
        "memory": compute.get("cpuMemoryRequest"),
        "cores_limit": compute.get("cpuCoreLimit"),
        "memory_limit": compute.get("cpuMemoryLimit"),
        "parallelism": spec.get("parallelism"),
        "completions": spec.get("completions"),
        "node_pools": spec.get("nodePools", []),
        "priority": spec.get("priorityClass"),
        "preemptibility": spec.get("preemptibility"),
        "backoff_limit": spec.get("backoffLimit"),
        "grace_seconds": spec.get("terminationGracePeriodSeconds"),
        "auto_delete_seconds": spec.get("autoDeletionTimeAfterCompletionSeconds"),
        "labels": lines_of(spec.get("labels", [])),
        "annotations": lines_of(spec.get("annotations", [])),
    }


def fresh_initial(name: str, project: Project | None) -> dict[str, Any]:
    """What a new form starts with: the smallest GPU size, the project's pools, the kind's defaults."""
    pools = list(project.default_node_pools) if project else []
    if project and not pools:
        pools = ["default"] if NodePool.objects.filter(cluster_id=project.cluster_id).count() == 1 else []
    return {
        "project": project.pk if project else None,
        "name": name,
        "size": "one",
        "parallelism": 1,
        "pull_policy": "IfNotPresent",
        "priority": KINDS["training"].default_priority,
        "preemptibility": Preemptibility.PREEMPTIBLE,
        "backoff_limit": BACKOFF_LIMIT,
        "grace_seconds": GRACE_SECONDS[2],
        "node_pools": pools,
    }
