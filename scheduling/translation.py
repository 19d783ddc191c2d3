"""A plan in the engine's words -> effects on pods, and the decisions to record."""

from collections.abc import Mapping
from dataclasses import dataclass, field

from cluster.labels import WORKLOAD_NAME
from scheduling.engine import Plan
from scheduling.engine.plan import Eviction, Refusal
from scheduling.eviction_words import Parties, eviction_sentence
from scheduling.executor import Binding, Removal
from scheduling.explanations import eviction_document
from scheduling.grouping import Group
from scheduling.models import Decision, Outcome, Verdict
from scheduling.reader import PoolReading


@dataclass
class Effects:
    """What is to be done to pods; `bound_pods` maps a gang to the pods it gets places for."""

    removals: list[Removal] = field(default_factory=list)
    bindings: list[Binding] = field(default_factory=list)
    bound_pods: dict[str, list[str]] = field(default_factory=dict)
    started: set[str] = field(default_factory=set)
    warnings: list[str] = field(default_factory=list)


def effects_of(plan: Plan, reading: PoolReading, *, evictions_at_most: int | None) -> Effects:
    """Evictions beyond the limit are not done at all: a wrong quota must not empty a cluster."""
    effects = Effects(started=set(plan.started))
    if evictions_at_most is not None and len(plan.evictions) > evictions_at_most:
        effects.warnings.append(
            f"the plan evicts {len(plan.evictions)} pods and at most {evictions_at_most} are allowed: none is evicted"
        )
    else:
        effects.removals = [_removal(one, reading) for one in plan.evictions]
    for bind in plan.binds:
        effects.bindings.append(Binding(reading.pods[bind.task], bind.node, bind.why))
        effects.bound_pods.setdefault(bind.gang, []).append(bind.task)
    return effects


def _removal(eviction: Eviction, reading: PoolReading) -> Removal:
    """The sentence goes to the owner of the pod; the decision record keeps the engine's own, which names everyone."""
    parties = parties_of(eviction, reading)
    sentence = eviction_sentence(eviction, parties, reading.snapshot.queues)
    beneficiary = parties.gainer if parties.is_one_project else ""
    note = eviction_document(eviction, sentence=sentence, beneficiary=beneficiary)
    return Removal(reading.pods[eviction.task], note, sentence)


def parties_of(eviction: Eviction, reading: PoolReading) -> Parties:
    gainer = reading.groups.get(eviction.beneficiary)
    return Parties(
        pool=reading.pool.name,
        loser_queue=reading.groups[eviction.gang].membership.queue,
        gainer_queue=gainer.membership.queue if gainer else "",
        gainer=shown_name(gainer) if gainer else "",
    )


def shown_name(group: Group) -> str:
    """As its people call it: the workload's name, where it has one; a pod of a Job is a gang of its own with the pod's name."""
    names = (pod.labels.get(WORKLOAD_NAME) for pod in group.members)
    return next((name for name in names if name), group.membership.name)


def decisions_of(plan: Plan, reading: PoolReading, effects: Effects, number: int) -> list[Decision]:
    """Bindings and evictions as intended."""
    decisions = []
    for bind in plan.binds:
        decision = _decision(reading, bind.gang, Verdict.BIND, number, pod=bind.task, node=bind.node)
        decision.message = bind.why[:1000]
        decision.numbers = {"gpu_milli": bind.gpu_milli}
        decisions.append(decision)
    if effects.removals:
        for eviction in plan.evictions:
            decision = _decision(
                reading, eviction.gang, Verdict.EVICT, number, pod=eviction.task, node=eviction.node
            )
            decision.reason, decision.message = eviction.rule[:80], eviction.message[:1000]
            decision.numbers = {**eviction.numbers, "action": eviction.action, "for": eviction.beneficiary}
            decisions.append(decision)
    return decisions


def waits_of(refusals: Mapping[str, Refusal], reading: PoolReading, number: int) -> list[Decision]:
    """One for each gang (by uid) that waits for a new reason."""
    decisions = []
    for uid, refusal in sorted(refusals.items()):
        decision = _decision(reading, uid, Verdict.WAIT, number)
        decision.outcome = Outcome.DONE
        decision.reason, decision.message = str(refusal.reason)[:80], refusal.message[:1000]
        decision.numbers = {**refusal.numbers, "tally": dict(refusal.tally)}
        decisions.append(decision)
    return decisions


def _decision(
    reading: PoolReading, gang: str, verdict: Verdict, number: int, *, pod: str = "", node: str = ""
) -> Decision:
    membership = reading.groups[gang].membership
    facts = reading.pods.get(pod)
    return Decision(
        verdict=verdict,
        outcome=Outcome.INTENDED,
        owner_uid=membership.key.owner_uid[:64],
        gang=membership.name[:253],
        queue=membership.queue[:63],
        pod_uid=pod,
        pod=f"{facts.namespace}/{facts.name}" if facts else "",
        node=node,
        lease_transitions=number,
    )
