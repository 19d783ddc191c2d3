"""Past use: counted by the hour, kept across restarts, and heard where a pool says that it counts."""

from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from cluster.labels import QUEUE
from organization.models import PoolResources
from scheduling.engine import ClusterSnapshot, SchedulerConfig
from scheduling.engine.model.gangs import Gang
from scheduling.engine.model.gpus import GpuRequest
from scheduling.engine.model.nodes import Node
from scheduling.engine.model.queues import Queue
from scheduling.engine.model.resources import Resources
from scheduling.engine.model.tasks import Task, TaskRequest, TaskState
from scheduling.models import UsageHour
from scheduling.pool_config import config_of
from scheduling.record import forget_old
from scheduling.usage import UsageMemory, by_hour
from tests.conftest import Acme
from tests.scheduling.documents import make_node, make_pod
from tests.scheduling.fake_cluster import FakeCluster

pytestmark = pytest.mark.django_db(transaction=True)

NOON = datetime(2030, 1, 1, 12, 0, tzinfo=UTC)
HOURS = 3600
GIB = 2**30
SPEECH = {"namespace": "runai-speech", "labels": {QUEUE: "speech"}}


def test_a_span_is_split_at_full_hours() -> None:
    assert list(by_hour(3000, 7300)) == [(0, 600), (3600, 3600), (7200, 100)]
    assert list(by_hour(3600, 3600)) == []


def pool_with(gpus: int) -> ClusterSnapshot:
    """The department research, whose project vision holds so many of eight GPUs."""
    running = Task("t", TaskRequest(GpuRequest(gpus), 2000, GIB), TaskState.RUNNING, node="n" if gpus else "")
    return ClusterSnapshot.build(
        nodes=[Node("n", gpus=8, cpu_milli=64_000, memory_bytes=100 * GIB)],
        queues=[Queue("research"), Queue("vision", "research"), Queue("idle", "research")],
        gangs=[Gang("g", "vision", [running] if gpus else [])],
        pool="h100",
    )


def counted(acme: Acme) -> UsageMemory:
    """Four GPUs held from noon, six from half past twelve, counted until a quarter past one."""
    memory = UsageMemory(acme.cluster)
    for minutes, gpus in ((0, 4), (30, 4), (75, 6)):
        memory.count([pool_with(gpus)], NOON + timedelta(minutes=minutes))
    return memory


def test_what_queues_held_is_counted_by_the_hour_for_all_resources_and_levels(acme: Acme) -> None:
    assert counted(acme).save() == 6, "two hours of vision, research and the pool"

    first, second = UsageHour.objects.filter(queue="vision").order_by("hour")
    assert first.hour == NOON.timestamp()
    assert first.gpu_milli_seconds == 30 * 60 * 4000 + 30 * 60 * 6000
    assert second.gpu_milli_seconds == 15 * 60 * 6000
    assert (second.cpu_milli_seconds, second.memory_mib_seconds) == (15 * 60 * 2000, 15 * 60 * 1024)
    above = UsageHour.objects.get(queue="research", hour=second.hour)
    assert above.gpu_milli_seconds == second.gpu_milli_seconds
    assert UsageHour.objects.get(queue="", hour=second.hour).gpu_milli_seconds == 15 * 60 * 8000
    assert not UsageHour.objects.filter(queue="idle").exists()


def test_the_history_is_told_in_means_and_only_where_it_counts(acme: Acme) -> None:
    memory, pool = counted(acme), acme.cluster.node_pools.get(name="h100")
    assert memory.history_of(pool).queues == {}

    pool.time_based_fair_share = True
    whole, begun = memory.history_of(pool).queues["vision"]

    assert (whole.seconds, whole.mean.gpu_milli) == (3600, 5000)
    assert (begun.seconds, begun.mean) == (900, Resources(6000, 2000, GIB))
    assert [one.mean.gpu_milli for one in memory.history_of(pool).capacity] == [8000, 8000]
    assert set(memory.history_of(pool).queues) == {"vision", "research"}


def test_a_restart_goes_on_where_it_was_written(acme: Acme) -> None:
    counted(acme).save()
    pool = acme.cluster.node_pools.get(name="h100")
    pool.time_based_fair_share = True
    after = UsageMemory(acme.cluster)
    after.load()

    after.count([pool_with(8)], NOON + timedelta(minutes=80))
    after.count([pool_with(8)], NOON + timedelta(minutes=90))
    after.save()

    second = UsageHour.objects.filter(queue="vision").latest("hour")
    assert second.gpu_milli_seconds == 15 * 60 * 6000 + 10 * 60 * 8000, "the pause is nobody's"
    assert after.history_of(pool).queues["vision"][0].mean.gpu_milli == 5000


def test_what_is_too_old_to_count_is_forgotten(acme: Acme) -> None:
    memory = counted(acme)
    memory.save()

    memory.count([pool_with(2)], NOON + timedelta(days=20))
    pool = acme.cluster.node_pools.get(name="h100")
    pool.time_based_fair_share = True
    kept = memory.history_of(pool).queues["vision"]
    assert min(one.start for one in kept) >= (NOON + timedelta(days=6)).timestamp() - HOURS

    later = NOON + timedelta(days=20)
    removed = forget_old(before=later, gone_before=later, usage_before=NOON + timedelta(minutes=30))
    assert removed["hours"] == 3


def test_the_pool_says_how_past_use_counts(acme: Acme) -> None:
    pool = acme.cluster.node_pools.get(name="h100")
    pool.usage_weight, pool.usage_window_hours, pool.usage_half_life_hours = 2.5, 48, 24
    sliding = config_of(SchedulerConfig(), pool)
    pool.usage_window_start, pool.usage_half_life_hours = NOON, 0
    tumbling = config_of(SchedulerConfig(), pool)

    assert sliding.usage_weight == 2.5
    assert sliding.options["usage_history"] == {
        "window": 48.0 * HOURS,
        "half_life": 24.0 * HOURS,
        "tumbling_start": None,
    }
    assert tumbling.options["usage_history"]["half_life"] is None
    assert tumbling.options["usage_history"]["tumbling_start"] == NOON.timestamp()


@pytest.mark.parametrize(("counts", "first"), [(False, "s-2"), (True, "v-1")])
def test_who_held_everything_lately_is_served_last(
    acme: Acme, make_runner: Any, product_clock: Any, counts: bool, first: str
) -> None:
    """Without a history the names decide between the two, so speech would go first again."""
    PoolResources.objects.update(gpu_deserved_milli=0)
    acme.cluster.node_pools.filter(name="default").update(time_based_fair_share=counts)
    cluster = FakeCluster(
        nodes=[make_node("n1", gpus=4)],
        pods=[make_pod("s-1", gpus=4, node="n1", phase="Running", **SPEECH)],
    )
    runner = make_runner(cluster)
    for _ in range(3):
        runner.run(cluster.world)
        product_clock.pass_seconds(HOURS)
    runner.close()

    cluster = FakeCluster(
        nodes=[make_node("n1", gpus=4)],
        pods=[make_pod("s-2", gpus=4, **SPEECH), make_pod("v-1", gpus=4, labels={QUEUE: "vision"})],
    )
    make_runner(cluster, "second").run(cluster.world)

    assert cluster.placed() == {first: "n1"}
