"""Why a unit was taken: the rule, the numbers that justify it, and a sentence for the one who lost it."""

from scheduling.engine.session import Cause, Session
from scheduling.engine.solver.scenario import Scenario
from scheduling.engine.solver.taken import Unit


def cause_of(session: Session, solution: Scenario, unit: Unit, rule: str) -> Cause:
    """By action: reclaim compares queues, preempt priorities, consolidate only moves."""
    gangs = session.snapshot.gangs
    winner, loser = gangs[solution.beneficiary], gangs[unit.gang]
    name = winner.name or winner.uid
    if solution.action == "reclaim" and session.fair_share:
        return _reclaimed(session, solution, unit, name)
    if solution.action == "preempt":
        return Cause(
            solution.action,
            rule,
            solution.beneficiary,
            {"priority": loser.priority, "beneficiary_priority": winner.priority},
            f"Preempted by {name} of the same project: its priority is {winner.priority}, this one's {loser.priority}.",
        )
    return Cause(
        solution.action,
        rule,
        solution.beneficiary,
        {"asked_gpu_milli": solution.asked.gpu_milli},
        f"Moved to another place so that {name} fits; nobody loses a place by it.",
    )


def _reclaimed(session: Session, solution: Scenario, unit: Unit, name: str) -> Cause:
    """The two queues just below the lowest common ancestor, as they stood before, in the resource that was exceeded most."""
    mine, theirs = _meeting_queues(session, solution.queue, unit.queue)
    queues = session.snapshot.queues
    held, share = solution.allocated[theirs], session.fair_share[theirs]
    deserved = queues[theirs].deserved
    over = [
        resource for resource in range(3) if held[resource] > max(share[resource], deserved[resource] or 0)
    ]
    rule = "over-fair-share" if over else "guaranteed-quota"
    resource = next(iter(over or [one for one in range(3) if _exceeds(held[one], deserved[one])]), 0)
    line = share[resource] if over else deserved[resource] or 0
    numbers = {
        "unit": resource,
        "allocated": held[resource],
        "deserved": -1 if deserved[resource] is None else deserved[resource] or 0,
        "fair_share": share[resource],
        "beneficiary_allocated": solution.allocated[mine][resource],
        "beneficiary_fair_share": session.fair_share[mine][resource],
        "asked": solution.asked[resource],
    }
    what = "fair share" if over else "quota"
    message = (
        f"Reclaimed for {name} of {queues[solution.queue].name}: {queues[theirs].name} held {_amount(resource, held[resource])}, "
        f"its {what} is {_amount(resource, line)}; {queues[mine].name} held "
        f"{_amount(resource, solution.allocated[mine][resource])} of its fair share of "
        f"{_amount(resource, session.fair_share[mine][resource])}."
    )
    return Cause(solution.action, rule, solution.beneficiary, numbers, message)


def _exceeds(amount: int, bound: int | None) -> bool:
    return bound is not None and amount > bound


def _meeting_queues(session: Session, one: int, other: int) -> tuple[int, int]:
    paths = session.state.ledger.path
    pairs = zip(reversed(paths[one]), reversed(paths[other]), strict=False)
    return next((pair for pair in pairs if pair[0] != pair[1]), (one, other))


def _amount(resource: int, value: int) -> str:
    if resource == 2:
        return f"{value / 2**30:.4g} GiB of memory"
    return f"{value / 1000:g} {'GPUs' if resource == 0 else 'CPU cores'}"
