"""When a queue may take room from another: the entry check and the judgement of a set of victims.

Amounts are vectors of integers, one entry per resource in one fixed order (GPU, CPU, memory). In the columns
`deserved`, `limit` and `share` None means unlimited. Reclaim looks at queues just below the lowest common
ancestor of the two: projects of one department meet as projects, projects of two departments as departments.
"""

from collections.abc import Mapping, Sequence
from operator import add, sub
from typing import NamedTuple

Vector = tuple[int, ...]
Bounds = tuple[int | None, ...]


class QueueStanding(NamedTuple):
    """What reclaim needs to know about one queue. `parent` is None at the top."""

    name: str
    parent: str | None
    deserved: Bounds
    limit: Bounds
    share: Bounds
    allocated: Vector
    allocated_non_preemptible: Vector

    @property
    def allocatable(self) -> Bounds:
        """The line above which others may take: the larger of deserved and share, capped by the limit."""
        return tuple(map(_allocatable, self.deserved, self.limit, self.share))


Standings = Mapping[str, QueueStanding]


def may_try(queue: QueueStanding, request: Vector, *, preemptible: bool) -> bool:
    """Whether a pending gang may look for victims at all: within its queue's share, leaf queue only."""
    if not within(plus(queue.allocated, request), queue.share):
        return False
    return preemptible or within(plus(queue.allocated_non_preemptible, request), queue.deserved)


def accepts(
    standings: Standings,
    *,
    queue: str,
    request: Vector,
    preemptible: bool,
    victims: Mapping[str, Sequence[Vector]],
    saturation_multiplier: float = 1.0,
) -> bool:
    """Whether the victims (per leaf queue: units in the order they are taken) may go to `queue`.

    Every unit needs a reason while what was taken before it is already gone, so a queue falls below the line
    that justified the taking by no more than the last unit.
    """
    remaining: dict[str, Vector] = {}
    involved: dict[str, set[int]] = {}
    path = path_up(standings, queue)
    lines: dict[str, tuple[Bounds, Bounds | None]] = {}
    for victim_queue, units in victims.items():
        victim_path = path_up(standings, victim_queue)
        mine, theirs = _fork(path, victim_path)
        if theirs not in lines:
            lines[theirs] = _lines_of(standings[mine], standings[theirs], request)
        share_line, quota_line = lines[theirs]
        touched = {index for unit in units for index, amount in enumerate(unit) if amount > 0}
        for unit in units:
            left = remaining.get(theirs, standings[theirs].allocated)
            if within(left, share_line) and (quota_line is None or within(left, quota_line)):
                return False
            for name in victim_path:
                remaining[name] = minus(remaining.get(name, standings[name].allocated), unit)
        for name in victim_path:
            involved.setdefault(name, set()).update(touched)
    return _keeps_balance(
        standings,
        queue=queue,
        request=request,
        preemptible=preemptible,
        remaining=remaining,
        involved=involved,
        saturation_multiplier=saturation_multiplier,
    )


def _lines_of(mine: QueueStanding, theirs: QueueStanding, request: Vector) -> tuple[Bounds, Bounds | None]:
    """Above which others may take from `theirs`: its share, and, for one who stays within its own quota, its quota."""
    stays_deserved = within(plus(mine.allocated, request), mine.deserved)
    return theirs.allocatable, theirs.deserved if stays_deserved else None


def _keeps_balance(
    standings: Standings,
    *,
    queue: str,
    request: Vector,
    preemptible: bool,
    remaining: dict[str, Vector],
    involved: Mapping[str, set[int]],
    saturation_multiplier: float,
) -> bool:
    """After the taking: at no level may the taker be fuller than a sibling that lost something."""
    asked = {index for index, amount in enumerate(request) if amount > 0}
    for name in path_up(standings, queue):
        level = standings[name]
        after = plus(remaining.get(name, level.allocated), request)
        for other, left in remaining.items():
            sibling = standings[other]
            if other == name or sibling.parent != level.parent:
                continue
            for index in involved[other] | asked:
                if _overtakes(
                    after[index], level.share[index], left[index], sibling.share[index], saturation_multiplier
                ):
                    return False
        if not preemptible and not within(plus(level.allocated_non_preemptible, request), level.deserved):
            return False
    return True


def _overtakes(
    mine: int, my_share: int | None, theirs: int, their_share: int | None, multiplier: float
) -> bool:
    """Whether the taker is above its share and at least as full, in proportion, as the one who lost.

    An unlimited share is never full; a share of nothing with any use is infinitely full. A sibling whose
    share is nothing (or unlimited) protects nothing.
    """
    if my_share is None or not their_share or mine <= my_share:
        return False
    if my_share == 0:
        return True
    if multiplier == 1.0:
        return mine * their_share >= theirs * my_share
    return mine / my_share * multiplier >= theirs / their_share


def below_common_ancestor(standings: Standings, one: str, other: str) -> tuple[str, str]:
    """The two queues to compare: the first that differ on the ways down from the top."""
    return _fork(path_up(standings, one), path_up(standings, other))


def _fork(one: list[str], other: list[str]) -> tuple[str, str]:
    """The same, from the two ways up."""
    for pair in zip(reversed(one), reversed(other), strict=False):
        if pair[0] != pair[1]:
            return pair
    return one[0], other[0]


def path_up(standings: Standings, name: str) -> list[str]:
    """The queue and its ancestors, leaf first."""
    path = [name]
    while (parent := standings[path[-1]].parent) is not None and parent in standings:
        path.append(parent)
    return path


def within(amounts: Vector, bounds: Bounds) -> bool:
    """Whether no amount is above its bound; equality passes, None is no bound."""
    for amount, bound in zip(amounts, bounds, strict=True):
        if bound is not None and amount > bound:
            return False
    return True


def plus(one: Vector, other: Vector) -> Vector:
    """Entry by entry."""
    return tuple(map(add, one, other))


def minus(one: Vector, other: Vector) -> Vector:
    """Entry by entry."""
    return tuple(map(sub, one, other))


def _allocatable(deserved: int | None, limit: int | None, share: int | None) -> int | None:
    if deserved is None:
        return limit
    top = deserved if share is None else max(deserved, share)
    return top if limit is None else min(limit, top)
