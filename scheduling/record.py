"""Writes the record of a cycle: its decisions before their effects, what became of them after."""

from collections.abc import Mapping
from datetime import datetime

from django.db import transaction
from django.utils import timezone

from organization.models import Cluster, NodePool
from scheduling.models import (
    Cycle,
    Decision,
    GangState,
    Outcome,
    PoolScheduler,
    QueueShare,
    UsageHour,
)


def write_intentions(cycle: Cycle, decisions: list[Decision]) -> None:
    """One transaction before anything is touched: after a crash the record says what may have happened."""
    with transaction.atomic():
        cycle.save(force_insert=True)
        for decision in decisions:
            decision.cycle = cycle
        Decision.objects.bulk_create(decisions, batch_size=200)


def write_waits(cycle: Cycle, decisions: list[Decision]) -> None:
    """Who waits for a new reason; the cycle is written with them when it did nothing else."""
    with transaction.atomic():
        if not cycle.pk:
            cycle.save(force_insert=True)
        for decision in decisions:
            decision.cycle = cycle
        Decision.objects.bulk_create(decisions, batch_size=200)


def write_outcomes(
    cycle: Cycle, decisions: list[Decision], *, done: set[str], failed: Mapping[str, str]
) -> None:
    """By pod uid; what was neither stays `Intended`."""
    finished, refused = [], []
    for decision in decisions:
        if decision.pod_uid in done:
            decision.outcome = Outcome.DONE
            finished.append(decision.pk)
        elif decision.pod_uid in failed:
            decision.outcome, decision.error = Outcome.FAILED, failed[decision.pod_uid][:500]
            refused.append(decision)
    with transaction.atomic():
        _write_done(finished)
        Decision.objects.bulk_update(refused, ["outcome", "error"], batch_size=200)
        cycle.save(force_update=True)


def _write_done(ids: list[int]) -> None:
    for start in range(0, len(ids), 500):
        Decision.objects.filter(pk__in=ids[start : start + 500]).update(outcome=Outcome.DONE)


def write_standing(
    cluster: Cluster,
    pool: str,
    *,
    holder: str,
    transitions: int,
    duration_ms: float = 0,
    waiting: int = 0,
    running: int = 0,
    error: str = "",
) -> None:
    """How the scheduler of a pool stands, in real time, for the page that says whether it lives."""
    values = {
        "holder": holder[:200],
        "lease_transitions": transitions,
        "last_duration_ms": duration_ms,
        "waiting_gangs": waiting,
        "running_gangs": running,
        "error": error[:1000],
    }
    if not error:
        values["last_cycle_at"] = timezone.now()
    if not PoolScheduler.objects.filter(cluster=cluster, pool=pool).update(**values):
        PoolScheduler.objects.create(cluster=cluster, pool=pool, **values)


def write_shares(cluster: Cluster, pool: str, shares: Mapping[str, int]) -> None:
    """Queue -> thousandths of a GPU: exactly these queues are in the pool."""
    with transaction.atomic():
        rows = [
            QueueShare(cluster=cluster, pool=pool, queue=queue, fair_share_gpu_milli=max(0, milli))
            for queue, milli in shares.items()
        ]
        QueueShare.objects.bulk_create(
            rows,
            batch_size=500,
            update_conflicts=True,
            unique_fields=["cluster", "pool", "queue"],
            update_fields=["fair_share_gpu_milli"],
        )
        QueueShare.objects.filter(cluster=cluster, pool=pool).exclude(queue__in=list(shares)).delete()


def write_free_gpus(pool: NodePool, free: Mapping[str, int]) -> None:
    """For the page of the pool, which asks no cluster; written only when it changed."""
    if pool.free_gpus != free:
        pool.free_gpus = dict(free)
        NodePool.objects.filter(pk=pool.pk).update(free_gpus=pool.free_gpus)


def forget_old(*, before: datetime, gone_before: datetime, usage_before: datetime) -> dict[str, int]:
    """Delete cycles with their decisions before one product moment, gangs gone and hours of use before others; how many rows."""
    removed = {
        "cycles": 0,
        "gangs": GangState.objects.filter(gone_at__lt=gone_before).delete()[0],
        "hours": UsageHour.objects.filter(hour__lt=usage_before.timestamp()).delete()[0],
    }
    while ids := list(Cycle.objects.filter(at__lt=before).values_list("pk", flat=True)[:500]):
        removed["cycles"] += Cycle.objects.filter(pk__in=ids).delete()[
            0
        ]  # in pieces: one writer must not wait long
    return removed


def write_trouble(cluster: Cluster, sentence: str) -> None:
    """Nothing is scheduled in this cluster now: said on all its pools, whose last cycle stays as it was."""
    PoolScheduler.objects.filter(cluster=cluster).update(error=sentence[:1000])
