"""A snapshot that follows from the one before says what a snapshot built from nothing says."""

import random
from dataclasses import fields, replace
from typing import Any

from hypothesis import given, settings
from hypothesis import strategies as st

from scheduling.engine.model.constraints import Constraints, PodAffinityTerm
from scheduling.engine.model.following import following
from scheduling.engine.model.gangs import Gang
from scheduling.engine.model.nodes import ForeignUse, Node
from scheduling.engine.model.occupancy import Occupancy
from scheduling.engine.model.snapshot import ClusterSnapshot
from scheduling.engine.model.tasks import Task, TaskState
from tests.engine.laws.worlds import SIZES, World, random_world


def told(snapshot: ClusterSnapshot) -> dict[str, Any]:
    """Every field of it; what is taken on nodes as numbers."""
    shown = {one.name: getattr(snapshot, one.name) for one in fields(snapshot)}
    return shown | {"occupancy": [_sums(one) for one in snapshot.occupancy]}


def _sums(one: Occupancy) -> dict[str, Any]:
    shown = {name: getattr(one, name) for name in Occupancy.__slots__}
    devices = {name: (it.held, it.leaving, it.promised) for name, it in one.shared.items()}
    return shown | {"shared": devices, "extended": {name: it for name, it in one.extended.items() if any(it)}}


def earlier(world: World, rng: random.Random) -> World:
    """A world that a few changes lead to this one from."""
    gangs = list(world.gangs)
    for _ in range(rng.randint(1, 1 + len(gangs) // 10)):
        place = rng.randrange(len(gangs))
        match rng.randrange(3):
            case 0:
                del gangs[place]
            case 1:
                gangs[place] = _elsewhere(gangs[place], world.nodes, rng)
            case _:
                gangs.append(replace(_elsewhere(gangs[place], world.nodes, rng), uid=f"gone-{len(gangs)}"))
        if not gangs:
            break
    nodes = [_otherwise(node, rng) if rng.random() < 0.2 else node for node in world.nodes]
    return replace(world, gangs=gangs, nodes=nodes)


def _elsewhere(gang: Gang, nodes: list[Node], rng: random.Random) -> Gang:
    """With other states, places and amounts; now and then one that looks at others' labels."""
    near = Constraints(pod_affinity=(PodAffinityTerm("host"),)) if rng.random() < 0.05 else None

    def moved(task: Task) -> Task:
        holds = rng.random() < 0.5
        state = rng.choice([TaskState.RUNNING, TaskState.RELEASING]) if holds else TaskState.PENDING
        node = rng.choice(nodes).name if holds and nodes else ""
        request = replace(task.request, cpu_milli=rng.choice([task.request.cpu_milli, 100, 200]))
        groups = task.gpu_groups if holds and task.node == node else ()
        constraints = near or task.constraints
        return replace(
            task, state=state, node=node, request=request, gpu_groups=groups, constraints=constraints
        )

    return replace(gang, tasks=[moved(task) for task in gang.tasks])


def _otherwise(node: Node, rng: random.Random) -> Node:
    changes: list[dict[str, Any]] = [
        {"cordoned": not node.cordoned},
        {"ready": not node.ready},
        {"foreign": ForeignUse(cpu_milli=300, pods=1, extended=(("example.com/nic", 1),))},
        {"gpus": node.gpus + 1, "extended": {**node.extended, "example.com/nic": 2}},
        {"gpu_memory_mib": 1024},
    ]
    return replace(node, **rng.choice(changes))


@settings(max_examples=150, deadline=None)
@given(st.integers(0, 10**6))
def test_what_follows_equals_what_is_built_from_nothing(seed: int) -> None:
    rng = random.Random(seed)
    world = random_world(seed, SIZES["large"])
    previous = earlier(world, rng).snapshot()
    before = told(previous)
    follower = following(
        previous,
        nodes=rng.sample(world.nodes, len(world.nodes)),
        queues=world.queues,
        gangs=rng.sample(world.gangs, len(world.gangs)),
        topologies=world.topologies,
        history=world.history,
        demand=world.demand,
    )
    assert told(follower) == told(world.snapshot())
    assert told(previous) == before  # plans of the cycle before may still look at it


def test_only_what_has_changed_is_worked_out_anew() -> None:
    """Else the law above would hold of a function that always begins from nothing."""
    world = random_world(3, SIZES["large"])
    previous = world.snapshot()
    newcomer = Gang("newcomer", world.gangs[0].queue, [Task("newcomer-0")])
    follower = following(
        previous,
        nodes=world.nodes,
        queues=world.queues,
        gangs=[*previous.gangs, newcomer],
        topologies=world.topologies,
    )
    assert len(follower.gangs) == len(previous.gangs) + 1
    assert all(one is other for one, other in zip(follower.occupancy, previous.occupancy, strict=True))
