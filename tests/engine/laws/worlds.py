"""Random worlds: clusters with quotas, running and waiting gangs, drawn from one seed.

What runs was placed where it fits, as a real cluster would have it; quotas and limits may be exceeded, as after an edit.
"""

import random
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field, replace

from scheduling.engine.config import DEFAULT_PLUGINS, SchedulerConfig
from scheduling.engine.model.constraints import (
    ANYWHERE,
    Constraints,
    LabelRequirement,
    NodeTerm,
    PodAffinityTerm,
    PreferredNodeTerm,
    PreferredPodAffinityTerm,
    SpreadConstraint,
    Taint,
    Toleration,
)
from scheduling.engine.model.gangs import Gang, PodSet, SubGroup, TopologyConstraint
from scheduling.engine.model.gpus import NO_GPU, GpuRequest
from scheduling.engine.model.nodes import ForeignUse, Node, Topology
from scheduling.engine.model.occupancy import Occupancy
from scheduling.engine.model.queues import OverQuota, Queue, Weights
from scheduling.engine.model.resources import Bounds, Resources
from scheduling.engine.model.snapshot import ClusterSnapshot
from scheduling.engine.model.tasks import Task, TaskRequest, TaskState
from scheduling.engine.model.usage import UsageBucket, UsageHistory

NOW = 1_900_000_000.0
GB = 10**9
HOUR = 3600.0


@dataclass(frozen=True)
class Size:
    """How large a world may get."""

    nodes: int
    queues: int
    running: int
    waiting: int
    gang: int


SIZES = {
    "tiny": Size(nodes=2, queues=2, running=3, waiting=2, gang=2),
    "small": Size(nodes=5, queues=5, running=10, waiting=6, gang=4),
    "medium": Size(nodes=10, queues=8, running=30, waiting=12, gang=6),
    "large": Size(nodes=24, queues=10, running=80, waiting=24, gang=8),
}


@dataclass(frozen=True)
class Features:
    """What a world may contain besides whole GPUs, gangs and quotas. Probabilities of a world having it at all."""

    fractions: float = 0.5
    memory_requests: float = 0.2
    cpu_bound: float = 0.3
    elastic: float = 0.5
    sub_groups: float = 0.2
    topology: float = 0.25
    node_rules: float = 0.3
    pod_affinity: float = 0.1
    leaving: float = 0.3
    limits: float = 0.4
    min_runtime: float = 0.2
    spreading: float = 0.2
    foreign: float = 0.15
    broken: float = 0.2
    several_devices: float = 0.3
    preferences: float = 0.25
    usage: float = 0.25
    held_back: float = 0.2
    settings: float = 0.3
    spread: float = 0.0
    """Not by default, so that the worlds of known seeds stay as they are."""


PLAIN = Features(**dict.fromkeys(Features.__dataclass_fields__, 0.0))


@dataclass
class World:
    """The parts of a snapshot and the settings; parts can be dropped to find the smallest world that still shows a thing."""

    nodes: list[Node] = field(default_factory=list)
    queues: list[Queue] = field(default_factory=list)
    gangs: list[Gang] = field(default_factory=list)
    topologies: list[Topology] = field(default_factory=list)
    config: SchedulerConfig = field(default_factory=SchedulerConfig)
    history: UsageHistory = field(default_factory=UsageHistory)

    def snapshot(self) -> ClusterSnapshot:
        return ClusterSnapshot.build(
            nodes=self.nodes,
            queues=self.queues,
            gangs=self.gangs,
            topologies=self.topologies,
            history=self.history,
        )

    def shuffled(self, seed: int) -> "World":
        """The same world told in another order."""
        rng = random.Random(seed)
        gangs = [replace(gang, tasks=rng.sample(gang.tasks, len(gang.tasks))) for gang in self.gangs]
        return World(
            rng.sample(self.nodes, len(self.nodes)),
            rng.sample(self.queues, len(self.queues)),
            rng.sample(gangs, len(gangs)),
            rng.sample(self.topologies, len(self.topologies)),
            self.config,
            UsageHistory(
                {
                    name: self.history.queues[name]
                    for name in rng.sample(sorted(self.history.queues), len(self.history.queues))
                },
                self.history.capacity,
            ),
        )


def random_world(seed: int, size: Size = SIZES["small"], features: Features = Features()) -> World:
    """One world; the same for the same arguments."""
    return _Draw(random.Random(seed), size, features).world()


