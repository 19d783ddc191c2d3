"""Who comes next: shares of the queues, the comparison of two queues, and the walk through the tree."""

import math
from collections.abc import Callable, Iterable
from functools import cmp_to_key

from scheduling.engine.model.gangs import Gang
from scheduling.engine.model.resources import WHOLE_GPU, Resources
from scheduling.engine.model.tasks import Task
from scheduling.engine.model.usage import UsageBucket
from scheduling.engine.plan import QueueShare
from scheduling.engine.plugins.fair_share.division import Claim, ShareNode, divide_tree
from tests.engine.reference.gangs import elastic_rank, next_victim_unit, tasks_to_place
from tests.engine.reference.world import NONE, Vector, World, minus, plus

UNITS = (WHOLE_GPU, 1, 1)
WEIGHT_SCALE = 1000
NO_SHARE_PENALTY = 1000
Bounds = tuple[int | None, int | None, int | None]


def fits(amounts: Vector, bounds: Bounds) -> bool:
    return all(bound is None or amount <= bound for amount, bound in zip(amounts, bounds, strict=True))


def fair_shares(world: World) -> dict[str, QueueShare]:
    """Divide the pool down the tree: what each queue may count on in this cycle."""
    usage = historical_usage(world)
    requests = {name: _requested(world, name) for name in world.queues}

    def node(name: str) -> ShareNode:
        queue = world.queues[name]
        limit = queue.effective_limit()
        weights = (queue.weights.gpu, queue.weights.cpu, queue.weights.memory)
        claims = tuple(
            Claim(
                name,
                queue.deserved[unit],
                limit[unit],
                round(weights[unit] * WEIGHT_SCALE),
                requests[name][unit],
                queue.rank,
                queue.created_at,
                usage.get(name, (0.0, 0.0, 0.0))[unit],
            )
            for unit in range(3)
        )
        return ShareNode(claims, [node(child) for child in sorted(world.children[name])])

    top = {name: node(name) for name in sorted(world.children[""])}
    divide_tree(world.total(), list(top.values()), units=UNITS, usage_weight=world.config.usage_weight)
    shares: dict[str, QueueShare] = {}

    def collect(name: str, one: ShareNode) -> None:
        share = Resources(*(claim.share for claim in one.claims))
        shares[name] = QueueShare(share, Resources(*world.allocated(name)), Resources(*requests[name]))
        for child_name, child in zip(sorted(world.children[name]), one.children, strict=True):
            collect(child_name, child)

    for name, one in top.items():
        collect(name, one)
    return shares


def historical_usage(world: World) -> dict[str, tuple[float, float, float]]:
    """Use of each queue over the history, as a part of the capacity over the same time; at most all of it."""
    history, plugins = world.snapshot.history, world.config.plugins
    if (
        "usage_history" not in plugins
        or "fair_share" not in plugins
        or not history.queues
        or not history.capacity
    ):
        return {}
    whole = _used(world, history.capacity)
    usage = {}
    for name in world.queues:
        if name in history.queues:
            part = _used(world, history.queues[name])
            gpu, cpu, memory = (
                min(1.0, part[unit] / whole[unit]) if whole[unit] else 0.0 for unit in range(3)
            )
            usage[name] = (gpu, cpu, memory)
    return usage


def _used(world: World, buckets: Iterable[UsageBucket]) -> list[float]:
    """Amount x seconds inside the window; what ended a half-life ago counts half."""
    options = world.config.options.get("usage_history", {})
    window, half_life = options.get("window", 7 * 24 * 3600.0), options.get("half_life")
    start = options.get("tumbling_start")
    first = world.now - (window if start is None else (world.now - start) % window)
    total = [0.0, 0.0, 0.0]
    for bucket in buckets:
        last = min(bucket.start + bucket.seconds, world.now)
        seconds = last - max(bucket.start, first)
        if seconds > 0:
            weight = 0.5 ** ((world.now - last) / half_life) if half_life else 1.0
            total = [
                sum_ + amount * seconds * weight for sum_, amount in zip(total, bucket.mean, strict=True)
            ]
    return total


def _requested(world: World, queue: str) -> Vector:
    """Allocated and pending under a queue."""
    leaves, total = set(world.below(queue)), NONE
    for uid, place in world.place.items():
        if world.gang_of[uid].queue in leaves and place.state.name == "PENDING":
            total = plus(total, world.charge(uid))
    return plus(total, world.allocated(queue))


