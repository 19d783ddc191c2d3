"""What an execution does otherwise than recorded, as sentences: by the expectation, and by the full observation."""

from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from scheduling.engine.model.nodes import Node
from scheduling.engine.model.occupancy import Occupancy
from scheduling.engine.model.tasks import TaskState
from scheduling.engine.plan import Plan
from tests.conformance.adapter import Case, PodState, States, task_request
from tests.conformance.rounds import Execution

TOLERANCE = 1e-6
STARTED = frozenset({"Allocated", "Binding", "Bound", "Running"})
WITH_PLACE = STARTED | {"Pipelined", "Releasing"}
LIMITS = {
    "max_binds_per_round": "binds",
    "max_evictions_per_round": "evictions",
    "max_pipelined_per_round": "nominations",
}


def expected_differences(case: Case, execution: Execution) -> list[str]:
    """By the rule of the cases' README: expected states at every comparison, nodes at the end, limits per round."""
    found: list[str] = []
    for number, states in enumerate(execution.compared):
        found += [f"compare {number}: {text}" for text in _state_differences(case, states)]
    found += _required_differences(case)
    found += _node_differences(case, execution.compared[-1])
    found += _start_differences(case, execution)
    for number, plan in enumerate(execution.plans):
        found += [f"round {number}: {text}" for text in _limit_differences(case, plan)]
    return found


def _expectations(case: Case) -> list[tuple[str, Case, list[str]]]:
    """What is expected, of which pods: (title, expectation, pod names)."""
    pods = {job["name"]: [task["name"] for task in job["tasks"]] for job in case["jobs"]}
    known = {name for names in pods.values() for name in names}
    of_jobs = [(f"job {name}", wish, pods[name]) for name, wish in case["expected"]["jobs"].items()]
    of_pods = [
        (f"pod {name}", wish, [name]) for name, wish in case["expected"]["tasks"].items() if name in known
    ]
    return of_jobs + of_pods


def _state_differences(case: Case, states: States) -> list[str]:
    found = []
    for title, wish, names in _expectations(case):
        for name in names:
            state = states[name]
            if state.status != wish["status"]:
                found.append(
                    f"{title}: {name} is {state.status} on {state.node!r}, expected {wish['status']}"
                )
            elif wish["node"] and state.node != wish["node"]:
                found.append(f"{title}: {name} is on {state.node!r}, expected {wish['node']!r}")
        if wish["status"] not in WITH_PLACE:
            continue  # a pod without a place has accepted nothing; what is recorded is left over from a failed attempt
        accepted = sum(accepted_gpus(case, name, states[name]) for name in names)
        if wish["gpus_accepted"] and abs(accepted - wish["gpus_accepted"]) > TOLERANCE:
            found.append(f"{title}: {accepted} GPUs accepted, expected {wish['gpus_accepted']}")
    return found


def _required_differences(case: Case) -> list[str]:
    """The sums of what pods ask for, as the adapter reads them; a constant of the input."""
    requests = {task["name"]: task_request(task["request"]) for job in case["jobs"] for task in job["tasks"]}
    found = []
    for title, wish, names in _expectations(case):
        asked = [requests[name] for name in names]
        gpus = sum(0 if one.gpu.memory_mib else one.gpu.milli(100) for one in asked) / 1000
        cpu, memory = sum(one.cpu_milli for one in asked), sum(one.memory_bytes for one in asked)
        if abs(gpus - wish["gpus_required"]) > TOLERANCE:
            found.append(f"{title}: asks for {gpus} GPUs, expected {wish['gpus_required']}")
        if wish["cpu_milli_required"] and cpu != wish["cpu_milli_required"]:
            found.append(f"{title}: asks for {cpu} millicores, expected {wish['cpu_milli_required']}")
        if wish["memory_required"] and memory != wish["memory_required"]:
            found.append(f"{title}: asks for {memory} bytes, expected {wish['memory_required']}")
    return found


def _start_differences(case: Case, execution: Execution) -> list[str]:
    """A gang that already ran keeps its start when it gains a pod."""
    found = []
    for name, wish in case["expected"]["jobs"].items():
        least = wish.get("last_start_older_than_s")
        restarted = any(name in plan.started for plan in execution.plans)
        if least and wish["status"] in STARTED and restarted:
            found.append(f"job {name}: started anew, expected a start at least {least} s ago")
    return found