class _Draw:
    """The draws of one world."""

    def __init__(self, rng: random.Random, size: Size, features: Features) -> None:
        self.rng, self.size = rng, size
        chances = {name: chance for name, chance in vars(features).items() if name != "spread" or chance}
        self.has = {"spread": False} | {name: rng.random() < chance for name, chance in chances.items()}
        self.rooms: dict[str, Occupancy] = {}

    def world(self) -> World:
        nodes = self._nodes()
        self.rooms = {node.name: Occupancy(node) for node in nodes}
        queues = self._queues(sum(node.gpus for node in nodes))
        leaves = sorted({queue.name for queue in queues} - {queue.parent for queue in queues})
        running = [self._running(number, leaves, nodes) for number in range(self._up_to(self.size.running))]
        waiting = [
            self._gang(f"w{number:03d}", leaves) for number in range(1 + self._up_to(self.size.waiting - 1))
        ]
        topologies = [Topology("net", ("zone", "rack"))] if self.has["topology"] else []
        history = self._history(queues, sum(node.gpus for node in nodes))
        return World(nodes, queues, [*running, *waiting], topologies, self._config(), history)

    def _up_to(self, most: int) -> int:
        return self.rng.randint(most // 2, most)

    def _chance(self, probability: float) -> bool:
        return self.rng.random() < probability

    # -- nodes -------------------------------------------------------------------------------------------------------

    def _nodes(self) -> list[Node]:
        gpus = self.rng.choice([(2,), (4,), (8,), (1, 2, 4), (0, 4, 8), (0, 1, 2, 8)])
        memories = self.rng.choice([(100,), (40_960,), (40_960, 81_920), (16_384, 81_920, None)])
        return [
            self._node(number, gpus, memories)
            for number in range(self.rng.randint(max(1, self.size.nodes // 4), self.size.nodes))
        ]

    def _node(self, number: int, gpus: tuple[int, ...], memories: tuple[int | None, ...]) -> Node:
        rng, rules = self.rng, self.has["node_rules"]
        labels = {"kubernetes.io/hostname": f"n{number:02d}"}
        if self.has["topology"]:
            labels |= {"zone": f"z{number % 2}", "rack": f"r{number % 4 // 2 + 10 * (number % 2)}"}
            if self._chance(0.05):
                del labels["rack"]
        if rules or self.has["preferences"]:
            labels["disk"] = rng.choice(["ssd", "hdd"])
        foreign = ForeignUse()
        count = rng.choice(gpus)
        if self.has["foreign"] and self._chance(0.3):
            foreign = ForeignUse(gpus=rng.randint(0, min(1, count)), cpu_milli=2000, memory_bytes=GB, pods=1)
        return Node(
            name=f"n{number:02d}",
            gpus=count,
            cpu_milli=rng.choice([8, 16, 32]) * 1000 if self.has["cpu_bound"] else 1_000_000,
            memory_bytes=rng.choice([32, 64]) * GB if self.has["cpu_bound"] else 10_000 * GB,
            gpu_memory_mib=rng.choice(memories),
            max_pods=rng.choice([4, 8, 110]) if rules else 110,
            extended={"nic": rng.randint(0, 2)} if rules else {},
            labels=labels,
            taints=self._taints(),
            ready=not (rules and self._chance(0.08)),
            cordoned=rules and self._chance(0.08),
            foreign=foreign,
        )

    def _taints(self) -> tuple[Taint, ...]:
        hard = (Taint("only", "team"),) if self.has["node_rules"] and self._chance(0.15) else ()
        soft = self.has["preferences"] and self._chance(0.2)
        return (*hard, Taint("rather", "others", "PreferNoSchedule")) if soft else hard

    # -- queues ------------------------------------------------------------------------------------------------------

    def _queues(self, gpus: int) -> list[Queue]:
        rng = self.rng
        departments = rng.randint(1, max(1, self.size.queues // 3))
        queues = [self._queue(f"d{number}", "", gpus) for number in range(departments)]
        for number in range(rng.randint(1, self.size.queues)):
            parent = f"d{rng.randrange(departments)}"
            if self._chance(0.1):
                queues.append(self._queue(f"m{number}", parent, gpus))
                parent = f"m{number}"
            queues.append(self._queue(f"q{number}", parent, gpus))
        return queues

    def _queue(self, name: str, parent: str, gpus: int) -> Queue:
        rng = self.rng
        top = not parent
        quota = (
            None
            if self._chance(0.3 if top else 0.05)
            else rng.randint(0, gpus if top else max(1, gpus // 2)) * 1000
        )
        limit = None
        if self.has["limits"] and self._chance(0.3):
            limit = rng.randint(0, gpus) * 1000 + rng.choice([0, 0, 500])
        cpu = rng.randint(1, 40) * 1000 if self.has["cpu_bound"] and self._chance(0.3) else None
        runtime = float(rng.choice([60, 600])) if self.has["min_runtime"] and self._chance(0.5) else None
        return Queue(
            name,
            parent,
            deserved=Bounds(quota, cpu),
            limit=Bounds(limit, None if cpu is None else cpu * 2),
            weights=Weights(gpu=rng.choice([0, 1, 1, 2, 3]), cpu=rng.choice([0, 1, 1])),
            over_quota=OverQuota(gpu=not (self.has["limits"] and self._chance(0.1))),
            rank=rng.choice([50, 100, 100, 100, 200]),
            created_at=NOW - rng.randint(1, 5) * 86_400,
            preempt_min_runtime=runtime,
            reclaim_min_runtime=runtime,
        )

    # -- gangs -------------------------------------------------------------------------------------------------------

    def _request(self) -> TaskRequest:
        rng = self.rng
        gpu = GpuRequest(rng.choice([1, 1, 1, 2, 2, 4, 8]))
        several = self.has["several_devices"] and self._chance(0.3)
        devices = rng.choice([2, 2, 3, 4]) if several else 1
        if self.has["fractions"] and self._chance(0.4):
            gpu = GpuRequest(devices, rng.choice([100, 250, 300, 500, 500, 700]))
        elif self.has["memory_requests"] and self._chance(0.4):
            gpu = GpuRequest(devices, memory_mib=rng.choice([20, 50, 90, 8_000, 20_000]))
        elif self._chance(0.1):
            gpu = NO_GPU
        cpu, memory = 0, 0
        if self.has["cpu_bound"] or not gpu.devices:
            cpu, memory = rng.choice([500, 1000, 2000, 4000]), rng.choice([1, 2, 4, 8]) * GB
        extended = (("nic", 1),) if self.has["node_rules"] and self._chance(0.1) else ()
        return TaskRequest(gpu, cpu, memory, extended)

    def _constraints(self) -> Constraints:
        rng, wanted = self.rng, ANYWHERE
        if self.has["node_rules"] and self._chance(0.3):
            if self._chance(0.5):
                wanted = replace(wanted, node_selector=(("disk", rng.choice(["ssd", "hdd"])),))
            else:
                wish = LabelRequirement("disk", rng.choice(["In", "NotIn"]), (rng.choice(["ssd", "hdd"]),))
                wanted = replace(wanted, node_terms=(NodeTerm((wish,)),))
        if self.has["node_rules"] and self._chance(0.3):
            wanted = replace(wanted, tolerations=(Toleration("only", "Exists"),))
        if self.has["preferences"] and self._chance(0.3):
            wanted = replace(wanted, preferred_nodes=self._wishes())
        if self.has["pod_affinity"] and self._chance(0.4):
            selector = (LabelRequirement("app", "In", (rng.choice("ab"),)),)
            terms = (PodAffinityTerm("kubernetes.io/hostname", selector),)
            if self.has["preferences"] and self._chance(0.5):
                wishes = (PreferredPodAffinityTerm(rng.choice([1, 40, -60]), terms[0]),)
                wanted = replace(wanted, preferred_pods=wishes)
            elif self._chance(0.5):
                wanted = replace(wanted, pod_affinity=terms)
            else:
                wanted = replace(wanted, pod_anti_affinity=terms)
        if self.has["spread"] and self._chance(0.4):
            wanted = replace(wanted, spread=tuple(self._spreads()))
        return wanted

    def _spreads(self) -> Iterator[SpreadConstraint]:
        """Over hosts, over a label that some nodes lack, or over both."""
        rng = self.rng
        keys = rng.choice(
            [("kubernetes.io/hostname",), ("rack",), ("disk",), ("kubernetes.io/hostname", "disk")]
        )
        for key in keys:
            selector = (LabelRequirement("app", "In", (rng.choice("ab"),)),)
            yield SpreadConstraint(
                rng.choice([1, 1, 2]),
                key,
                rng.choice([selector, selector, (), None]),
                min_domains=rng.choice([1, 1, 3]),
                honor_node_affinity=rng.random() < 0.7,
                honor_taints=rng.random() < 0.3,
            )

    def _wishes(self) -> tuple[PreferredNodeTerm, ...]:
        """Wishes of different weight, of which a node may meet one, both or none."""
        disk = NodeTerm((LabelRequirement("disk", "In", (self.rng.choice(["ssd", "hdd"]),)),))
        host = NodeTerm(
            (LabelRequirement("kubernetes.io/hostname", "In", (f"n{self.rng.randrange(4):02d}",)),)
        )
        return (PreferredNodeTerm(self.rng.choice([1, 30]), disk), PreferredNodeTerm(30, host))

    def _gang(self, uid: str, leaves: list[str]) -> Gang:
        rng = self.rng
        count = rng.choice([1, 1, 1, 2, rng.randint(1, self.size.gang)])
        root = self._tree(count)
        sets = root.all_pod_sets()
        request, wanted = self._request(), self._constraints()
        created = NOW - rng.randint(1, 40) * 60
        wanted_second = self._request() if self._chance(0.1) else request
        tasks = [
            Task(
                f"{uid}-{number}",
                request if number % 2 == 0 else wanted_second,
                pod_set=sets[number % len(sets)].name,
                priority=rng.choice([None, None, None, 1, 5]),
                leader=number == 0 and self._chance(0.1),
                created_at=created,
                constraints=wanted,
                labels={"app": rng.choice("ab")} if self.has["pod_affinity"] or self.has["spread"] else {},
            )
            for number in range(max(count, len(sets)))
        ]
        gang = Gang(
            uid,
            rng.choice(leaves),
            tasks,
            priority=rng.choice([25, 50, 50, 50, 75, 100, 125]),
            preemptible=rng.choice([None, None, None, True, False]),
            root=root,
            created_at=created,
        )
        if self.has["held_back"]:
            self._hold_back(gang)
        return gang

    def _hold_back(self, gang: Gang) -> None:
        """A binding that failed, a pod that must not start yet, a queue that is gone, a place promised before."""
        trouble = self.rng.choice(["bind", "tried", "gated", "queue", "nominated", "", "", ""])
        if trouble in {"bind", "tried"}:
            gang.bind_retry_at = NOW + (30 if trouble == "bind" else -30)
        elif trouble == "gated":
            gang.tasks[-1].state = TaskState.GATED
        elif trouble == "queue":
            gang.queue = self.rng.choice(["gone", "d0"])
        elif trouble == "nominated":
            gang.tasks[0].nominated_node = f"n{self.rng.randrange(4):02d}"

    def _tree(self, count: int) -> SubGroup:
        rng = self.rng
        topology = None
        if self.has["topology"] and self._chance(0.5):
            required, preferred = rng.choice(
                [("rack", ""), ("zone", ""), ("", "rack"), ("", "zone"), ("zone", "rack")]
            )
            topology = TopologyConstraint("net", required, preferred)
        if self.has["sub_groups"] and count > 1 and self._chance(0.4):
            each = max(1, count // 2)
            sets = tuple(
                PodSet(name, rng.randint(1, each) if self.has["elastic"] else each)
                for name in ("head", "workers")
            )
            if self._chance(0.3):
                return SubGroup(
                    groups=tuple(
                        SubGroup(f"group-{one.name}", pod_sets=(one,), topology=topology) for one in sets
                    )
                )
            return SubGroup(pod_sets=sets, topology=topology)
        minimum = rng.randint(1, count) if self.has["elastic"] and self._chance(0.6) else count
        return SubGroup(pod_sets=(PodSet(min_available=minimum),), topology=topology)

    # -- what already runs -------------------------------------------------------------------------------------------

    def _running(self, number: int, leaves: list[str], nodes: list[Node]) -> Gang:
        gang = self._gang(f"r{number:03d}", leaves)
        for task in gang.tasks:
            if task.state is not TaskState.GATED:
                self._place(task, nodes)
        placed = [task for task in gang.tasks if task.node]
        minimum = sum(one.min_available for one in gang.tree().all_pod_sets())
        if len(placed) < minimum and not (self.has["broken"] and self._chance(0.3)):
            for task in placed:
                self._take_back(task)
        elif placed:
            gang.last_start = NOW - self.rng.choice([10, 300, 3600])
            if self.has["broken"] and self._chance(0.3):
                gang.stale_since = NOW - self.rng.choice([10, 100])
        if self.has["leaving"] and placed and self._chance(0.15):
            for task in placed:
                if task.node:
                    self._take_back(task, TaskState.RELEASING)
        return gang

    def _place(self, task: Task, nodes: list[Node]) -> None:
        """Where it fits, on a random node; a shared request joins a device with room or opens one."""
        for node in self.rng.sample(nodes, len(nodes)):
            room, request = self.rooms[node.name], task.request
            if not node.ready or request.cpu_milli > room.idle_cpu or request.memory_bytes > room.idle_memory:
                continue
            if room.idle_pods < 2 or any(
                amount > room.extended.get(name, (0, 0))[0] for name, amount in request.extended
            ):
                continue
            groups = self._devices(task, node) if request.gpu.is_shared else ()
            if groups is None or (not request.gpu.is_shared and request.gpu.devices > room.idle_gpus):
                continue
            task.node, task.gpu_groups = node.name, groups
            task.state = TaskState.RUNNING
            room.change(task.request, task.gpu_groups, task.state, 1)
            return

    def _devices(self, task: Task, node: Node) -> tuple[str, ...] | None:
        room, gpu = self.rooms[node.name], task.request.gpu
        if gpu.memory_mib and node.gpu_memory_mib is None:
            return None
        need = gpu.memory_on(room.device_memory)
        if need > room.device_memory or need == 0:
            return None
        joined = [
            name
            for name, device in sorted(room.shared.items())
            if device.held and device.room_now(room.device_memory) >= need
        ]
        self.rng.shuffle(joined)
        chosen = joined[: gpu.devices]
        missing = gpu.devices - len(chosen)
        if missing > room.idle_gpus or missing + 1 > room.idle_pods:
            return None
        return (*chosen, *(f"{node.name}-{task.uid}-{number}" for number in range(missing)))

    def _take_back(self, task: Task, state: TaskState = TaskState.PENDING) -> None:
        room = self.rooms[task.node]
        room.change(task.request, task.gpu_groups, task.state, -1)
        task.state = state
        if state is TaskState.PENDING:
            task.node, task.gpu_groups = "", ()
        else:
            room.change(task.request, task.gpu_groups, task.state, 1)

    # -- settings ----------------------------------------------------------------------------------------------------

    def _config(self) -> SchedulerConfig:
        rng = self.rng
        plugins: tuple[str, ...] = DEFAULT_PLUGINS
        options: dict[str, dict[str, object]] = {}
        if self.has["spreading"]:
            plugins = tuple("spreading" if name == "bin_packing" else name for name in DEFAULT_PLUGINS)
            options = {"gpu_sharing": {"devices": "spread", "join": False}}
        if self.has["usage"]:
            options["usage_history"] = {
                "window": rng.choice([3 * HOUR, 6 * HOUR]),
                "half_life": rng.choice([None, HOUR, 3 * HOUR]),
                "tumbling_start": rng.choice([None, NOW - 10 * HOUR]),
            }
        config = SchedulerConfig(
            plugins=plugins,
            options=options,
            staleness_grace=rng.choice([0.0, 60.0, None]),
            max_consolidation_victims=rng.choice([None, 16, 2]),
            queue_depth=rng.choice([None, None, None, 2]),
            skip_equals_of_failed=self._chance(0.5),
            allow_consolidating_reclaim=not self._chance(0.1),
        )
        return self._other_settings(config) if self.has["settings"] else config

    def _other_settings(self, config: SchedulerConfig) -> SchedulerConfig:
        """What administrators rarely touch."""
        rng = self.rng
        return replace(
            config,
            actions=tuple(name for name in config.actions if self._chance(0.9)),
            saturation_multiplier=rng.choice([1.0, 1.0, 1.25]),
            usage_weight=rng.choice([0.0, 1.0, 3.0]),
            preempt_min_runtime=rng.choice([0.0, 60.0]),
            reclaim_min_runtime=rng.choice([0.0, 60.0]),
            reclaim_min_runtime_of=rng.choice(["below-common-ancestor", "queue"]),
            max_evictions=rng.choice([None, 0, 3]),
        )

    def _history(self, queues: list[Queue], gpus: int) -> UsageHistory:
        """Hours of use, some before the window; queues that used nothing, and some that are gone."""
        if not self.has["usage"]:
            return UsageHistory()
        rng = self.rng
        hours = [NOW - hour * HOUR - 1800 for hour in range(8)]

        def buckets(most: int) -> tuple[UsageBucket, ...]:
            return tuple(
                UsageBucket(start, HOUR, Resources(rng.randint(0, most * 1000), rng.randint(0, 8000), 0))
                for start in hours
                if self._chance(0.8)
            )

        used = {queue.name: buckets(max(1, gpus // 2)) for queue in queues if self._chance(0.8)}
        capacity = tuple(UsageBucket(start, HOUR, Resources(gpus * 1000, 32_000, 0)) for start in hours)
        return UsageHistory({**used, "gone": buckets(gpus)}, capacity)


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
