"""Inside a queue the more important workload may take the place of a less important one."""

from scheduling.engine.actions.taking import take_for_waiting
from scheduling.engine.session import Session


def preempt(session: Session) -> None:
    """Victims are preemptible gangs of the same queue with a strictly lower priority."""
    snapshot = session.snapshot
    queue_of, gangs = snapshot.gang_queue, snapshot.gangs
    take_for_waiting(
        session,
        "preempt",
        "priority",
        takes_from=lambda gang, queue: queue == queue_of[gang],
        may_lose=lambda gang, victim: gangs[victim].priority < gangs[gang].priority,
    )
