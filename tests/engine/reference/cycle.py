"""The five actions, and the plan that their end state means."""

from collections import Counter

from scheduling.engine.config import SchedulerConfig
from scheduling.engine.model.gangs import Gang, SubGroup
from scheduling.engine.model.snapshot import ClusterSnapshot
from scheduling.engine.model.tasks import ACTIVE, ON_NODE, Task, TaskState
from scheduling.engine.plan import Bind, Eviction, Nomination, Plan
from tests.engine.reference.gangs import count, is_ready, is_stale, tasks_to_place
from tests.engine.reference.orders import Orders, Walk, fair_shares, next_request
from tests.engine.reference.placing import place_gang, promise_whole_gang
from tests.engine.reference.solving import Solver
from tests.engine.reference.world import Place, World

S = TaskState
Kind = tuple[object, ...]


def run_cycle(snapshot: ClusterSnapshot, config: SchedulerConfig, now: float) -> Plan:
    """The same contract as the engine's `run_cycle`, without explanations."""
    return Cycle(World(snapshot, config, now)).run()


class Cycle:
    """One cycle over one world."""

    def __init__(self, world: World) -> None:
        self.world = world
        self.plan = Plan(shares=fair_shares(world))
        self.orders = Orders(world, self.plan.shares)
        self.evicted_by: dict[str, tuple[str, str]] = {}

    def run(self) -> Plan:
        actions = {
            "allocate": self.allocate,
            "consolidate": lambda: self.take("consolidate"),
            "reclaim": lambda: self.take("reclaim"),
            "preempt": lambda: self.take("preempt"),
            "evict_broken_gangs": self.evict_broken_gangs,
        }
        for name in self.world.config.actions:
            actions[name]()
        for gang in self.world.gangs.values():
            promise_whole_gang(self.world, gang)  # a later action may have moved part of what allocate bound
        self._write_plan()
        return self.plan

    def waiting(self) -> list[Gang]:
        """Gangs that may be tried: something waits, every minimum exists, no back-off, in a leaf queue."""
        world = self.world
        return [
            gang
            for gang in world.gangs.values()
            if world.is_leaf(gang.queue)
            and (gang.bind_retry_at is None or gang.bind_retry_at <= world.now)
            and count(world, gang.tasks, frozenset({S.PENDING}))
            and is_ready(world, gang)
        ]

    def allocate(self) -> None:
        """Place waiting gangs in order on what is free or being released; surplus tasks one at a time."""
        world = self.world
        walk = Walk(
            self.orders, self.waiting(), lambda gang: next_request(world, gang), world.config.queue_depth
        )
        while (gang := walk.pop()) is not None:
            if not place_gang(world, gang, tasks_to_place(world, gang), promise_only=False):
                continue
            promise_whole_gang(world, gang)
            if tasks_to_place(world, gang):
                walk.push(gang)

    def take(self, action: str) -> None:
        """Make room for waiting gangs by moving or evicting others."""
        world = self.world
        if action == "consolidate" and world.config.max_consolidation_victims == 0:
            return
        walk = Walk(
            self.orders, self.waiting(), lambda gang: next_request(world, gang), world.config.queue_depth
        )
        failed: list[tuple[object, Counter[Kind]]] = []
        while (gang := walk.pop()) is not None:
            waiting = self.waiting()
            if gang not in waiting:
                continue  # it lost so much to others that too few of its tasks are left
            mark, before = world.mark(), dict(world.place)
            solver = Solver(world, self.orders, gang, action, waiting)
            if not solver.tasks or not solver.may_try():
                continue
            kin, kinds = self._likeness(gang, action)
            if world.config.skip_equals_of_failed and any(
                one == kin and kinds >= smaller for one, smaller in failed
            ):
                continue
            if not solver.solve() or self._too_many_evictions():
                world.undo(mark)
                failed.append((kin, kinds))
                continue
            for uid, place in before.items():
                gone = place.state in ACTIVE and world.place[uid] != place
                ran = world.start[uid].state in ACTIVE
                if gone and ran and not (uid in self.evicted_by and place != world.start[uid]):
                    self.evicted_by[uid] = (action, gang.uid)
            self._pass_on(gang)
            displaced = [task for task in solver.victims if world.place[task.uid] != before[task.uid]]
            self._start_at_once(solver.tasks, displaced)

    def _pass_on(self, gang: Gang) -> None:
        """What was taken for a gang that has no place any more was taken for the one that got it."""
        world = self.world
        for uid, (action, beneficiary) in self.evicted_by.items():
            if beneficiary and not count(world, world.gangs[beneficiary].tasks, ACTIVE):
                self.evicted_by[uid] = (action, gang.uid)

    def _likeness(self, gang: Gang, action: str) -> tuple[object, Counter[Kind]]:
        """What gangs share that must fail alike, and how many of each kind of task they try; across queues only where all may be moved."""
        world = self.world
        tries = [self._kind(task) for task in tasks_to_place(world, gang)]
        queue = "" if action == "consolidate" else gang.queue
        tree = gang.tree() if has_topology(gang.tree()) else None
        return (queue, gang.priority, gang.is_preemptible, tree, frozenset(tries)), Counter(tries)

    def _kind(self, task: Task) -> Kind:
        """Everything about a task that decides where it may go; labels only where other pods look at them."""
        wanted = [one.constraints for one in self.world.tasks.values()]
        seen = any(
            one.pod_affinity or one.pod_anti_affinity or one.preferred_pods or one.spread for one in wanted
        )
        labels = (task.namespace, *sorted(task.labels.items())) if seen else ()
        return (task.request, task.constraints, task.nominated_node, labels)

    def _start_at_once(self, tasks: list[Task], displaced: list[Task]) -> None:
        """When only places given in this very cycle were taken back, nobody has to leave first: the promises can start."""
        world = self.world
        if any(world.start[task.uid].state in ACTIVE for task in displaced):
            return
        mark = world.mark()
        promised = [task.uid for task in [*tasks, *displaced] if world.state(task.uid) is S.PIPELINED]
        for uid in promised:
            place = world.place[uid]
            world.put(uid, Place(S.ALLOCATED, place.node, place.groups))
        rooms = [world.room(world.place[uid].node) for uid in promised]
        if any(min(room.idle.values()) < 0 or room.has_overfull_device() for room in rooms):
            world.undo(mark)

    def _too_many_evictions(self) -> bool:
        """The safety limit on what one plan may disturb."""
        limit, world = self.world.config.max_evictions, self.world
        disturbed = [
            uid for uid, start in world.start.items() if start.state in ACTIVE and world.place[uid] != start
        ]
        return limit is not None and len(disturbed) > limit

    def evict_broken_gangs(self) -> None:
        """Gangs below a minimum for longer than the grace lose all they have."""
        world, grace = self.world, self.world.config.staleness_grace
        for gang in sorted(world.gangs.values(), key=lambda gang: gang.uid):
            if not is_stale(world, gang):
                continue
            self.plan.stale.append(gang.uid)
            since = world.now if gang.stale_since is None else gang.stale_since
            if grace is None or world.now - since < grace:
                continue
            mark = world.mark()
            active = [task.uid for task in gang.tasks if world.state(task.uid) in ACTIVE]
            for uid in active:
                world.evict(uid)
            if self._too_many_evictions():
                world.undo(mark)
                continue
            for uid in active:
                self.evicted_by[uid] = ("evict_broken_gangs", "")

    def _write_plan(self) -> None:
        world = self.world
        for gang in sorted(world.gangs.values(), key=lambda gang: gang.uid):
            had_places = any(world.start[task.uid].state in ON_NODE for task in gang.tasks)
            if not had_places and any(world.state(task.uid) is S.ALLOCATED for task in gang.tasks):
                self.plan.started.append(gang.uid)
        for uid, place in sorted(world.place.items()):
            start, name = world.start[uid], world.gang_of[uid].uid
            if place == start:
                continue
            if start.state in ACTIVE:
                action, beneficiary = self.evicted_by.get(uid, ("", ""))
                self.plan.evictions.append(
                    Eviction(uid, name, start.node, action, rule=action, beneficiary=beneficiary)
                )
            if place.state is S.ALLOCATED:
                self.plan.binds.append(Bind(uid, name, place.node, place.groups))
            elif place.state is S.PIPELINED:
                self.plan.nominations.append(
                    Nomination(uid, name, place.node, place.groups, moved=start.state in ACTIVE)
                )


def has_topology(group: SubGroup) -> bool:
    """Whether any part of the tree asks for a topology domain."""
    return (
        group.topology is not None
        or any(one.topology for one in group.pod_sets)
        or any(has_topology(one) for one in group.groups)
    )
