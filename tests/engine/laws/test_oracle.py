"""Small worlds against the oracle that tries everything: a refusal is proved, and what is taken was allowed to be taken."""

from collections.abc import Iterator
from dataclasses import replace

from scheduling.engine.model.gangs import Gang
from scheduling.engine.model.tasks import TaskState
from scheduling.engine.plan import Plan, Reason
from tests.engine.laws import oracle
from tests.engine.laws.life import applied
from tests.engine.laws.test_laws import decide
from tests.engine.laws.worlds import PLAIN, SIZES, Features, World, random_world

S = TaskState
ROOMLESS = {
    Reason.NO_ROOM,
    Reason.FRAGMENTED,
    Reason.GANG_NOT_WHOLE,
    Reason.NEVER_FITS,
    Reason.NODES_EXCLUDED,
    Reason.BEHIND_OTHERS,
}
FORBIDDEN = {Reason.OVER_LIMIT, Reason.OVER_QUOTA_NON_PREEMPTIBLE}
WHOLE = Features(
    **{**vars(PLAIN), "node_rules": 0.4, "limits": 0.5, "cpu_bound": 0.4, "leaving": 0.3, "foreign": 0.2}
)


def uniform(gang: Gang) -> bool:
    """Tasks that are all alike in one pod set: where they go one after the other does not matter to whether all fit."""
    return len({task.request for task in gang.tasks}) == 1 and len(gang.tree().all_pod_sets()) == 1


def lone_worlds(seeds: range, action: str) -> Iterator[tuple[World, Gang]]:
    """Worlds in which one gang of equal tasks waits and only this action runs; what runs asks for nothing more."""
    for seed in seeds:
        world = random_world(seed, SIZES["small"], WHOLE)
        waiting = [gang for gang in world.gangs if all(task.state is S.PENDING for task in gang.tasks)]
        running = [
            replace(gang, tasks=[task for task in gang.tasks if task.state is not S.PENDING])
            for gang in world.gangs
            if gang not in waiting
        ]
        for lone in waiting[:3]:
            if uniform(lone):
                config = replace(world.config, actions=(action,), max_evictions=None)
                yield replace(world, gangs=[*running, lone], config=config), lone


def placed(plan: Plan, gang: Gang) -> bool:
    return any(one.gang == gang.uid for one in plan.nominations) or any(
        one.gang == gang.uid for one in plan.binds
    )


def test_who_is_told_that_nothing_fits_fits_nowhere() -> None:
    """After allocate, in the world as the plan leaves it, no way to place the refused gang exists."""
    proved = 0
    for seed in range(400):
        world = random_world(seed, SIZES["tiny" if seed % 2 else "small"], WHOLE)
        world = replace(world, config=replace(world.config, actions=("allocate",)))
        plan = decide(world)
        after = applied(world, plan, evicted_are_gone=False, nominated_are_there=True)
        for gang in after.gangs:
            refusal = plan.refusals.get(gang.uid)
            waits = all(task.state is S.PENDING for task in gang.tasks) and uniform(gang)
            if refusal is None or not waits or refusal.reason not in ROOMLESS:
                continue
            proved += 1
            assert not oracle.can_be_placed(oracle.needed(gang), after, oracle.rooms(after)), (
                seed,
                gang,
                refusal,
            )
    assert proved > 200


def test_who_is_told_that_a_quota_or_limit_objects_would_break_it() -> None:
    proved = 0
    for seed in range(400):
        world = random_world(seed, SIZES["small"], WHOLE)
        world = replace(world, config=replace(world.config, actions=("allocate",)))
        plan = decide(world)
        after = applied(world, plan, evicted_are_gone=False, nominated_are_there=True)
        for gang in after.gangs:
            refusal = plan.refusals.get(gang.uid)
            if refusal is None or not all(task.state is S.PENDING for task in gang.tasks):
                continue
            if refusal.reason in FORBIDDEN | ROOMLESS and uniform(gang):
                proved += refusal.reason in FORBIDDEN
                forbidden = not oracle.is_allowed(after, gang, oracle.needed(gang))
                assert forbidden is (refusal.reason in FORBIDDEN), (seed, gang, refusal)
    assert proved > 50


