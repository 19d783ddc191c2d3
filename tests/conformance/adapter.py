"""From a recorded case and the state its pods have reached to an engine snapshot, and to the engine's settings."""

import re
from dataclasses import dataclass
from typing import Any

from scheduling.engine.config import SchedulerConfig
from scheduling.engine.model.constraints import (
    ANYWHERE,
    Constraints,
    LabelRequirement,
    NodeTerm,
    PodAffinityTerm,
)
from scheduling.engine.model.gangs import Gang, PodSet, SubGroup, TopologyConstraint
from scheduling.engine.model.gpus import NO_GPU, GpuRequest
from scheduling.engine.model.nodes import Node, Topology
from scheduling.engine.model.queues import Queue, Weights
from scheduling.engine.model.resources import Bounds
from scheduling.engine.model.snapshot import ClusterSnapshot
from scheduling.engine.model.tasks import HOLDING, Task, TaskRequest, TaskState

Case = dict[str, Any]

NODE_NAME_LABEL = "kai.scheduler/type"
"""The label by which recorded node affinities name nodes."""
MEMORY_UNIT = 10**6
ACTIONS = {
    "allocate": "allocate",
    "consolidation": "consolidate",
    "reclaim": "reclaim",
    "preempt": "preempt",
    "stalegangeviction": "evict_broken_gangs",
}
PLUGINS = {
    "proportion": "fair_share",
    "priority": "priority",
    "elastic": "elastic",
    "nominatednode": "nominated_node",
    "nodeavailability": "availability",
    "resourcetype": "resource_type",
    "minruntime": "min_runtime",
    "topology": "topology",
}
ALWAYS = ("gang", "gpu_sharing")
"""Parts of the recorded scheduler that no configuration of it can leave out."""
FILTERS = ("node_fit", "pod_affinity")
"""What its plugin `predicates` does; some cases were recorded without it."""
DURATION = re.compile(r"(\d+(?:\.\d+)?)(h|ms|m|s)")
SECONDS = {"h": 3600.0, "m": 60.0, "s": 1.0, "ms": 0.001}


@dataclass(frozen=True)
class PodState:
    """Where a pod stands between rounds."""

    status: str
    node: str = ""
    gpu_groups: tuple[str, ...] = ()


States = dict[str, PodState]


def first_states(case: Case) -> States:
    """As the case begins."""
    return {
        task["name"]: PodState(task["state"], task["node"], tuple(task["gpu_groups"] or ()))
        for job in case["jobs"]
        for task in job["tasks"]
    }


def snapshot_of(case: Case, states: States, *, now: float, carried_over: bool) -> ClusterSnapshot:
    """The case's world with its pods as in `states`. `carried_over`: a later round, where starts are re-dated."""
    return ClusterSnapshot.build(
        nodes=[_node(node) for node in case["nodes"]],
        queues=[_queue(queue, now) for queue in case["queues"]],
        gangs=[_gang(job, states, now, carried_over=carried_over) for job in case["jobs"]],
        topologies=[Topology(one["name"], tuple(one["levels"])) for one in case.get("topologies") or ()],
    )


def config_of(case: Case) -> SchedulerConfig:
    """The case's settings in the engine's words."""
    settings = case["config"]
    arguments = {plugin["name"]: plugin["arguments"] or {} for plugin in settings["plugins"]}
    chosen = [PLUGINS[name] for name in arguments if name in PLUGINS]
    options = _options(arguments)
    filters = FILTERS if settings.get("predicates_plugin_active", True) else ()
    return SchedulerConfig(
        actions=tuple(ACTIONS[action] for action in case["run"]["actions"]),
        plugins=tuple(dict.fromkeys([*chosen, *filters, *ALWAYS, *options])),
        options=options,
        staleness_grace=float(case["run"]["staleness_grace_period_s"]),
        max_consolidation_victims=_none_if_negative(settings["max_number_consolidation_preemptees"]),
        max_evictions=None,
        allow_consolidating_reclaim=settings["allow_consolidating_reclaim"],
        queue_depth=_queue_depth(settings.get("queue_depth_per_action"), case["run"]["actions"]),
        skip_equals_of_failed=settings["use_scheduling_signatures"],
        **_tuning(arguments),
    )


