"""What a pool is usually asked for reaches the engine, and its free GPUs reach the page."""

from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest

from cluster.labels import QUEUE
from organization.models import NodePool
from scheduling.demand import asked_of, pool_demand
from scheduling.engine import SchedulerConfig
from scheduling.engine.model.demand import AskedShape
from scheduling.engine.model.gangs import Gang
from scheduling.engine.model.gpus import GpuRequest
from scheduling.engine.model.tasks import Task, TaskRequest
from scheduling.free_gpus import free_gpus
from scheduling.grouping import GangKey, Membership
from scheduling.memory import GangMemory
from scheduling.models import Decision, GangState
from scheduling.placement import with_placement
from scheduling.pool_config import config_of
from scheduling.record import write_free_gpus
from tests.engine.world import read_scenario
from tests.scheduling.documents import make_node, make_pod
from tests.scheduling.fake_cluster import FakeCluster

NOON = datetime(2026, 5, 4, 12, tzinfo=UTC)
EIGHT = TaskRequest(GpuRequest(8), 64_000, 10**9)
HALF = TaskRequest(GpuRequest(1, 500), 4000, 10**9)
BY_MEMORY = TaskRequest(GpuRequest(1, memory_mib=20_000), 1000, 0)
CORES = TaskRequest(cpu_milli=2000)


def gang(uid: str, *requests: TaskRequest) -> Gang:
    return Gang(uid, "vision", [Task(f"{uid}-{number}", one) for number, one in enumerate(requests)])


def membership(uid: str) -> Membership:
    return Membership(
        key=key_of(uid),
        name=uid,
        minimums=(("", 1),),
        priority=50,
        preemptible=None,
        created_at=0.0,
        queue="vision",
        pools=(),
    )


def key_of(uid: str) -> GangKey:
    return GangKey(uid, "")


def test_what_a_gang_asked_for_is_kept_and_read_back() -> None:
    kept = [asked_of(gang("a", EIGHT, EIGHT, HALF)), asked_of(gang("b", BY_MEMORY, CORES, HALF))]
    found = pool_demand(kept)
    assert set(found.shapes) == {
        AskedShape(EIGHT, 2),
        AskedShape(HALF, 2),
        AskedShape(BY_MEMORY, 1),
        AskedShape(CORES, 1),
    }
    assert found == pool_demand(reversed(kept))


@pytest.mark.django_db
def test_a_pool_remembers_a_week_of_what_it_was_asked_for(acme) -> None:
    memory = GangMemory(acme.cluster)
    for uid, days, pool, request in (
        ("old", 0, "h100", EIGHT),
        ("new", 8, "h100", HALF),
        ("elsewhere", 8, "a100", CORES),
    ):
        memory.meet(membership(uid), pool, NOON + timedelta(days=days))
        memory.note_asked(key_of(uid), asked_of(gang(uid, request)))
    memory.save()
    for one in (memory, GangMemory(acme.cluster)):  # also after a restart
        assert one.demand_of("h100").shapes == (AskedShape(HALF, 1),)
        assert one.demand_of("a100").shapes == (AskedShape(CORES, 1),)
        assert one.demand_of("default").shapes == ()


@pytest.mark.django_db
def test_the_strategy_of_the_pool_is_the_engines(acme) -> None:
    pool = acme.cluster.node_pools.get(name="h100")
    pool.gpu_placement = "fragmentation"
    config = config_of(SchedulerConfig(), pool)
    assert "fragmentation" in config.plugins
    assert "bin_packing" not in config.plugins
    assert "consolidate" in config.actions
    assert config.options["gpu_sharing"] == {"devices": "", "join": False}


def test_packing_stays_what_it_was() -> None:
    packed = with_placement(SchedulerConfig(), gpu="binpack", cpu="binpack")
    assert set(packed.plugins) == set(SchedulerConfig().plugins)
    assert packed.options["bin_packing"] == {"gpu": True, "cpu": True}
    assert packed.options["gpu_sharing"] == {"devices": "pack", "join": True}
    assert packed.actions == SchedulerConfig().actions


def test_what_is_spread_is_not_moved_together() -> None:
    for gpu, cpu in (("spread", "binpack"), ("fragmentation", "spread")):
        assert "consolidate" not in with_placement(SchedulerConfig(), gpu=gpu, cpu=cpu).actions
    with pytest.raises(ValueError, match="tetris"):
        with_placement(SchedulerConfig(), gpu="tetris", cpu="spread")


def test_free_gpus_are_counted_by_who_could_use_them() -> None:
    """a: 8 whole ones; b: 3 whole ones and 0.4 beside a 0.6; c takes no work."""
    snapshot = read_scenario("""
        node a: 8 gpus of 100 GB
        node b: 5 gpus of 100 GB
        node c: 8 gpus of 100 GB, cordoned
        queue vision: quota 20
        running part in vision: 0.6 gpu on b/g1
        running one in vision: 1 gpu on b
    """).snapshot()
    plain = with_typical(snapshot, TaskRequest(GpuRequest(1), 0, 0))
    assert free_gpus(plain) == {"free": 11_400, "8000": 8000, "4000": 8000, "1000": 11_000, "500": 11_000}


def test_free_gpus_without_cores_are_of_no_use() -> None:
    snapshot = read_scenario("""
        node a: 8 gpus, 80 cpus
        queue vision: quota 20
        running hungry in vision: 0 gpus on a, 50 cpus
    """).snapshot()
    asked = with_typical(
        snapshot, TaskRequest(GpuRequest(8), 64_000, 0), TaskRequest(GpuRequest(1), 10_000, 0)
    )
    assert free_gpus(asked) == {"free": 8000, "8000": 0, "4000": 8000, "1000": 3000, "500": 8000}


def with_typical(snapshot, *requests):
    return replace(
        snapshot, demand=pool_demand([[[100, *one.gpu, one.cpu_milli, one.memory_bytes]] for one in requests])
    )


@pytest.mark.django_db
def test_the_page_gets_what_the_scheduler_saw(acme, django_assert_num_queries) -> None:
    pool = acme.cluster.node_pools.get(name="h100")
    write_free_gpus(pool, {"free": 8000, "8000": 0})
    assert NodePool.objects.get(pk=pool.pk).free_gpus == {"free": 8000, "8000": 0}
    with django_assert_num_queries(0):
        write_free_gpus(pool, {"free": 8000, "8000": 0})


@pytest.mark.django_db(transaction=True)
def test_a_pool_that_minds_fragmentation_says_what_a_place_keeps(acme, make_runner) -> None:
    NodePool.objects.filter(name="default").update(gpu_placement="fragmentation")
    nodes = [make_node(name, gpus=8) for name in ("n1", "n2", "n3")]
    pods = [make_pod("train-0", gpus=2, labels={QUEUE: "vision"})]
    cluster = FakeCluster(nodes=nodes, pods=pods)
    runner = make_runner(cluster)
    runner.run(cluster.world)
    runner.close()  # what was to be told is told
    assert cluster.placed() == {"train-0": "n1"}
    told = [event["note"] for event in cluster.objects["events"].values() if event["reason"] == "Scheduled"]
    assert told == [
        "Successfully assigned runai-vision/train-0 to n1. Placed on node n1: it keeps 2 nodes able to take 8 GPUs."
    ]
    assert Decision.objects.get().message == "Placed on node n1: it keeps 2 nodes able to take 8 GPUs."
    assert GangState.objects.get().asked[0][:3] == [1, 2, 1000]
    seen = NodePool.objects.get(name="default").free_gpus
    assert (seen["free"], seen["1000"]) == (24_000, 24_000)
