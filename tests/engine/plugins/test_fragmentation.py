"""The fragmentation strategy keeps free GPUs usable for what the pool is usually asked for."""

from dataclasses import replace
from typing import Any

from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from scheduling.engine import ClusterSnapshot, SchedulerConfig, run_cycle
from scheduling.engine.config import DEFAULT_PLUGINS
from scheduling.engine.model.changes import with_newcomer
from scheduling.engine.model.demand import Demand
from scheduling.engine.model.gangs import Gang
from scheduling.engine.model.gpus import NO_GPU, GpuRequest
from scheduling.engine.model.nodes import Node
from scheduling.engine.model.queues import Queue
from scheduling.engine.model.resources import Bounds
from scheduling.engine.model.tasks import Task, TaskRequest, TaskState
from scheduling.engine.plan import Plan
from scheduling.engine.plugins.fragmentation.measure import Measure, NodeState
from scheduling.engine.plugins.fragmentation.prior import PRIOR_TASKS, Beside, demand_of
from scheduling.engine.plugins.fragmentation.waste import expected_waste
from tests.engine.world import GB, NOON, read_scenario

PLUGINS = (*(name for name in DEFAULT_PLUGINS if name != "bin_packing"), "fragmentation")
OPTIONS: dict[str, dict[str, Any]] = {"gpu_sharing": {"devices": "", "join": False}}
CONFIG = SchedulerConfig(actions=("allocate",), plugins=PLUGINS, options=OPTIONS)
PACKING = SchedulerConfig(actions=("allocate",))
AT_ANY_SPEED = settings(deadline=None, max_examples=60, suppress_health_check=[HealthCheck.too_slow])
MEMORY = 80_000
PLENTY = Beside(1_000_000, 10**13)


def asked(*kinds: tuple[int, int, int, int], tasks: int = PRIOR_TASKS) -> Demand:
    """(devices, thousandths of each, cores, GB), each as often."""
    return demand_of((request(*kind), tasks) for kind in kinds)


def request(devices: int, milli: int = 1000, cores: int = 0, gigabytes: int = 0) -> TaskRequest:
    gpu = GpuRequest(devices, milli) if devices else NO_GPU
    return TaskRequest(gpu, cores * 1000, gigabytes * GB)


def places(text: str, demand: Demand, config: SchedulerConfig = CONFIG) -> dict[str, str]:
    scenario = read_scenario(text)
    snapshot = replace(scenario.snapshot(), demand=demand)
    return {one.task: one.node for one in run_cycle(snapshot, config, NOON).binds}


def test_a_node_of_many_cores_is_kept_for_tasks_that_need_them() -> None:
    """Bin packing sees two equally full nodes and takes the first name; here only the second would lose nothing."""
    world = """
        node a: 2 gpus, 64 cpus
        node b: 2 gpus, 8 cpus
        queue vision: quota 4
        pending small in vision: 1 gpu, 1 cpus
    """
    demand = asked((1, 1000, 24, 0), (1, 1000, 1, 0))
    assert places(world, demand, PACKING) == {"small-0": "a"}
    assert places(world, demand) == {"small-0": "b"}


def test_work_without_gpus_leaves_cores_beside_free_gpus() -> None:
    world = """
        node a: 8 gpus, 64 cpus
        node b: 8 gpus, 128 cpus
        queue vision: quota 8
        pending service in vision: 0 gpus, 32 cpus
    """
    demand = asked((1, 1000, 8, 0))
    assert places(world, demand, PACKING) == {"service-0": "a"}
    assert places(world, demand) == {"service-0": "b"}


def test_a_share_joins_the_device_whose_rest_others_ask_for() -> None:
    """Beside 0.5 it leaves 0.2, which others ask for; beside 0.6, the fuller device, 0.1 that nobody asks for."""
    world = """
        node a: 2 gpus of 100 GB
        queue vision: quota 8
        running half in vision: 0.5 gpu on a/g1
        running more in vision: 0.6 gpu on a/g2
        pending share in vision: 0.3 gpu
    """
    scenario = read_scenario(world)
    snapshot = replace(scenario.snapshot(), demand=asked((1, 300, 0, 0), (1, 200, 0, 0), (1, 700, 0, 0)))
    (bind,) = run_cycle(snapshot, CONFIG, NOON).binds
    assert bind.gpu_groups == ("g1",)
    (packed,) = run_cycle(snapshot, PACKING, NOON).binds
    assert packed.gpu_groups == ("g2",)


