"""Quotas and limits as gates: what a gang's request may not exceed, at every level of the tree."""

from typing import TYPE_CHECKING

from scheduling.engine.model.resources import RESOURCE_NAMES, Resources
from scheduling.engine.plan import Reason, Refusal
from scheduling.engine.session import Session

if TYPE_CHECKING:
    from scheduling.engine.plugins.fair_share.plugin import FairShare


INFINITE = 1 << 80
"""An amount that nothing reaches."""
UNLIMITED = (INFINITE, INFINITE, INFINITE)


def check(rules: "FairShare", session: Session, gang: int, asked: Resources) -> Refusal | None:
    """Limits first, then the non-preemptible rule; the first level that objects, leaf first."""
    ledger = session.state.ledger
    for queue in ledger.path[session.snapshot.gang_queue[gang]]:
        limit = rules.limit[queue]
        if limit == UNLIMITED:
            continue
        allocated = ledger.allocated[queue]
        for unit in range(3):
            if asked[unit] and allocated[unit] + asked[unit] > limit[unit]:
                return _over_limit(session, queue, unit, asked[unit], limit[unit], allocated[unit])
    if not session.state.is_preemptible(gang):
        return check_non_preemptible(rules, session, gang, asked)
    return None


def check_non_preemptible(
    rules: "FairShare", session: Session, gang: int, asked: Resources
) -> Refusal | None:
    """What may not be taken back must be deserved: allocated non-preemptible + request <= deserved; equality passes."""
    ledger = session.state.ledger
    for queue in ledger.path[session.snapshot.gang_queue[gang]]:
        held, deserved = ledger.non_preemptible[queue], rules.deserved[queue]
        for unit in range(3):
            if asked[unit] and held[unit] + asked[unit] > deserved[unit]:
                name = session.snapshot.queues[queue].name
                return Refusal(
                    Reason.OVER_QUOTA_NON_PREEMPTIBLE,
                    f"Asks for {amount(unit, asked[unit])}; the quota of {name} is {amount(unit, deserved[unit])}, and work that "
                    f"may not be interrupted holds {amount(unit, held[unit])} of it. "
                    "Only work that may be interrupted may go over the quota.",
                    numbers={
                        "asked": asked[unit],
                        "quota": deserved[unit],
                        "held_non_preemptible": held[unit],
                        "unit": unit,
                    },
                    queue=name,
                )
    return None


def above_share(rules: "FairShare", session: Session, gang: int, asked: Resources) -> Refusal:
    """The queue has its fair share: it may use what is idle, but not take from others."""
    queue = session.snapshot.gang_queue[gang]
    allocated, share = session.state.ledger.allocated[queue], rules.share[queue]
    unit = next(unit for unit in range(3) if allocated[unit] + asked[unit] > share[unit])
    name = session.snapshot.queues[queue].name
    return Refusal(
        Reason.BEHIND_OTHERS,
        f"{name} holds {amount(unit, allocated[unit])} of its fair share of {amount(unit, share[unit])}; with "
        f"{amount(unit, asked[unit])} more it would be above it, so it may not take from other projects.",
        numbers={"asked": asked[unit], "allocated": allocated[unit], "fair_share": share[unit], "unit": unit},
        queue=name,
    )


def _over_limit(session: Session, queue: int, unit: int, asked: int, limit: int, allocated: int) -> Refusal:
    name = session.snapshot.queues[queue].name
    return Refusal(
        Reason.OVER_LIMIT,
        f"Asks for {amount(unit, asked)}; the limit of {name} is {amount(unit, limit)}, of which "
        f"{amount(unit, allocated)} are in use.",
        numbers={"asked": asked, "limit": limit, "allocated": allocated, "unit": unit},
        queue=name,
    )


def amount(unit: int, value: int) -> str:
    """An amount as a person writes it: GPUs and cores in units, memory in GiB."""
    if unit == 2:
        return f"{value / 2**30:.4g} GiB of memory"
    number = f"{value / 1000:.6g}"
    if unit == 1:
        return f"{number} CPU cores"
    return f"{number} {RESOURCE_NAMES[0]}" if value == 1000 else f"{number} GPUs"
