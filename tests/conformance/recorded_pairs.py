"""Recorded input/output pairs of the fair-share division and the reclaim rules, read into our types.

The files count GPUs as fractions and write -1 for "unlimited"; the engine counts milli-GPU and writes None.
"""

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from scheduling.engine.plugins.fair_share import reclaim_rules
from scheduling.engine.plugins.fair_share.division import Claim, divide, divide_over_quota
from scheduling.engine.plugins.fair_share.reclaim_rules import QueueStanding

RESOURCES = ("GPU", "CPU", "Memory")
SCALE = {"GPU": 1000, "CPU": 1, "Memory": 1}
TOLERANCE = 1e-6

Case = dict[str, Any]


def read_pairs(folder: Path, name: str) -> Iterator[Case]:
    """The pairs of one file, e.g. `fair_share/can_reclaim.jsonl`."""
    with (folder / "fair_share" / f"{name}.jsonl").open() as lines:
        for line in lines:
            yield json.loads(line)


def whole(amount: float, resource: str) -> int:
    """Into the engine's integers; refuses what does not fit into them."""
    scaled = round(amount * SCALE[resource])
    if abs(scaled - amount * SCALE[resource]) > TOLERANCE * SCALE[resource]:
        raise ValueError(f"{resource} {amount} is finer than the engine counts")
    return scaled


def bound(amount: float, resource: str) -> int | None:
    """Into the engine's integers, with -1 as "no bound"."""
    return None if amount == -1 else whole(amount, resource)


def claim(queue: Case, resource: str) -> Claim:
    """One queue's column for one resource."""
    column = queue[resource]
    return Claim(
        name=queue["uid"],
        deserved=bound(column["deserved"], resource),
        limit=bound(column["max_allowed"], resource),
        weight=round(column["over_quota_weight"] * 1000),
        request=whole(column["request"], resource),
        rank=queue["priority"],
        created=queue["created"],
        usage=column["usage"],
        share=whole(column["fair_share"], resource),
    )


def division_differences(pair: Case, *, over_quota_only: bool) -> list[str]:
    """What our division gives otherwise than recorded."""
    resource = pair["resource"]
    claims = [claim(queue, resource) for queue in pair["queues_in"]]
    run = divide_over_quota if over_quota_only else divide
    left = run(whole(pair["total"], resource), claims, unit=SCALE[resource], usage_weight=pair["k_value"])
    ours = {one.name: one.share / SCALE[resource] for one in claims}
    expected = {queue["uid"]: queue[resource]["fair_share"] for queue in pair["queues_out"]}
    found = [
        f"{name}: share {ours[name]}, recorded {share}"
        for name, share in expected.items()
        if abs(ours[name] - share) > TOLERANCE
    ]
    if abs(left / SCALE[resource] - pair["remaining"]) > TOLERANCE:
        found.append(f"left {left / SCALE[resource]}, recorded {pair['remaining']}")
    return found


def standing(queue: Case) -> QueueStanding:
    """One queue as the reclaim rules see it."""

    def bounds(key: str) -> tuple[int | None, ...]:
        return tuple(bound(queue[resource][key], resource) for resource in RESOURCES)

    def amounts(key: str) -> tuple[int, ...]:
        return tuple(whole(queue[resource][key], resource) for resource in RESOURCES)

    return QueueStanding(
        name=queue["uid"],
        parent=queue["parent"] or None,
        deserved=bounds("deserved"),
        limit=bounds("max_allowed"),
        share=bounds("fair_share"),
        allocated=amounts("allocated"),
        allocated_non_preemptible=amounts("allocated_non_preemptible"),
    )


def vector(amounts: dict[str, float]) -> tuple[int, ...]:
    """A request or a victim unit."""
    return tuple(whole(amounts.get(resource, 0), resource) for resource in RESOURCES)


def reclaim_answer(pair: Case) -> bool:
    """Our answer to a recorded question of `can_reclaim` or `reclaimable`."""
    standings = {queue["uid"]: standing(queue) for queue in pair["queues"]}
    reclaimer = pair["reclaimer"]
    request = vector(reclaimer["required"])
    if "victims" not in pair:
        return reclaim_rules.may_try(
            standings[reclaimer["queue"]], request, preemptible=reclaimer["preemptible"]
        )
    return reclaim_rules.accepts(
        standings,
        queue=reclaimer["queue"],
        request=request,
        preemptible=reclaimer["preemptible"],
        victims={name: [vector(unit) for unit in units] for name, units in pair["victims"].items()},
        saturation_multiplier=pair["saturation_multiplier"],
    )