def test_whole_nodes_are_kept_where_whole_nodes_are_asked_for() -> None:
    world = """
        node a: 8 gpus
        node b: 8 gpus
        node c: 8 gpus
        queue vision: quota 24
        running first in vision: 3 gpus on b
        pending next in vision: 1 gpu
    """
    assert places(world, asked((8, 1000, 0, 0), (1, 1000, 0, 0))) == {"next-0": "b"}


def test_a_new_pool_goes_by_the_prior() -> None:
    """Nothing is known yet: whole nodes are kept all the same."""
    world = """
        node a: 8 gpus, 128 cpus
        node b: 8 gpus, 128 cpus
        queue vision: quota 16
        running first in vision: 3 gpus on b, 30 cpus
        pending next in vision: 1 gpu, 8 cpus
    """
    assert places(world, Demand()) == {"next-0": "b"}


def test_the_prior_does_not_ask_for_more_cores_than_nodes_have() -> None:
    """Else no whole node would seem of use to anybody, and none would be kept."""
    world = """
        node a: 8 gpus, 32 cpus
        node b: 8 gpus, 32 cpus
        queue vision: quota 16
        running first in vision: 3 gpus on b, 6 cpus
        pending next in vision: 1 gpu, 2 cpus
    """
    assert places(world, Demand()) == {"next-0": "b"}


def test_the_plan_says_what_a_place_keeps() -> None:
    scenario = read_scenario("""
        node a: 8 gpus
        node b: 8 gpus
        node c: 8 gpus
        queue vision: quota 24
        pending next in vision: 1 gpu
    """)
    snapshot = replace(scenario.snapshot(), demand=asked((8, 1000, 0, 0), (1, 1000, 0, 0)))
    (bind,) = run_cycle(snapshot, CONFIG, NOON).binds
    assert bind.why == "Placed on node a: it keeps 2 nodes able to take 8 GPUs."
    (packed,) = run_cycle(snapshot, PACKING, NOON).binds
    assert packed.why == ""


def test_a_node_without_the_cores_is_not_said_to_take_more() -> None:
    """Node c has eight free GPUs and cores for none of the usual requests of eight."""
    scenario = read_scenario("""
        node a: 8 gpus, 64 cpus
        node b: 8 gpus, 64 cpus
        node c: 8 gpus, 64 cpus
        queue vision: quota 24
        running service in vision: 0 gpus on c, 60 cpus
        pending next in vision: 1 gpu, 1 cpus
    """)
    snapshot = replace(scenario.snapshot(), demand=asked((8, 1000, 32, 0), (1, 1000, 1, 0)))
    (bind,) = run_cycle(snapshot, CONFIG, NOON).binds
    assert bind.node == "c"
    assert bind.why == "Placed on node c: it keeps 2 nodes able to take 8 GPUs."


def test_of_several_placed_together_each_says_what_all_of_them_keep() -> None:
    scenario = read_scenario("""
        node a: 8 gpus
        node b: 8 gpus
        node c: 8 gpus
        queue vision: quota 24
        pending next in vision: 1 gpu
        pending pair in vision: 2 x 8 gpus
    """)
    snapshot = replace(scenario.snapshot(), demand=asked((8, 1000, 0, 0), (1, 1000, 0, 0)))
    said = {bind.why.split(": ", 1)[1] for bind in run_cycle(snapshot, CONFIG, NOON).binds}
    assert said == {"after this cycle 1 node is still able to take 1 GPU."}


def test_nodes_without_gpus_are_packed_or_spread_by_their_cores() -> None:
    world = """
        node a: 64 cpus
        node b: 64 cpus
        queue vision: quota 8
        running first in vision: 0 gpus on b, 8 cpus
        pending service in vision: 0 gpus, 8 cpus
    """
    assert places(world, Demand()) == {"service-0": "b"}
    spread = replace(CONFIG, options={**OPTIONS, "fragmentation": {"cpu": "spread"}})
    assert places(world, Demand(), spread) == {"service-0": "a"}


def test_the_waste_of_a_device_is_what_nobody_asks_for() -> None:
    waste = expected_waste({1000: 1.0, 400: 1.0})
    assert waste[0] == 0
    assert waste[399] == 399
    assert waste[400] == 0
    assert waste[900] == 100  # two of 400
    assert 0 < waste[1000] < 20  # a whole one nearly always, when the best of four draws is taken