def _limit_differences(case: Case, plan: Plan) -> list[str]:
    limits = case.get("mocks") or {}
    found = []
    for key, kind in LIMITS.items():
        count, limit = len(getattr(plan, kind)), limits.get(key, 0)
        if count > limit:
            found.append(f"{count} {kind}, allowed {limit}")
    return found


def accepted_gpus(case: Case, pod: str, state: PodState) -> float:
    """GPUs a pod counts as where it stands."""
    if not state.node or state.status not in WITH_PLACE:
        return 0.0
    request = next(
        task_request(task["request"]) for job in case["jobs"] for task in job["tasks"] if task["name"] == pod
    )
    memory = next(node["gpu_memory"] for node in case["nodes"] if node["name"] == state.node)
    return request.gpu.milli(memory) / 1000


def _node_differences(case: Case, states: States) -> list[str]:
    if not case["expected"]["nodes"]:
        return []
    nodes = whole_gpus(case, states)
    return [
        f"node {name}: {nodes[name]}, expected {(wish['idle_gpus'], wish['releasing_gpus'])} idle and releasing"
        for name, wish in case["expected"]["nodes"].items()
        if nodes[name] != (wish["idle_gpus"], wish["releasing_gpus"])
    ]


def whole_gpus(case: Case, states: States) -> dict[str, tuple[int, int]]:
    """Idle and releasing devices per node with the pods as in `states`."""
    rooms = {
        node["name"]: Occupancy(
            Node(
                node["name"], gpus=node["gpus"], gpu_memory_mib=node["gpu_memory"], max_pods=node["max_pods"]
            )
        )
        for node in case["nodes"]
    }
    for job in case["jobs"]:
        for task in job["tasks"]:
            state, request = states[task["name"]], task_request(task["request"])
            if state.node and state.status in WITH_PLACE:
                groups = state.gpu_groups if request.gpu.is_shared else ()
                rooms[state.node].change(request, groups, TaskState[state.status.upper()], 1)
    return {name: (room.idle_gpus, room.releasing_gpus) for name, room in rooms.items()}


def observed_differences(case: Case, execution: Execution) -> list[str]:
    """Beyond the expectation: every pod's state and node, the evictions and the fair shares of each recorded round."""
    observed = case["observed"]
    if not observed.get("stable"):
        return []
    found: list[str] = []
    for number, recorded in enumerate(observed["rounds"][: len(execution.plans)]):
        plan, states = execution.plans[number], execution.after_round[number]
        differences = _pod_differences(recorded["tasks"], states)
        differences += _eviction_differences(recorded["evictions"] or [], plan)
        if observed.get("fair_share_stable"):
            differences += _share_differences(recorded["fair_share_at_open"], plan)
        found += [f"round {number}: {text}" for text in differences]
    return found


def _pod_differences(recorded: Mapping[str, Any], states: States) -> list[str]:
    return [
        f"{name} is {states[name].status} on {states[name].node!r}, observed {seen['status']} on {seen['node']!r}"
        for name, seen in sorted(recorded.items())
        if (states[name].status, states[name].node) != (seen["status"], seen["node"])
    ]


def _eviction_differences(recorded: Sequence[Mapping[str, Any]], plan: Plan) -> list[str]:
    seen = sorted(one["task"] for one in recorded)
    ours = sorted(one.task for one in plan.evictions)
    return [] if seen == ours else [f"evicts {_listed(ours)}, observed {_listed(seen)}"]


def _listed(names: Iterable[str]) -> str:
    return ", ".join(names) or "nobody"


def _share_differences(recorded: Mapping[str, Any] | None, plan: Plan) -> list[str]:
    found = []
    for name, seen in ((recorded or {}).get("queues") or {}).items():
        ours = plan.shares.get(name)
        if ours is None:
            found.append(f"queue {name} has no share")
            continue
        for column, amounts in (
            ("fair_share", ours.fair_share),
            ("allocated", ours.allocated),
            ("request", ours.request),
        ):
            for key, amount in (
                ("GPU", amounts.gpu_milli / 1000),
                ("CPU", amounts.cpu_milli),
                ("Memory", amounts.memory_bytes),
            ):
                if seen[key][column] != -1 and abs(amount - seen[key][column]) > TOLERANCE * max(
                    1, abs(amount)
                ):
                    found.append(f"queue {name}: {column} of {key} {amount}, observed {seen[key][column]}")
    return found