def _tuning(arguments: dict[str, dict[str, Any]]) -> dict[str, Any]:
    """Arguments of plugins that few cases give; left out, the engine's defaults are the recorded ones."""
    shares, runtime = arguments.get("proportion", {}), arguments.get("minruntime", {})
    given = {
        "saturation_multiplier": _number(shares.get("relcaimerSaturationMultiplier")),
        "usage_weight": _number(shares.get("kValue")),
        "preempt_min_runtime": _seconds(runtime.get("defaultPreemptMinRuntime")),
        "reclaim_min_runtime": _seconds(runtime.get("defaultReclaimMinRuntime")),
        "reclaim_min_runtime_of": {"lca": "below-common-ancestor", "queue": "queue"}.get(
            runtime.get("reclaimResolveMethod", "")
        ),
    }
    return {name: value for name, value in given.items() if value is not None}


def _number(text: float | str | None) -> float | None:
    return None if text is None else float(text)


def _options(arguments: dict[str, dict[str, Any]]) -> dict[str, dict[str, Any]]:
    """Placement: each strategy for the units that name it; the order of devices; whether shared nodes are sought."""
    devices = next((way for way in ("pack", "spread") if f"gpu{way}" in arguments), "")
    options: dict[str, dict[str, Any]] = {
        "gpu_sharing": {"devices": devices, "join": "gpusharingorder" in arguments}
    }
    placement = arguments.get("nodeplacement", {})
    for strategy, plugin in (("binpack", "bin_packing"), ("spread", "spreading")):
        units = {unit: placement.get(unit) == strategy for unit in ("gpu", "cpu")}
        if any(units.values()):
            options[plugin] = units
    return options


def _queue_depth(depth: int | dict[str, int] | None, actions: list[str]) -> int | None:
    """One number for all actions; told per action, they must agree."""
    if not isinstance(depth, dict):
        return depth
    depths = {depth.get(action) for action in actions}
    if len(depths) != 1:
        raise ValueError(f"queue_depth_per_action {depth} differs between the actions {actions}")
    return depths.pop()


def _none_if_negative(number: int) -> int | None:
    return None if number < 0 else number


def _queue(queue: Case, now: float) -> Queue:
    def bounds(key: str) -> Bounds:
        return Bounds(
            _bound(queue["gpu"][key], 1000),
            _bound(queue["cpu_milli"][key], 1),
            _bound(queue["memory_mb"][key], MEMORY_UNIT),
        )

    return Queue(
        name=queue["name"],
        parent=queue["parent"],
        deserved=bounds("quota"),
        limit=bounds("limit"),
        weights=Weights(
            queue["gpu"]["over_quota_weight"],
            queue["cpu_milli"]["over_quota_weight"],
            queue["memory_mb"]["over_quota_weight"],
        ),
        rank=queue["priority"],
        created_at=now + queue["created_offset_s"],
        preempt_min_runtime=_seconds(queue.get("preempt_min_runtime")),
        reclaim_min_runtime=_seconds(queue.get("reclaim_min_runtime")),
    )


def _bound(amount: float, scale: int) -> int | None:
    return None if amount == -1 else round(amount * scale)


def _seconds(duration: float | str | None) -> float | None:
    """A number of seconds, or Go's way to write a duration: 1h30m."""
    if not isinstance(duration, str):
        return None if duration is None else float(duration)
    parts = DURATION.findall(duration)
    if "".join(number + unit for number, unit in parts) != duration:
        raise ValueError(f"{duration!r} is not a duration")
    return sum(float(number) * SECONDS[unit] for number, unit in parts)


