"""The search for victims: grow a scenario unit by unit, simulate it, and let the action's rule judge."""

from collections.abc import Iterator, Sequence

from scheduling.engine.model.gangs import Gang
from scheduling.engine.model.tasks import ACTIVE, Task, TaskState
from scheduling.engine.plugins.fair_share.reclaim_rules import QueueStanding, accepts, below_common_ancestor
from tests.engine.reference.gangs import count, members, pod_sets, tasks_to_place
from tests.engine.reference.orders import Orders, VictimWalk, Walk, fits
from tests.engine.reference.placing import place_gang, total_charge, within_quotas
from tests.engine.reference.world import Place, Vector, World, plus

S = TaskState
WITHOUT_PLACE = frozenset({S.RELEASING, S.PENDING})
Unit = list[Task]


class Solver:
    """One search of one gang in one action. `solve` leaves the world changed only when it succeeds."""

    def __init__(self, world: World, orders: Orders, gang: Gang, action: str, waiting: list[Gang]) -> None:
        self.world, self.orders, self.gang, self.action, self.waiting = world, orders, gang, action, waiting
        self.tasks = tasks_to_place(world, gang)
        self.request = total_charge(world, self.tasks)
        self.standings = {name: self._standing(name) for name in world.queues}
        self.before = dict(world.place)
        self.victims: Unit = []
        """Of the last accepted solution: all that were given up, also those who then found a place."""

    def solve(self) -> bool:
        """Task by task: each step keeps the victims found so far and looks for more; the last step stands."""
        if not self.tasks or not self.may_try():
            return False
        start = self.world.mark()
        units = list(self._units())
        recorded: list[Unit] = []
        for step in range(1, len(self.tasks) + 1):
            self.world.undo(start)
            found = self._solve_step(self.tasks[:step], recorded, units)
            if found is None:
                self.world.undo(start)
                return False
            recorded = found
        return True

    # -- who may try, whom may it take ---------------------------------------------------------------------------

    def may_try(self) -> bool:
        if self.action == "consolidate":
            return self.gang.is_preemptible and self._enough_in_all()
        if self.action == "reclaim":
            return self._within_share()
        return within_quotas(self.world, self.gang, self.request)

    def _within_share(self) -> bool:
        """Reclaim: the leaf queue stays within its share, and what is non-preemptible within the quota."""
        queue = self.gang.queue
        if not fits(plus(self.world.allocated(queue), self.request), self.orders.shares[queue]):
            return False
        return self.gang.is_preemptible or fits(
            plus(self.world.allocated(queue, firm_only=True), self.request), self.world.queues[queue].deserved
        )

    def _enough_in_all(self) -> bool:
        """Consolidation: the pool has as many GPUs free (now or soon, parts of devices included) as are asked for."""
        free = 0
        for name in self.world.nodes:
            room = self.world.room(name)
            free += 1000 * room.later("gpu")
            for device in room.devices.values():
                if device.held + device.promised:
                    free += 1000 * (room.memory - device.held - device.promised) // room.memory
        return self.request[0] <= free

    def _victims(self) -> list[Gang]:
        world = self.world
        options = world.config.options.get("protection", {})
        kept = options.get("gangs", ()) if "protection" in world.config.plugins else ()
        return [
            gang
            for gang in world.gangs.values()
            if gang.uid != self.gang.uid
            and gang.is_preemptible
            and world.is_leaf(gang.queue)
            and count(world, gang.tasks, ACTIVE)
            and self._may_take_from(gang)
            and gang.uid not in kept
            and not (self._protected(gang) and not self._may_have_surplus(gang))
        ]

    def _may_take_from(self, gang: Gang) -> bool:
        if self.action == "reclaim":
            return gang.queue != self.gang.queue
        if self.action == "preempt":
            return gang.queue == self.gang.queue and gang.priority < self.gang.priority
        return True

    def _may_have_surplus(self, gang: Gang) -> bool:
        return any(len(members(gang, one)) > one.min_available for one in pod_sets(gang))

    def _protected(self, gang: Gang) -> bool:
        """Started less than its guaranteed minimum ago."""
        if "min_runtime" not in self.world.config.plugins or self.action == "consolidate":
            return False
        if gang.last_start is None:
            return False
        return self.world.now - gang.last_start < self._minimum_runtime(gang)

    def _minimum_runtime(self, gang: Gang) -> float:
        config, path = self.world.config, self.world.path(gang.queue)
        if self.action == "preempt":
            values = [self.world.queues[name].preempt_min_runtime for name in path]
            default = config.preempt_min_runtime
        else:
            if config.reclaim_min_runtime_of != "queue":
                _, theirs = below_common_ancestor(self.standings, self.gang.queue, gang.queue)
                path = path[path.index(theirs) :]
            values = [self.world.queues[name].reclaim_min_runtime for name in path]
            default = config.reclaim_min_runtime
        return next((value for value in values if value is not None), default)

    def _units(self) -> Iterator[Unit]:
        walk, most = VictimWalk(self.orders, self._victims()), self.world.config.max_consolidation_victims
        touched: set[str] = set()
        while (unit := walk.pop()) is not None:
            touched.add(self.world.gang_of[unit[0].uid].uid)
            if self.action == "consolidate" and most is not None and len(touched) > most + 1:
                return
            yield unit

    # -- one step ------------------------------------------------------------------------------------------------

    def _solve_step(
        self, tasks: Sequence[Task], recorded: list[Unit], units: Sequence[Unit]
    ) -> list[Unit] | None:
        """Find victims so that `tasks` fit, beginning with those recorded; return those that lost their place, or None."""
        if recorded and self._try(tasks, recorded):
            return self._displaced(recorded)
        potential: list[Unit] = []
        for unit in units:
            if unit in recorded:
                continue
            potential.append(unit)
            for node in dict.fromkeys(self.before[task.uid].node for task in unit):
                touching = [
                    one for one in potential if any(self.before[task.uid].node == node for task in one)
                ]
                if self._try(tasks, [*recorded, *touching]):
                    return self._displaced([*recorded, *touching])
        return None

    def _try(self, tasks: Sequence[Task], victims: list[Unit]) -> bool:
        """Evict, simulate, judge; the world is changed only when all agree."""
        mark = self.world.mark()
        flat = [task for unit in victims for task in unit]
        for task in flat:
            self.world.evict(task.uid)
        if (
            self._simulate(tasks, flat, promise_only=True)
            and self._accepts(tasks, victims)
            and self._comes_true(tasks, victims)
        ):
            self.victims = flat
            return True
        self.world.undo(mark)
        return False

    def _displaced(self, victims: list[Unit]) -> list[Unit]:
        """Units of which some task does not simply stay."""
        return [
            unit
            for unit in victims
            if any(self.world.place[task.uid] != self.before[task.uid] for task in unit)
        ]

    def _comes_true(self, tasks: Sequence[Task], victims: list[Unit]) -> bool:
        """If somebody is to move: the next cycle, when those who move or go have left and wait, gives the gang places as well."""
        if len(tasks) < len(self.tasks):
            return True
        world = self.world
        leaving = [
            task for unit in victims for task in unit if world.place[task.uid] != self.before[task.uid]
        ]
        moves = any(world.state(task.uid) in ACTIVE for task in leaving)
        if not moves or not any(world.start[task.uid].state in ACTIVE for task in leaving):
            return True
        mark = world.mark()
        world.let_leave({task.uid for task in leaving})
        for task in [*tasks, *leaving]:
            world.put(task.uid, Place(S.PENDING))
        came_true = self._simulate(tasks, leaving, promise_only=False)
        world.undo(mark)
        world.let_leave(set())
        return came_true

    def _simulate(self, tasks: Sequence[Task], victims: Unit, *, promise_only: bool) -> bool:
        """Re-place the gang and the evicted gangs in queue order. Others keep their place in the order."""
        world = self.world
        revivable = frozenset(task.uid for task in victims)
        relevant = {world.gang_of[task.uid].uid for task in victims} | {self.gang.uid}

        def to_place(gang: Gang) -> Sequence[Task]:
            return tasks if gang.uid == self.gang.uid else tasks_to_place(world, gang, revivable=revivable)

        others = [gang for gang in self.waiting if gang.uid not in relevant]
        gangs = [*others, *(world.gangs[uid] for uid in sorted(relevant))]
        walk = Walk(self.orders, gangs, lambda gang: total_charge(world, to_place(gang)))
        while (gang := walk.pop()) is not None:
            if gang.uid not in relevant:
                continue
            placed = place_gang(world, gang, to_place(gang), promise_only=promise_only)
            if gang.uid == self.gang.uid:
                if not placed:
                    return False
            elif placed and any(
                task.uid in revivable and world.state(task.uid) in WITHOUT_PLACE for task in gang.tasks
            ):
                walk.push(gang)
        return True

    # -- the rules of the actions --------------------------------------------------------------------------------

    def _accepts(self, tasks: Sequence[Task], victims: list[Unit]) -> bool:
        world = self.world
        lost = [unit for unit in victims if any(world.state(task.uid) in WITHOUT_PLACE for task in unit)]
        if self.action == "consolidate":
            return not lost
        if any(self._cuts_protected(unit) for unit in lost):
            return False
        if self.action == "preempt":
            return True
        counted: dict[str, list[Vector]] = {}
        for unit in lost if world.config.allow_consolidating_reclaim else victims:
            counted.setdefault(world.gang_of[unit[0].uid].queue, []).append(self._charge_of(unit))
        return accepts(
            self.standings,
            queue=self.gang.queue,
            request=total_charge(world, tasks),
            preemptible=self.gang.is_preemptible,
            victims=counted,
            saturation_multiplier=world.config.saturation_multiplier,
        )

    def _cuts_protected(self, unit: Unit) -> bool:
        """A gang inside its guaranteed runtime would fall below a minimum."""
        gang = self.world.gang_of[unit[0].uid]
        return self._protected(gang) and any(
            count(self.world, members(gang, one), ACTIVE) < one.min_available for one in pod_sets(gang)
        )

    def _charge_of(self, tasks: Unit) -> Vector:
        total: Vector = (0, 0, 0)
        for task in tasks:
            total = plus(total, self.world.charge(task.uid, self.before[task.uid].node))
        return total

    def _standing(self, name: str) -> QueueStanding:
        queue = self.world.queues[name]
        return QueueStanding(
            name=name,
            parent=queue.parent or None,
            deserved=queue.deserved,
            limit=queue.effective_limit(),
            share=self.orders.shares[name],
            allocated=self.world.allocated(name),
            allocated_non_preemptible=self.world.allocated(name, firm_only=True),
        )
