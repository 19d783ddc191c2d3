"""Draws of gangs: what they ask for, how they are made up, and where those stand that already run."""

from scheduling.engine.model.gangs import Gang, PodSet, SubGroup, TopologyConstraint
from scheduling.engine.model.gpus import NO_GPU, GpuRequest
from scheduling.engine.model.nodes import Node
from scheduling.engine.model.occupancy import Occupancy
from scheduling.engine.model.tasks import Task, TaskRequest, TaskState
from tests.engine.laws.draw_constraints import ConstraintDrawing
from tests.engine.laws.world import GB, NOW, Dice

OVER = (TaskState.SUCCEEDED, TaskState.FAILED, TaskState.UNKNOWN)


class GangDrawing:
    """Gangs for these leaf queues; running ones fill the nodes as they are drawn."""

    def __init__(self, dice: Dice, leaves: list[str], nodes: list[Node]) -> None:
        self.dice, self.rng, self.has, self.leaves, self.nodes = dice, dice.rng, dice.has, leaves, nodes
        self.constraints = ConstraintDrawing(dice)
        self.rooms = {node.name: Occupancy(node) for node in nodes}

    def draw(self, uid: str) -> Gang:
        rng = self.rng
        count = rng.choice([1, 1, 1, 2, rng.randint(1, self.dice.size.gang)])
        root = self._tree(count)
        sets = root.all_pod_sets()
        request, wanted = self._request(), self.constraints.draw()
        created = NOW - rng.randint(1, 40) * 60
        wanted_second = self._request() if self.dice.chance(0.1) else request
        namespace = rng.choice(["one", "two"]) if self.has["namespaces"] else ""
        tasks = [
            Task(
                f"{uid}-{number}",
                request if number % 2 == 0 else wanted_second,
                pod_set=sets[number % len(sets)].name,
                priority=rng.choice([None, None, None, 1, 5]),
                leader=number == 0 and self.dice.chance(0.1),
                created_at=created,
                constraints=wanted,
                namespace=namespace,
                labels={"app": rng.choice("ab")} if self.has["pod_affinity"] or self.has["spread"] else {},
            )
            for number in range(max(count, len(sets)))
        ]
        gang = Gang(
            uid,
            rng.choice(self.leaves),
            tasks,
            priority=rng.choice([25, 50, 50, 50, 75, 100, 125]),
            preemptible=rng.choice([None, None, None, True, False]),
            root=root,
            created_at=created,
        )
        if self.has["without_tree"] and not (root.groups or root.topology or len(sets) > 1):
            self._leave_out_tree(gang, sets[0].min_available)
        if self.has["held_back"]:
            self._hold_back(gang)
        return gang

    def _leave_out_tree(self, gang: Gang, minimum: int) -> None:
        """As most gangs of a real cluster come: a minimum, or not even that where it is all of them."""
        gang.root = None
        is_all = minimum == len(gang.tasks)
        gang.min_available = None if is_all and self.dice.chance(0.5) else minimum

    def _hold_back(self, gang: Gang) -> None:
        """A binding that failed, a pod that must not start yet or is over, a queue that is gone, a place promised before."""
        trouble = self.rng.choice(["bind", "tried", "gated", "over", "queue", "nominated", "", "", ""])
        if trouble in {"bind", "tried"}:
            gang.bind_retry_at = NOW + (30 if trouble == "bind" else -30)
        elif trouble == "gated":
            gang.tasks[-1].state = TaskState.GATED
        elif trouble == "over":
            gang.tasks[-1].state = self.rng.choice(OVER)
        elif trouble == "queue":
            gang.queue = self.rng.choice(["gone", "d0"])
        elif trouble == "nominated":
            gang.tasks[0].nominated_node = f"n{self.rng.randrange(4):02d}"

    # -- what they ask for -----------------------------------------------------------------------------------------------

    def _request(self) -> TaskRequest:
        rng = self.rng
        gpu = GpuRequest(rng.choice([1, 1, 1, 2, 2, 4, 8]))
        several = self.has["several_devices"] and self.dice.chance(0.3)
        devices = rng.choice([2, 2, 3, 4]) if several else 1
        if self.has["fractions"] and self.dice.chance(0.4):
            gpu = GpuRequest(devices, rng.choice([100, 250, 300, 500, 500, 700]))
        elif self.has["memory_requests"] and self.dice.chance(0.4):
            gpu = GpuRequest(devices, memory_mib=rng.choice([20, 50, 90, 8_000, 20_000]))
        elif self.dice.chance(0.1):
            gpu = NO_GPU
        cpu, memory = 0, 0
        if self.has["cpu_bound"] or not gpu.devices:
            cpu, memory = rng.choice([500, 1000, 2000, 4000]), rng.choice([1, 2, 4, 8]) * GB
        if self.has["memory_quotas"] and self.dice.chance(0.3):
            memory = rng.choice([0, 5 * GB, 20 * GB])
        if not gpu.devices and self.dice.chance(0.2):
            cpu, memory = 0, 0
        extended = (("nic", 1),) if self.has["node_rules"] and self.dice.chance(0.1) else ()
        return TaskRequest(gpu, cpu, memory, extended)

    # -- how they are made up --------------------------------------------------------------------------------------------

    def _tree(self, count: int) -> SubGroup:
        topology = self._topology(0.5)
        if self.has["sub_groups"] and count > 1 and self.dice.chance(0.4):
            return self._sub_groups(count, topology)
        is_elastic = self.has["elastic"] and self.dice.chance(0.6)
        minimum = self.rng.randint(1, count) if is_elastic else count
        return SubGroup(pod_sets=(PodSet(min_available=minimum),), topology=topology)

    def _sub_groups(self, count: int, topology: TopologyConstraint | None) -> SubGroup:
        """Two or three unequal pod sets, side by side or each in a group of its own, constrained at any level."""
        names = ("head", "workers", "helpers")[: min(count, self.rng.choice([2, 2, 3]))]
        each = max(1, count // len(names))
        sets = tuple(
            PodSet(
                name,
                self.rng.randint(1, each) if self.has["elastic"] else each,
                self._topology(0.3),
            )
            for name in names
        )
        if self.dice.chance(0.5):
            return SubGroup(pod_sets=sets, topology=topology)
        groups = tuple(
            SubGroup(f"group-{one.name}", pod_sets=(one,), topology=self._topology(0.5)) for one in sets
        )
        if self.dice.chance(0.3):
            groups = (SubGroup("inner", groups=groups[:1], topology=self._topology(0.5)), *groups[1:])
        return SubGroup(groups=groups, topology=topology)

    def _topology(self, probability: float) -> TopologyConstraint | None:
        if not (self.has["topology"] and self.dice.chance(probability)):
            return None
        required, preferred = self.rng.choice(
            [("rack", ""), ("zone", ""), ("", "rack"), ("", "zone"), ("zone", "rack"), ("cage", "")]
            if self.dice.chance(0.1)
            else [("rack", ""), ("zone", ""), ("", "rack"), ("", "zone"), ("zone", "rack")]
        )
        return TopologyConstraint("net", required, preferred)

    # -- what already runs -----------------------------------------------------------------------------------------------

    def running(self, number: int) -> Gang:
        gang = self.draw(f"r{number:03d}")
        for task in gang.tasks:
            if task.state is TaskState.PENDING:
                self._place(task)
        placed = [task for task in gang.tasks if task.node]
        minimum = sum(one.min_available for one in gang.tree().all_pod_sets())
        if len(placed) < minimum and not (self.has["broken"] and self.dice.chance(0.3)):
            for task in placed:
                self._take_back(task)
        elif placed:
            gang.last_start = NOW - self.rng.choice([10, 300, 3600])
            if self.has["broken"] and self.dice.chance(0.3):
                gang.stale_since = NOW - self.rng.choice([10, 100])
        if self.has["leaving"] and placed and self.dice.chance(0.15):
            for task in placed:
                if task.node:
                    self._take_back(task, TaskState.RELEASING)
        return gang

    def _place(self, task: Task) -> None:
        """Where it fits, on a random node; a shared request joins a device with room or opens one."""
        for node in self.rng.sample(self.nodes, len(self.nodes)):
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
            task.state = self.rng.choice([*[TaskState.RUNNING] * 6, TaskState.BOUND, TaskState.BINDING])
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