def _node(node: Case) -> Node:
    return Node(
        name=node["name"],
        gpus=node["gpus"],
        cpu_milli=round(node["cpu_milli"]),
        memory_bytes=round(node["memory"]),
        gpu_memory_mib=node["gpu_memory"] if node.get("gpu_memory_synced", True) else None,
        max_pods=node["max_pods"],
        extended={name: amount for name, amount in (node.get("scalar") or {}).items() if name != "pods"},
        labels=node["labels"] or {},
    )


def _gang(job: Case, states: States, now: float, *, carried_over: bool) -> Gang:
    created = now - job["age_s"]
    tasks = [_task(task, states[task["name"]], created) for task in job["tasks"]]
    started = job.get("last_start_age_s")
    if carried_over:
        started = 60 if any(task.state in HOLDING for task in tasks) else None
    stale = job.get("stale_for_s")
    return Gang(
        uid=job["name"],
        name=job["name"],
        queue=job["queue"],
        tasks=tasks,
        priority=job["priority"],
        preemptible=job["preemptible"],
        root=_sub_group(job["root_subgroup"]),
        created_at=created,
        last_start=None if started is None else now - started,
        stale_since=None if stale is None else now - stale,
    )


def _sub_group(group: Case) -> SubGroup:
    return SubGroup(
        name=group["name"],
        groups=tuple(_sub_group(one) for one in group["groups"] or ()),
        pod_sets=tuple(
            PodSet(one["name"], one["min_available"], _topology(one.get("topology_constraint")))
            for one in group["pod_sets"] or ()
        ),
        topology=_topology(group.get("topology_constraint")),
    )


def _topology(constraint: Case | None) -> TopologyConstraint | None:
    if not constraint:
        return None
    return TopologyConstraint(
        constraint["topology"],
        required_level=constraint.get("required_level") or "",
        preferred_level=constraint.get("preferred_level") or "",
    )


def _task(task: Case, state: PodState, created: float) -> Task:
    standing = TaskState[state.status.upper()]
    request = task_request(task["request"])
    return Task(
        uid=task["name"],
        name=task["name"],
        request=request,
        state=standing,
        node=state.node,
        gpu_groups=state.gpu_groups if state.node and request.gpu.is_shared else (),
        pod_set=task["subgroup"] or "default",
        priority=task.get("task_priority"),
        created_at=created,
        constraints=_constraints(task),
        labels={
            **(task.get("labels") or {}),
            **(task.get("pod_affinity") or {}).get("match_labels", {}),
        },
    )


def task_request(request: Case) -> TaskRequest:
    """Amounts of one pod; a portion of nothing is no GPU at all."""
    gpu = NO_GPU
    if request["gpu_memory"]:
        gpu = GpuRequest(devices=max(1, request["gpu_devices"]), memory_mib=request["gpu_memory"])
    elif request["gpu_devices"] and request["gpu_portion"]:
        gpu = GpuRequest(request["gpu_devices"], round(request["gpu_portion"] * 1000))
    extended = {**(request.get("mig") or {}), **(request.get("scalar") or {})}
    return TaskRequest(
        gpu,
        round(request["cpu_milli"]),
        round(request["memory"]),
        tuple(sorted((name, amount) for name, amount in extended.items() if name != "pods")),
    )


def _constraints(task: Case) -> Constraints:
    names, pods = task.get("node_affinity_names"), task.get("pod_affinity") or {}
    near, apart = pods.get("affinity_topology_key"), pods.get("anti_affinity_topology_key")
    if not (names or near or apart):
        return ANYWHERE
    selector = tuple(
        LabelRequirement(key, "In", (value,)) for key, value in pods.get("match_labels", {}).items()
    )
    return Constraints(
        node_terms=(NodeTerm((LabelRequirement(NODE_NAME_LABEL, "In", tuple(names)),)),) if names else (),
        pod_affinity=(PodAffinityTerm(near, selector),) if near else (),
        pod_anti_affinity=(PodAffinityTerm(apart, selector),) if apart else (),
    )
