"""Several node pools: a cycle each, and gangs that are passed on from one to the next until one takes them whole."""

import random
from dataclasses import replace

from scheduling.engine import SchedulerConfig, run_cycle
from scheduling.engine.model.gangs import Gang, next_pool
from scheduling.engine.model.tasks import TaskState
from tests.engine.laws.life import applied
from tests.engine.laws.worlds import NOW, PLAIN, SIZES, World, random_world

POOLS = ("blue", "green", "red")


def pools_of(seed: int) -> tuple[dict[str, World], list[Gang]]:
    """Three pools with the same queues and nothing else to do, and gangs with an order of pools each."""
    rng = random.Random(seed)
    worlds = {
        name: random_world(seed * 10 + place, SIZES["small"], PLAIN) for place, name in enumerate(POOLS)
    }
    first = worlds[POOLS[0]]
    gangs = [
        replace(gang, pools=tuple(rng.sample(POOLS, rng.randint(1, 3))))
        for gang in first.gangs
        if all(task.state is TaskState.PENDING for task in gang.tasks)
    ]
    config = SchedulerConfig()
    return {
        name: replace(one, queues=first.queues, gangs=[], config=config) for name, one in worlds.items()
    }, gangs


def test_a_gang_with_several_pools_ends_whole_in_one_of_them() -> None:
    """And it stays without a place only when each of its pools, as it is in the end, refuses it."""
    started = passed_on = 0
    for seed in range(60):
        pools, waiting = pools_of(seed)
        offered = {gang.uid: gang.pools[0] for gang in waiting}
        for _ in range(8):
            for name in POOLS:
                mine = [gang for gang in waiting if offered[gang.uid] == name]
                held = pools[name].gangs
                world = replace(pools[name], gangs=[*held, *mine])
                plan = run_cycle(world.snapshot(), world.config, NOW)
                after = applied(world, plan, evicted_are_gone=True, nominated_are_there=True)
                taken = {gang.uid for gang in mine} - set(plan.refusals)
                pools[name] = replace(
                    world, gangs=[one for one in after.gangs if one in held or one.uid in taken or _runs(one)]
                )
                here = {gang.uid for gang in pools[name].gangs}
                waiting = [gang for gang in waiting if gang.uid not in here]
                for gang in mine:
                    if gang.uid not in here:
                        offered[gang.uid] = next_pool(gang.pools, name)
                        passed_on += len(gang.pools) > 1
        places = {name: {gang.uid for gang in one.gangs if _runs(gang)} for name, one in pools.items()}
        assert (
            not places["blue"] & places["green"]
            | places["blue"] & places["red"]
            | places["green"] & places["red"]
        )
        for gang in waiting:
            assert not any(_would_start(pools[name], gang) for name in gang.pools), (seed, gang)
        started += sum(map(len, places.values()))
    assert started > 100
    assert passed_on > 50


def _runs(gang: Gang) -> bool:
    return any(task.state is TaskState.RUNNING for task in gang.tasks)


def _would_start(pool: World, gang: Gang) -> bool:
    plan = run_cycle(replace(pool, gangs=[*pool.gangs, gang]).snapshot(), pool.config, NOW)
    return any(one.gang == gang.uid for one in plan.binds)
