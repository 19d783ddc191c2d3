"""Move running work together so that a waiting gang fits; nobody loses a place."""

from scheduling.engine.actions.taking import take_for_waiting
from scheduling.engine.session import Session


def consolidate(session: Session) -> None:
    """Only for preemptible gangs, only if the free GPUs of the whole pool would do, and only if everyone moved is placed again."""
    limit = session.config.max_consolidation_victims
    if limit == 0:
        return
    take_for_waiting(
        session,
        "consolidate",
        "defragmentation",
        may_try=lambda gang: session.state.is_preemptible(gang) and _free_gpus_suffice(session, gang),
        may_lose=lambda gang, victim: victim != gang,
        most_gangs=None if limit is None else limit + 1,
        everyone_stays=True,
    )


def _free_gpus_suffice(session: Session, gang: int) -> bool:
    """Fractions included: what is free on shared devices counts too."""
    return session.asked(gang).gpu_milli <= session.free_gpus.milli()
