"""Give a queue its fair share at the expense of queues above theirs."""

from scheduling.engine.actions.taking import take_for_waiting
from scheduling.engine.session import Session


def reclaim(session: Session) -> None:
    """Victims come from other queues; priority across queues does not matter."""
    queue_of = session.snapshot.gang_queue
    take_for_waiting(
        session,
        "reclaim",
        "fair-share",
        takes_from=lambda gang, queue: queue != queue_of[gang],
    )