class Orders:
    """The orders of one action: they read the world as it stands at each question."""

    def __init__(self, world: World, shares: dict[str, QueueShare]) -> None:
        self.world = world
        self.shares: dict[str, Vector] = {name: tuple(one.fair_share) for name, one in shares.items()}  # type: ignore[misc]  # three amounts
        self.total = world.total()
        self.with_shares = "fair_share" in world.config.plugins
        self.with_priority = "priority" in world.config.plugins
        self.with_elastic = "elastic" in world.config.plugins

    def allocatable(self, queue: str) -> Bounds:
        """The limit where quota is unlimited, else the larger of quota and share, capped by the limit."""
        one, limit = self.world.queues[queue], self.world.queues[queue].effective_limit()
        line: list[int | None] = []
        for unit in range(3):
            deserved, top = one.deserved[unit], limit[unit]
            if deserved is None:
                line.append(top)
            else:
                best = max(deserved, self.shares[queue][unit])
                line.append(best if top is None else min(top, best))
        return (line[0], line[1], line[2])

    # -- gangs of one queue --------------------------------------------------------------------------------------

    def gang_key(
        self, gang: Gang, taken: Callable[[Task], bool] | None = None
    ) -> tuple[int, int, float, str]:
        return (
            -gang.priority if self.with_priority else 0,
            self._rank(gang, taken) if self.with_elastic else 0,
            gang.created_at,
            gang.uid,
        )

    def _rank(self, gang: Gang, taken: Callable[[Task], bool] | None) -> int:
        if taken is not None:
            return elastic_rank(self.world, gang, taken)
        if gang.uid not in self.world.ranks:
            self.world.ranks[gang.uid] = elastic_rank(self.world, gang)
        return self.world.ranks[gang.uid]

    # -- queues --------------------------------------------------------------------------------------------------

    def compare(
        self,
        left: str,
        right: str,
        next_left: Vector,
        next_right: Vector,
        gone_left: Vector,
        gone_right: Vector,
    ) -> int:
        """Negative when `left` is served first. `next_*`: the request of its next gang; `gone_*`: popped victims."""
        if self.with_shares:
            for one, other in zip(
                self._places(left, next_left, gone_left),
                self._places(right, next_right, gone_right),
                strict=True,
            ):
                if one != other:
                    return -1 if one < other else 1  # type: ignore[operator]  # same kind at the same place
        ages = (self.world.queues[left].created_at, left), (self.world.queues[right].created_at, right)
        return -1 if ages[0] < ages[1] else 1

    def _places(self, name: str, request: Vector, gone: Vector) -> tuple[object, ...]:
        queue, line = self.world.queues[name], self.allocatable(name)
        allocated = self.world.allocated(name)
        after = plus(allocated, request)
        above_share = all(share < used for share, used in zip(self.shares[name], allocated, strict=True))
        uses_nothing_share = any(amount > 0 and bound == 0 for amount, bound in zip(after, line, strict=True))
        return (
            above_share,
            not fits(after, queue.deserved),
            -queue.rank,
            uses_nothing_share,
            self._dominant(minus(after, gone), line),
            self._dominant(allocated, line),
            tuple(math.inf if bound is None else bound for bound in line),
        )

    def _dominant(self, amounts: Vector, line: Bounds) -> float:
        """The fullest of the three; an unlimited line counts as the whole pool, a line of nothing as a penalty."""
        parts = []
        for unit in range(3):
            bound = self.total[unit] if line[unit] is None else line[unit]
            if bound:
                parts.append(amounts[unit] / bound)
            else:
                parts.append(amounts[unit] / UNITS[unit] * NO_SHARE_PENALTY)
        return max(parts)


class Tree:
    """The way down the queue tree to the leaf that is next; `first` or, for victims, last in the order.

    A queue above leaves is judged by the head of the child it served last, while that child has any; at first, and when
    that child has run dry, by the head of the leaf one would come to now. Which child is best is asked anew on entering.
    """

    def __init__(
        self,
        world: World,
        head: Callable[[str], Gang | None],
        compare: Callable[[str, Gang, str, Gang], int],
        *,
        first: bool,
    ) -> None:
        self.world, self.head, self.compare, self.first = world, head, compare, first
        self.served: dict[str, str] = {}

    def enter(self, queue: str = "") -> str | None:
        """The leaf that is next under a queue; None when nobody is left there."""
        children = self.world.children[queue]
        if not children:
            return queue if self.head(queue) is not None else None
        found = [(child, judge) for child in children if (judge := self._judge(child)) is not None]
        if not found:
            return None

        def compare(one: tuple[str, Gang], other: tuple[str, Gang]) -> int:
            return self.compare(one[0], one[1], other[0], other[1])

        best = (min if self.first else max)(found, key=cmp_to_key(compare))
        return self.enter(best[0])

    def _judge(self, queue: str) -> Gang | None:
        """The gang that stands for a queue."""
        if queue in self.served and (judge := self._judge(self.served[queue])) is not None:
            return judge
        leaf = self.enter(queue)
        return None if leaf is None else self.head(leaf)

    def served_in(self, leaf: str) -> None:
        path = self.world.path(leaf)
        self.served.update(zip(path[1:], path[:-1], strict=True))


