"""Pure: a plan told decision by decision, as text for a person and as JSON for a program."""

from typing import Any

from scheduling.engine.model.snapshot import ClusterSnapshot
from scheduling.engine.plan import Eviction, Nomination, Plan, Refusal
from scheduling.snapshots import plain

Json = dict[str, Any]


def plan_json(plan: Plan) -> Json:
    """Every decision with its reason and numbers; shares in thousandths of a GPU, millicores and bytes."""
    return {
        "binds": [plain(one) for one in plan.binds],
        "nominations": [plain(one) for one in plan.nominations],
        "evictions": [plain(one) for one in plan.evictions],
        "refusals": {uid: plain(one) for uid, one in sorted(plan.refusals.items())},
        "shares": {name: plain(one) for name, one in sorted(plan.shares.items())},
        "stale": list(plan.stale),
    }


def plan_text(plan: Plan, snapshot: ClusterSnapshot) -> str:
    """Who starts, who is stopped and for whom, who is promised a place, and why each other gang waits."""
    names = {gang.uid: gang.name or gang.uid for gang in snapshot.gangs}
    tasks = {task.uid: task.name or task.uid for task in snapshot.tasks}
    lines = [f"pool {snapshot.pool}: {len(snapshot.nodes)} nodes, {len(snapshot.gangs)} gangs"]
    lines += ["", "Fair share"]
    lines += [
        f"  {name}: {_gpus(one.fair_share.gpu_milli)} of the GPUs, holds {_gpus(one.allocated.gpu_milli)}, "
        f"wants {_gpus(one.request.gpu_milli)}"
        for name, one in sorted(plan.shares.items())
    ]
    lines += _section(
        "Starts", [f"{tasks[one.task]} on {one.node}{_devices(one.gpu_groups)}" for one in plan.binds]
    )
    lines += _section("Stops", [_eviction(one, tasks, names) for one in plan.evictions])
    lines += _section("Is promised a place", [_nomination(one, tasks) for one in plan.nominations])
    waiting = [_refusal(names.get(uid, uid), one) for uid, one in sorted(plan.refusals.items())]
    lines += _section("Waits", waiting)
    if len(lines) == 2 + 1 + len(plan.shares):
        lines += ["", "Nothing to do."]
    return "\n".join(lines) + "\n"


def _section(title: str, sentences: list[str]) -> list[str]:
    return ["", title, *(f"  {sentence}" for sentence in sentences)] if sentences else []


def _gpus(milli: int) -> str:
    return f"{milli / 1000:g}"


def _devices(groups: tuple[str, ...]) -> str:
    return f", shared device {', '.join(groups)}" if groups else ""


def _eviction(one: Eviction, tasks: dict[str, str], names: dict[str, str]) -> str:
    benefit = f" for {names.get(one.beneficiary, one.beneficiary)}" if one.beneficiary else ""
    numbers = ", ".join(f"{key} {value}" for key, value in one.numbers.items())
    because = one.message or f"rule {one.rule}" + (f" ({numbers})" if numbers else "")
    return f"{tasks[one.task]} on {one.node}: {one.action}{benefit}. {because}"


def _nomination(one: Nomination, tasks: dict[str, str]) -> str:
    moved = ", moving there" if one.moved else ", once it is free"
    return f"{tasks[one.task]} on {one.node}{_devices(one.gpu_groups)}{moved}"


def _refusal(name: str, refusal: Refusal) -> str:
    tally = "; ".join(f"{count} nodes: {what}" for what, count in refusal.tally.items())
    change = f" {refusal.counterfactual.sentence}" if refusal.counterfactual else ""
    return f"{name}: {refusal.reason}. {refusal.message}" + (f" [{tally}]" if tally else "") + change