def test_what_is_lost_counts_cores_that_are_lacking() -> None:
    """Four free GPUs, cores for two of them: beside every core-hungry task's two GPUs nothing more will run."""
    measure = Measure(asked((1, 1000, 10, 0)), MEMORY, PLENTY)
    plenty = measure.lost(NodeState(40_000, 0, 4, ()))
    scarce = measure.lost(NodeState(20_000, 0, 4, ()))
    none = measure.lost(NodeState(0, 0, 4, ()))
    assert plenty == 0
    assert scarce == 2000
    assert none == 8000  # nobody can use the four now, and nobody will


AMOUNTS = st.tuples(
    st.sampled_from([0, 1, 1, 1, 2, 4]),
    st.sampled_from([1000, 1000, 810, 500, 470, 250, 100]),
    st.integers(0, 24),
    st.integers(0, 64),
)


@st.composite
def pools(draw: st.DrawFn) -> tuple[list[Node], list[Gang], Demand]:
    nodes = [
        Node(
            f"n{number}",
            gpus=draw(st.sampled_from([0, 1, 2, 4, 8])),
            cpu_milli=draw(st.integers(1, 96)) * 1000,
            memory_bytes=draw(st.integers(1, 256)) * GB,
            gpu_memory_mib=draw(st.sampled_from([16_000, 80_000])),
        )
        for number in range(draw(st.integers(1, 5)))
    ]
    wishes = draw(st.lists(AMOUNTS, min_size=1, max_size=12))
    gangs = [
        Gang(f"g{number:02d}", "all", [Task(f"g{number:02d}-0", wish(kind))], created_at=float(number))
        for number, kind in enumerate(wishes)
    ]
    seen = demand_of(
        (wish(kind), count)
        for kind, count in draw(st.lists(st.tuples(AMOUNTS, st.integers(1, 90)), max_size=5))
    )
    return nodes, gangs, seen


def wish(kind: tuple[int, int, int, int]) -> TaskRequest:
    devices, milli, cores, gigabytes = kind
    return request(devices, milli if devices == 1 else 1000, cores, gigabytes)


def decide(nodes: list[Node], gangs: list[Gang], demand: Demand) -> Plan:
    everything = Queue("all", deserved=Bounds(None, None, None))
    snapshot = ClusterSnapshot.build(nodes=nodes, queues=[everything], gangs=gangs, demand=demand)
    return run_cycle(snapshot, CONFIG, NOON)


@AT_ANY_SPEED
@given(pools(), st.randoms(use_true_random=False))
def test_the_same_pool_always_gives_the_same_plan(world: Any, chance: Any) -> None:
    nodes, gangs, demand = world
    shuffled = list(nodes), list(gangs)
    for one in shuffled:
        chance.shuffle(one)
    mixed = list(demand.shapes)
    chance.shuffle(mixed)
    first = decide(nodes, gangs, demand)
    assert first == decide(nodes, gangs, demand)
    assert first == decide(*shuffled, demand_of((shape.request, shape.tasks) for shape in mixed))


@AT_ANY_SPEED
@given(pools())
def test_what_fits_is_never_refused(world: Any) -> None:
    """Whoever waits after the plan fits on no node as the plan leaves it."""
    nodes, gangs, demand = world
    plan = decide(nodes, gangs, demand)
    places = {one.task: one for one in plan.binds}
    running = [
        replace(
            gang,
            tasks=[
                replace(
                    task,
                    state=TaskState.RUNNING,
                    node=places[task.uid].node,
                    gpu_groups=places[task.uid].gpu_groups,
                )
                if task.uid in places
                else task
                for task in gang.tasks
            ],
        )
        for gang in gangs
    ]
    assert decide(nodes, running, demand).binds == []


@AT_ANY_SPEED
@given(pools())
def test_as_much_is_never_lost_as_would_be_with_everything_lost_twice(world: Any) -> None:
    """Each part of the measure is between nothing and all that is free."""
    nodes, _, demand = world
    measure = Measure(demand, MEMORY, PLENTY)
    for node in nodes:
        for rooms in ((), (190,), (30, 500)):
            free = node.gpus * 1000 + sum(rooms)
            lost = measure.lost(NodeState(node.cpu_milli, node.memory_bytes, node.gpus, rooms))
            assert -1e-6 <= lost <= 2 * free + 1e-6


def test_a_gang_from_another_pool_finds_this_one_asked_for_the_same() -> None:
    """What would happen in another pool must be decided by what that pool is asked for."""
    pool = ClusterSnapshot.build(nodes=[Node("a", gpus=8)], demand=asked((8, 1000, 0, 0)))
    newcomer = Gang("new", "vision", [Task("new-0", request(1))])

    assert with_newcomer(pool, newcomer).demand is pool.demand