class Walk:
    """Gangs in the order of the tree: best department, best project in it, best gang in that.

    What stands for a parent in comparisons: see Tree.
    """

    def __init__(
        self,
        orders: Orders,
        gangs: list[Gang],
        request: Callable[[Gang], Vector],
        depth: int | None = None,
    ) -> None:
        self.orders, self.world, self.request = orders, orders.world, request
        self.tree = Tree(self.world, self._head, self._compare, first=True)
        self.waiting: dict[str, list[Gang]] = {}
        for gang in gangs:
            self.waiting.setdefault(gang.queue, []).append(gang)
        if depth is not None:
            for queue, members in self.waiting.items():
                self.waiting[queue] = sorted(members, key=orders.gang_key)[:depth]

    def pop(self) -> Gang | None:
        """Take the next gang off the walk."""
        leaf = self.tree.enter()
        if leaf is None:
            return None
        gang = self._head(leaf)
        assert gang is not None
        self.waiting[leaf].remove(gang)
        self.tree.served_in(leaf)
        return gang

    def push(self, gang: Gang) -> None:
        self.waiting[gang.queue].append(gang)

    def _head(self, leaf: str) -> Gang | None:
        return min(self.waiting.get(leaf, ()), key=self.orders.gang_key, default=None)

    def _compare(self, one: str, one_head: Gang, other: str, other_head: Gang) -> int:
        asked = self.request(one_head), self.request(other_head)
        return self.orders.compare(one, other, *asked, NONE, NONE)


def next_request(world: World, gang: Gang) -> Vector:
    """What the next attempt of a waiting gang asks of its queue."""
    total = NONE
    for task in tasks_to_place(world, gang):
        total = plus(total, world.charge(task.uid))
    return total


class VictimWalk:
    """Units of victims in reverse order: what would be served last is taken first.

    What was taken so far counts in the comparison of dominant shares.
    """

    def __init__(self, orders: Orders, gangs: list[Gang]) -> None:
        self.orders, self.world = orders, orders.world
        self.tree = Tree(self.world, self._head, self._compare, first=False)
        self.asked = {gang.uid: next_request(orders.world, gang) for gang in gangs}
        self.left: dict[str, list[Gang]] = {}
        for gang in gangs:
            self.left.setdefault(gang.queue, []).append(gang)
        self.taken: set[str] = set()
        self.gone: dict[str, Vector] = {}

    def pop(self) -> list[Task] | None:
        """The next unit: one surplus task, or all that is left of a gang."""
        while (leaf := self.tree.enter()) is not None:
            gang = self._head(leaf)
            assert gang is not None
            unit = next_victim_unit(self.world, gang, self.taken)
            if not unit:
                self.left[leaf].remove(gang)
                continue
            self.tree.served_in(leaf)
            for task in unit:
                self.taken.add(task.uid)
                charge = self.world.charge(task.uid, self.world.place[task.uid].node)
                for name in self.world.path(leaf):
                    self.gone[name] = plus(self.gone.get(name, NONE), charge)
            if not next_victim_unit(self.world, gang, self.taken):
                self.left[leaf].remove(gang)
            return unit
        return None

    def _head(self, leaf: str) -> Gang | None:
        return max(self.left.get(leaf, ()), key=self._key, default=None)

    def _compare(self, one: str, one_head: Gang, other: str, other_head: Gang) -> int:
        gone = self.gone.get(one, NONE), self.gone.get(other, NONE)
        return self.orders.compare(one, other, self.asked[one_head.uid], self.asked[other_head.uid], *gone)

    def _key(self, gang: Gang) -> tuple[int, int, float, str]:
        return self.orders.gang_key(gang, lambda task: task.uid in self.taken)
