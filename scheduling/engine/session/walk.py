"""Walks over the queue tree: the next gang of the most entitled queue, or the next victim of the least entitled one."""

from collections.abc import Callable, Iterable, Mapping
from heapq import heappop, heappush
from typing import TYPE_CHECKING, Protocol

from scheduling.engine.model.resources import NOTHING, Resources
from scheduling.engine.model.snapshot import NOWHERE
from scheduling.engine.plugin import Key
from scheduling.engine.session.lines import gang_of

if TYPE_CHECKING:
    from scheduling.engine.session import Session


NOBODY = -1
"""Index of no gang."""


class Line(Protocol):
    """The gangs of one leaf queue, best first; `head` is the next one, NOBODY when there is none."""

    head: int

    def pop(self) -> int: ...


class WaitingLine:
    """Gangs in order, from a sorted list that may not change meanwhile, with others pushed in between."""

    __slots__ = ("_base", "_depth", "_next", "_pushed", "head")

    def __init__(self, base: list[Key], depth: int | None = None) -> None:
        self._base = base
        self._next = 0
        self._pushed: list[Key] = []
        self._depth = len(base) if depth is None else min(depth, len(base))
        self._find_head()

    def _find_head(self) -> None:
        if self._pushed_is_first():
            self.head = gang_of(self._pushed[0])
        else:
            self.head = gang_of(self._base[self._next]) if self._next < self._depth else NOBODY

    def _pushed_is_first(self) -> bool:
        return bool(self._pushed) and (self._next >= self._depth or self._pushed[0] < self._base[self._next])

    def pop(self) -> int:
        gang = self.head
        if self._pushed_is_first():
            heappop(self._pushed)
        else:
            self._next += 1
        self._find_head()
        return gang

    def push(self, key: Key) -> None:
        heappush(self._pushed, key)
        self._find_head()


class QueueWalk:
    """Pops gangs in the order of the whole tree, as it is at each pop.

    At each level the sibling with the smallest key (`largest`: the largest) is entered. A queue above leaves is judged by the
    head of the child it served last, at first by that of its best child; which child is best is asked again when the queue is
    entered. (The recorded scheduler re-sorts children only then; judging by the best child binds other gangs.)
    Keys are kept until the queue's sums or the heads below it change; `is_fixed` promises that the sums will not.
    """

    def __init__(
        self,
        session: "Session",
        lines: Mapping[int, Line],
        asked: Callable[[int], Resources],
        *,
        largest: bool = False,
        is_fixed: bool = False,
    ) -> None:
        self._session = session
        self._lines = {leaf: line for leaf, line in lines.items() if line.head != NOBODY}
        self._asked = asked
        self._is_fixed = is_fixed
        self._pick: Callable[..., int] = max if largest else min
        self._popped: dict[int, Resources] = {}
        self._keys: dict[int, Key] = {}
        self._seen = len(session.state.ledger.changes)
        self._below: dict[int, list[int]] = {}
        self._served: dict[int, int] = {}
        """Per queue above leaves: the child it served last."""
        self._path = session.state.ledger.path
        for leaf in sorted(self._lines):
            self._enlist(self._path[leaf])

    def _enlist(self, path: Iterable[int]) -> None:
        parents = self._session.snapshot.queue_parent
        for queue in path:
            siblings = self._below.setdefault(parents[queue], [])
            if queue in siblings:
                return
            siblings.append(queue)

    def pop(self) -> int | None:
        """The next gang, or None when all lines are empty."""
        leaf = self.next_leaf()
        return None if leaf is None else self.take_from(leaf)

    def take_from(self, leaf: int, amounts: Resources | None = None) -> int:
        """Pop the head of a leaf, the one `next_leaf` has just told.

        `amounts` is the size of a chosen victim: it is remembered for the leaf and all queues above it.
        """
        line, keys, below = self._lines[leaf], self._keys, NOWHERE
        gang = line.pop()
        for queue in self._path[leaf]:
            keys.pop(queue, None)
            if below != NOWHERE:
                self._served[queue] = below
            below = queue
            if amounts is not None:
                self._popped[queue] = self._popped.get(queue, NOTHING).plus(amounts)
        if line.head == NOBODY:
            self._delist(leaf)
        return gang

    def next_leaf(self) -> int | None:
        """The leaf queue whose head is next."""
        changes = self._session.state.ledger.changes
        if self._seen < len(changes) and not self._is_fixed:
            for leaf in set(changes[self._seen :]):
                self._forget_keys(leaf)
            self._seen = len(changes)
        top = self._below.get(NOWHERE)
        return self._best_leaf(top) if top else None

    def add(self, leaf: int, line: Line) -> None:
        """Tell that a gang was pushed into the leaf's line, which may have been empty."""
        self._lines[leaf] = line
        self._enlist(self._path[leaf])
        self._forget_keys(leaf)

    def _forget_keys(self, leaf: int) -> None:
        for queue in self._path[leaf]:
            self._keys.pop(queue, None)

    def _delist(self, leaf: int) -> None:
        parents = self._session.snapshot.queue_parent
        for queue in self._path[leaf]:
            siblings = self._below[parents[queue]]
            siblings.remove(queue)
            if siblings:
                return

    def _best_leaf(self, siblings: list[int]) -> int:
        keys = self._keys
        while True:
            queue = siblings[0]
            if len(siblings) > 1:
                for sibling in siblings:
                    if sibling not in keys:
                        keys[sibling] = self._key(sibling)
                queue = self._pick(siblings, key=keys.__getitem__)
            below = self._below.get(queue)
            if not below:
                return queue
            siblings = below

    def key_of(self, queue: int) -> Key:
        """The key by which the queue is compared with its siblings; to be asked after `next_leaf`."""
        known = self._keys.get(queue)
        if known is None:
            known = self._keys[queue] = self._key(queue)
        return known

    def _key(self, queue: int) -> Key:
        leaf = self._judged_by(queue) if queue in self._below else queue
        asked = self._asked(self._lines[leaf].head)
        popped = self._popped.get(queue, NOTHING) if self._popped else NOTHING
        return self._session.queue_key(queue, asked, popped)

    def _judged_by(self, queue: int) -> int:
        """The leaf whose head stands for the queue."""
        while below := self._below.get(queue):
            served = self._served.get(queue)
            if served is None or served not in below:
                return self._best_leaf(below)
            queue = served
        return queue
