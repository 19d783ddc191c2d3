"""Random worlds: clusters with quotas, running and waiting gangs, drawn from one seed.

What runs was placed where it fits, as a real cluster would have it; quotas and limits may be exceeded, as after an edit.
"""

import random
from collections.abc import Callable
from dataclasses import replace

from scheduling.engine.model.nodes import Topology
from tests.engine.laws.draw_cluster import draw_config, draw_demand, draw_history, draw_nodes, draw_queues
from tests.engine.laws.draw_gangs import GangDrawing
from tests.engine.laws.world import NOW, PLAIN, SIZES, Dice, Features, Size, World

__all__ = ["NOW", "PLAIN", "SIZES", "Features", "Size", "World", "random_world", "smallest"]


EVERYTHING = Features()


def random_world(seed: int, size: Size = SIZES["small"], features: Features = EVERYTHING) -> World:
    """One world; the same for the same arguments."""
    dice = Dice(random.Random(seed), size, features)
    nodes = draw_nodes(dice)
    gpus = sum(node.gpus for node in nodes)
    queues = draw_queues(dice, gpus)
    leaves = sorted({queue.name for queue in queues} - {queue.parent for queue in queues})
    gangs = GangDrawing(dice, leaves, nodes)
    running = [gangs.running(number) for number in range(dice.up_to(size.running))]
    waiting = [gangs.draw(f"w{number:03d}") for number in range(1 + dice.up_to(size.waiting - 1))]
    topologies = [Topology("net", ("zone", "rack"))] if dice.has["topology"] else []
    return World(
        nodes,
        queues,
        [*running, *waiting],
        topologies,
        draw_config(dice, running),
        draw_history(dice, queues, gpus),
        draw_demand(dice, [*running, *waiting]),
    )


Check = Callable[[World], bool]


def smallest(world: World, still_shows: Check) -> World:
    """Drop gangs, tasks, queues and nodes while the world still shows the same; what is left is easier to read."""
    changed = True
    while changed:
        changed = False
        for smaller in _smaller_worlds(world):
            if still_shows(smaller):
                world, changed = smaller, True
                break
    return world


def _smaller_worlds(world: World) -> list[World]:
    parents = {queue.parent for queue in world.queues} | {gang.queue for gang in world.gangs}
    used = {task.node for gang in world.gangs for task in gang.tasks if task.node}
    found = [replace(world, gangs=[one for one in world.gangs if one is not gang]) for gang in world.gangs]
    found += [
        replace(world, nodes=[one for one in world.nodes if one is not node])
        for node in world.nodes
        if node.name not in used
    ]
    found += [
        replace(world, queues=[one for one in world.queues if one is not queue])
        for queue in world.queues
        if queue.name not in parents
    ]
    return found