def test_preemption_happens_exactly_where_it_can() -> None:
    """Every set of less important gangs of the queue is tried. One pod waits, and only for room: then the victims of one node do or
    none do. (Where a limit is exceeded already, victims of several nodes may be needed, and the search looks at one node at a time.)
    """
    happened = refused = 0
    for world, lone in lone_worlds(range(700), "preempt"):
        if len(lone.tasks) != 1 or not oracle.is_allowed(world, lone, lone.tasks):
            continue
        weaker = [
            gang
            for gang in world.gangs
            if gang.queue == lone.queue
            and gang.is_preemptible
            and gang.priority < lone.priority
            and any(task.state in oracle.HELD for task in gang.tasks)
        ]
        possible = any(
            oracle.is_allowed(world, lone, lone.tasks, gone)
            and oracle.can_be_placed(lone.tasks, world, oracle.rooms(world, gone))
            for gone in map(oracle.tasks_held, oracle.groups_of(weaker))
        )
        does = placed(decide(world), lone)
        assert does is possible, (world, lone)
        happened, refused = happened + does, refused + (not does)
    assert happened > 15
    assert refused > 15


def test_a_reclaim_takes_what_the_words_of_the_rule_allow() -> None:
    happened = 0
    for world, lone in lone_worlds(range(700), "reclaim"):
        world = replace(world, config=replace(world.config, allow_consolidating_reclaim=True))
        plan = decide(world)
        if not placed(plan, lone):
            continue
        again = {one.task for one in plan.nominations}
        lost = [one for one in plan.evictions if one.task not in again]
        shares = {name: one.fair_share for name, one in plan.shares.items()}
        gangs = {gang.uid: gang for gang in world.gangs}
        asked = oracle.added((0, 0, 0), *map(oracle.amounts_of, oracle.needed(lone)))
        units: dict[str, list[str]] = {}
        for one in lost:
            units[one.gang] = [*units.get(one.gang, []), one.task]
        sizes = [
            (
                gangs[uid].queue,
                oracle.added(*(oracle.amounts_of(task) for task in gangs[uid].tasks if task.uid in tasks)),
            )
            for uid, tasks in units.items()
        ]
        happened += bool(sizes)
        orders = [sizes, sizes[::-1]]
        assert any(oracle.may_reclaim(world, shares, lone, asked, order) for order in orders), (world, lone)
    assert happened > 20


def alone_on_its_nodes(victim: Gang, others: list[Gang]) -> bool:
    nodes = {task.node for task in victim.tasks}
    return not any(task.node in nodes for gang in others if gang is not victim for task in gang.tasks)


def test_one_pod_reclaims_where_taking_one_gang_would_do() -> None:
    """Each gang of other queues is tried as the only victim; where one may be taken and gives room, the pod gets a place.

    Only where no other could be taken on the same nodes: the search gives up all units considered so far on a node at once, so one
    that may not be taken can spoil the try in which another might. And among queues of one rank: the victims of a higher one would
    be served before the pod also in the simulation, and go back to their places. And for pods with GPUs: the rule looks at a firm
    pod's quota in every resource, also in what it does not ask for.
    """
    entitled = 0
    for world, lone in lone_worlds(range(1000), "reclaim"):
        config = replace(world.config, saturation_multiplier=1.0)
        world = replace(world, config=config, queues=[replace(queue, rank=100) for queue in world.queues])
        if len(lone.tasks) != 1 or not lone.tasks[0].request.gpu.devices:
            continue
        plan = decide(world)
        shares = {name: one.fair_share for name, one in plan.shares.items()}
        able = [
            gang
            for gang in world.gangs
            if gang.is_preemptible and gang.queue != lone.queue and oracle.tasks_held([gang])
        ]
        for victim in world.gangs:
            gone = oracle.tasks_held([victim])
            if victim not in able or not alone_on_its_nodes(victim, able):
                continue
            amounts = oracle.added(*(oracle.amounts_of(task) for task in victim.tasks if task.uid in gone))
            if (
                oracle.may_reclaim(
                    world, shares, lone, oracle.amounts_of(lone.tasks[0]), [(victim.queue, amounts)]
                )
                and oracle.is_allowed(world, lone, lone.tasks, gone)
                and oracle.is_allowed(world, lone, lone.tasks)
                and oracle.can_be_placed(lone.tasks, world, oracle.rooms(world, gone))
            ):
                entitled += 1
                assert placed(plan, lone), (world, lone, victim)
                break
    assert entitled > 20
