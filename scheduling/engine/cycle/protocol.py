"""Writing down what a session decided, as a plan."""

from scheduling.engine.model.resources import Resources
from scheduling.engine.model.snapshot import NOWHERE
from scheduling.engine.model.tasks import ON_NODE, TaskState
from scheduling.engine.plan import Bind, Eviction, NodeGpus, Nomination, Plan, QueueShare
from scheduling.engine.session import Session
from scheduling.engine.transaction.positions import Position


def write_plan(session: Session) -> Plan:
    plan = Plan(shares=_shares(session))
    snapshot, state = session.snapshot, session.state
    for task, before, after in state.changed_tasks():
        _write_task(session, plan, task, before, after)
    for node in sorted(set(state.node_changes)):
        one = state.occupancy[node]
        plan.nodes[snapshot.nodes[node].name] = NodeGpus(one.idle_gpus, one.releasing_gpus)
    plan.started = [snapshot.gangs[gang].uid for gang in _started(session)]
    plan.stale = [snapshot.gangs[gang].uid for gang in session.stale_gangs]
    return plan


def _write_task(session: Session, plan: Plan, task: int, before: Position, position: Position) -> None:
    snapshot = session.snapshot
    one, gang = snapshot.tasks[task], snapshot.gangs[snapshot.task_gang[task]]
    node = snapshot.nodes[position.node].name if position.node != NOWHERE else ""
    gpu_milli = session.state.charge_of(task, position.node).gpu_milli
    if task in session.causes:
        cause = session.causes[task]
        plan.evictions.append(
            Eviction(
                task=one.uid,
                gang=gang.uid,
                node=snapshot.nodes[before.node].name if before.node != NOWHERE else one.node,
                action=cause.action,
                rule=cause.rule,
                beneficiary="" if cause.beneficiary == NOWHERE else snapshot.gangs[cause.beneficiary].uid,
                numbers=cause.numbers,
                message=cause.message,
            )
        )
    if position.state is TaskState.PIPELINED:
        moved = before.state is not TaskState.PENDING
        plan.nominations.append(Nomination(one.uid, gang.uid, node, position.groups, gpu_milli, moved))
    elif position.state is TaskState.ALLOCATED:
        opened: tuple[str, ...] = ()
        if position.groups:
            known = snapshot.occupancy[position.node].shared
            opened = tuple(group for group in position.groups if group not in known)
        why = session.reason_for_place(task, position.node)
        plan.binds.append(Bind(one.uid, gang.uid, node, position.groups, opened, gpu_milli, why))


def _started(session: Session) -> list[int]:
    """Gangs that got places now and held none before: their runtime counts from this cycle."""
    first, before, after = session.snapshot.gang_first, session.snapshot.task_state, session.state.states
    return [
        gang
        for gang in sorted(session.placed_gangs)
        if TaskState.ALLOCATED in after[first[gang] : first[gang + 1]]
        and ON_NODE.isdisjoint(before[first[gang] : first[gang + 1]])
    ]


def _shares(session: Session) -> dict[str, QueueShare]:
    return {
        queue.name: QueueShare(
            fair_share=session.fair_share[index],
            allocated=Resources(*sums.allocated),
            request=Resources(*sums.request),
        )
        for index, (queue, sums) in enumerate(
            zip(session.snapshot.queues, session.snapshot.queue_sums, strict=True)
        )
        if session.fair_share
    }
