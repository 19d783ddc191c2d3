"""Draws of nodes, queues, past use and settings."""

from dataclasses import replace

from scheduling.engine.config import DEFAULT_PLUGINS, SchedulerConfig
from scheduling.engine.model.constraints import Taint
from scheduling.engine.model.demand import NO_DEMAND, Demand
from scheduling.engine.model.gangs import Gang
from scheduling.engine.model.nodes import ForeignUse, Node
from scheduling.engine.model.queues import OverQuota, Queue, Weights
from scheduling.engine.model.resources import Bounds, Resources
from scheduling.engine.model.usage import UsageBucket, UsageHistory
from scheduling.engine.plugins.fragmentation.prior import demand_of
from tests.engine.laws.world import GB, HOUR, NOW, Dice

# -- nodes ---------------------------------------------------------------------------------------------------------------


def draw_nodes(dice: Dice) -> list[Node]:
    gpus = dice.rng.choice([(2,), (4,), (8,), (1, 2, 4), (0, 4, 8), (0, 1, 2, 8)])
    memories = dice.rng.choice([(100,), (40_960,), (40_960, 81_920), (16_384, 81_920, None)])
    number_of_nodes = dice.rng.randint(max(1, dice.size.nodes // 4), dice.size.nodes)
    return [_node(dice, number, gpus, memories) for number in range(number_of_nodes)]


def _node(dice: Dice, number: int, gpus: tuple[int, ...], memories: tuple[int | None, ...]) -> Node:
    rng, rules = dice.rng, dice.has["node_rules"]
    count, cards = rng.choice(gpus), rng.randint(0, 2)
    return Node(
        name=f"n{number:02d}",
        gpus=count,
        cpu_milli=rng.choice([8, 16, 32]) * 1000 if dice.has["cpu_bound"] else 1_000_000,
        memory_bytes=rng.choice([32, 64]) * GB if dice.has["cpu_bound"] else 10_000 * GB,
        gpu_memory_mib=rng.choice(memories),
        max_pods=rng.choice([4, 8, 110]) if rules else 110,
        extended={"nic": cards} if rules else {},
        labels=_labels(dice, number),
        taints=_taints(dice),
        ready=not (rules and dice.chance(0.08)),
        cordoned=rules and dice.chance(0.08),
        foreign=_foreign(dice, count, cards),
    )


def _labels(dice: Dice, number: int) -> dict[str, str]:
    labels = {"kubernetes.io/hostname": f"n{number:02d}"}
    if dice.has["topology"]:
        labels |= {"zone": f"z{number % 2}", "rack": f"r{number % 4 // 2 + 10 * (number % 2)}"}
        if dice.chance(0.05):
            del labels["rack"]
    if dice.has["node_rules"] or dice.has["preferences"]:
        labels["disk"] = dice.rng.choice(["ssd", "hdd"])
        if dice.chance(0.7):
            labels["generation"] = dice.rng.choice(["7", "8", "9", "old"])
    return labels


def _taints(dice: Dice) -> tuple[Taint, ...]:
    taints: list[Taint] = []
    if dice.has["node_rules"] and dice.chance(0.15):
        taints.append(
            Taint("only", dice.rng.choice(["team", "others"]), dice.rng.choice(["NoSchedule", "NoExecute"]))
        )
    if dice.has["preferences"] and dice.chance(0.2):
        taints.append(Taint("rather", "others", "PreferNoSchedule"))
    return tuple(taints)


def _foreign(dice: Dice, gpus: int, cards: int) -> ForeignUse:
    if not (dice.has["foreign"] and dice.chance(0.3)):
        return ForeignUse()
    held = (("nic", 1),) if dice.has["node_rules"] and cards and dice.chance(0.5) else ()
    return ForeignUse(dice.rng.randint(0, min(1, gpus)), 2000, GB, 1, held)


# -- queues --------------------------------------------------------------------------------------------------------------


def draw_queues(dice: Dice, gpus: int) -> list[Queue]:
    """Departments with projects; between them sometimes a level more, or two."""
    rng = dice.rng
    departments = rng.randint(1, max(1, dice.size.queues // 3))
    queues = [_queue(dice, f"d{number}", "", gpus) for number in range(departments)]
    for number in range(rng.randint(1, dice.size.queues)):
        parent = f"d{rng.randrange(departments)}"
        for level in "ml":
            if not dice.chance(0.12):
                break
            queues.append(_queue(dice, f"{level}{number}", parent, gpus))
            parent = f"{level}{number}"
        queues.append(_queue(dice, f"q{number}", parent, gpus))
    return queues


def _queue(dice: Dice, name: str, parent: str, gpus: int) -> Queue:
    rng, top = dice.rng, not parent
    unlimited = dice.chance(0.3 if top else 0.05)
    quota = None if unlimited else rng.randint(0, gpus if top else max(1, gpus // 2)) * 1000
    limit = None
    if dice.has["limits"] and dice.chance(0.3):
        limit = rng.randint(0, gpus) * 1000 + rng.choice([0, 0, 500])
    cpu = rng.randint(1, 40) * 1000 if dice.has["cpu_bound"] and dice.chance(0.3) else None
    memory = rng.randint(0, 100) * GB if dice.has["memory_quotas"] and dice.chance(0.5) else None
    runtime = float(rng.choice([60, 600])) if dice.has["min_runtime"] and dice.chance(0.5) else None
    return Queue(
        name,
        parent,
        deserved=Bounds(quota, cpu, memory),
        limit=Bounds(limit, None if cpu is None else cpu * 2, None if memory is None else memory * 2),
        weights=Weights(rng.choice([0, 0.5, 1, 1, 2, 3]), rng.choice([0, 1, 1]), rng.choice([0, 1, 1])),
        over_quota=OverQuota(gpu=not (dice.has["limits"] and dice.chance(0.1))),
        rank=rng.choice([50, 100, 100, 100, 200]),
        created_at=NOW - rng.randint(1, 5) * 86_400,
        preempt_min_runtime=runtime,
        reclaim_min_runtime=runtime if dice.chance(0.7) else None,
    )


# -- past use ------------------------------------------------------------------------------------------------------------


def draw_history(dice: Dice, queues: list[Queue], gpus: int) -> UsageHistory:
    """Hours of use, some before the window; queues that used nothing, and some that are gone."""
    if not dice.has["usage"]:
        return UsageHistory()
    rng = dice.rng
    hours = [NOW - hour * HOUR - 1800 for hour in range(8)]

    def buckets(most: int) -> tuple[UsageBucket, ...]:
        return tuple(
            UsageBucket(start, HOUR, Resources(rng.randint(0, most * 1000), rng.randint(0, 8000), 0))
            for start in hours
            if dice.chance(0.8)
        )

    used = {queue.name: buckets(max(1, gpus // 2)) for queue in queues if dice.chance(0.8)}
    capacity = tuple(UsageBucket(start, HOUR, Resources(gpus * 1000, 32_000, 0)) for start in hours)
    return UsageHistory({**used, "gone": buckets(gpus)}, capacity)


def draw_demand(dice: Dice, gangs: list[Gang]) -> Demand:
    """What a pool with fragmentation-aware placement has seen: often what is there now."""
    if not dice.has["fragmentation"] or dice.chance(0.3):
        return NO_DEMAND
    times = dice.rng.choice([1, 20])
    return demand_of((task.request, times) for gang in gangs for task in gang.tasks)


# -- settings ------------------------------------------------------------------------------------------------------------


def draw_config(dice: Dice, running: list[Gang]) -> SchedulerConfig:
    rng = dice.rng
    plugins: tuple[str, ...] = DEFAULT_PLUGINS
    options: dict[str, dict[str, object]] = {}
    strategy = "fragmentation" if dice.has["fragmentation"] else "spreading" if dice.has["spreading"] else ""
    if strategy:
        plugins = tuple(strategy if name == "bin_packing" else name for name in DEFAULT_PLUGINS)
        options["gpu_sharing"] = {"devices": "spread" if strategy == "spreading" else "", "join": False}
    if strategy == "fragmentation":
        options["fragmentation"] = {"cpu": rng.choice(["pack", "spread"])}
    if dice.has["protected"]:
        plugins = (*plugins, "protection")
        options["protection"] = {"gangs": tuple(gang.uid for gang in running if dice.chance(0.3))}
    if dice.has["usage"]:
        options["usage_history"] = {
            "window": rng.choice([3 * HOUR, 6 * HOUR]),
            "half_life": rng.choice([None, HOUR, 3 * HOUR]),
            "tumbling_start": rng.choice([None, NOW - 10 * HOUR]),
        }
    config = SchedulerConfig(
        plugins=plugins,
        options=options,
        staleness_grace=rng.choice([0.0, 60.0, None]),
        max_consolidation_victims=rng.choice([None, 16, 2, 0]),
        queue_depth=rng.choice([None, None, None, 2]),
        skip_equals_of_failed=dice.chance(0.5),
        allow_consolidating_reclaim=not dice.chance(0.1),
    )
    return _other_settings(dice, config) if dice.has["settings"] else config


def _other_settings(dice: Dice, config: SchedulerConfig) -> SchedulerConfig:
    """What administrators rarely touch."""
    rng = dice.rng
    return replace(
        config,
        actions=tuple(name for name in config.actions if dice.chance(0.9)),
        saturation_multiplier=rng.choice([1.0, 1.0, 1.25]),
        usage_weight=rng.choice([0.0, 1.0, 3.0]),
        preempt_min_runtime=rng.choice([0.0, 60.0]),
        reclaim_min_runtime=rng.choice([0.0, 60.0]),
        reclaim_min_runtime_of=rng.choice(["below-common-ancestor", "queue"]),
        max_evictions=rng.choice([None, 0, 3]),
    )
