"""Celery entries of the scheduler; both run in the one-thread worker of the queue `scheduling`, or in `default`."""

from datetime import timedelta

from celery import shared_task

from cluster import clock
from organization.services.node_pools import USAGE_HOURS_AT_MOST
from scheduling.record import forget_old
from scheduling.watching import WATCHES

CYCLES_KEPT = timedelta(days=14)
GANGS_KEPT = timedelta(days=8)
USAGE_KEPT = timedelta(hours=USAGE_HOURS_AT_MOST + 24)


@shared_task(name="scheduling.tick", ignore_result=True, acks_late=False)
def tick() -> None:
    """Run what is due. Not acknowledged late: a tick that was lost with its worker is followed by the next one."""
    if WATCHES.running:
        WATCHES.run_due_cycles()


@shared_task(name="scheduling.forget_old_cycles", ignore_result=True)
def forget_old_cycles() -> None:
    """Cycles and decisions are kept 14 days of product time, gangs that are gone 8 days (for what they asked for), use 15 days."""
    now = clock.now()
    forget_old(before=now - CYCLES_KEPT, gone_before=now - GANGS_KEPT, usage_before=now - USAGE_KEPT)
