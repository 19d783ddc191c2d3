"""Pure: what the owner of a pod that was taken back is told: by which rule, with the numbers, and no name that is not theirs to know."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from scheduling.engine.model.queues import Queue
from scheduling.engine.plan import Eviction
from scheduling.priorities import PRIORITIES

GIB = 2**30


@dataclass(frozen=True)
class Parties:
    """Who lost and who gained: queues by name, and the gaining gang's name. `gainer` "" when nobody gained."""

    pool: str
    loser_queue: str
    gainer_queue: str = ""
    gainer: str = ""

    @property
    def is_one_project(self) -> bool:
        return self.loser_queue == self.gainer_queue

    @property
    def gainer_words(self) -> str:
        """A name only inside the project; a person may not see others' work."""
        return self.gainer if self.is_one_project and self.gainer else "another project's workload"


def eviction_sentence(eviction: Eviction, parties: Parties, queues: Sequence[Queue]) -> str:
    """At most two sentences; an action this text does not know is told by its rule."""
    match eviction.action:
        case "reclaim":
            return _reclaimed(eviction, parties, queues)
        case "preempt":
            return _preempted(eviction.numbers, parties)
        case "consolidate":
            return f"Moved so that {parties.gainer_words} fits on one node; it starts again in another place."
        case "evict_broken_gangs":
            seconds = eviction.numbers.get("stale_seconds", 0)
            return f"Stopped: fewer of its pods ran than it needs at least, for {seconds} s."
    return f"Taken back by the rule {eviction.rule}."


def _reclaimed(eviction: Eviction, parties: Parties, queues: Sequence[Queue]) -> str:
    numbers, unit = eviction.numbers, eviction.numbers.get("unit", 0)
    owner = meeting_queue(parties.loser_queue, parties.gainer_queue, queues)
    held = amount(unit, numbers.get("allocated", 0))
    if eviction.rule == "guaranteed-quota":
        deserved = numbers.get("deserved", 0)
        line = f"its quota is {amount(unit, max(0, deserved))}"
        whom = f"{parties.gainer_words}, which is within its quota"
    else:
        line = f"its fair share was {amount(unit, numbers.get('fair_share', 0))}"
        whom = parties.gainer_words
    return f"Taken back for {whom}: {owner} held {held} in {parties.pool}, {line}."


def _preempted(numbers: Mapping[str, int], parties: Parties) -> str:
    theirs = priority_words(numbers.get("beneficiary_priority", 0))
    own = priority_words(numbers.get("priority", 0))
    return f"Interrupted for {parties.gainer_words}: its priority is {theirs}, this one's is {own}."


def meeting_queue(loser: str, gainer: str, queues: Sequence[Queue]) -> str:
    """The loser's queue just below the lowest one both are under: there the two are compared."""
    parents = {queue.name: queue.parent for queue in queues}
    above = set(_path(gainer, parents))
    path = _path(loser, parents)
    return next((name for name in path if parents.get(name, "") in above or not parents.get(name)), loser)


def _path(queue: str, parents: Mapping[str, str]) -> list[str]:
    """The queue and all above it."""
    path = []
    while queue and queue not in path:
        path.append(queue)
        queue = parents.get(queue, "")
    return path


def amount(unit: int, value: int) -> str:
    """`unit` counts as the engine does: 0 milli-GPU, 1 millicores, 2 bytes."""
    if unit == 2:
        return f"{value / GIB:.4g} GiB of memory"
    number = f"{value / 1000:g}"
    if unit == 1:
        return f"{number} CPU cores"
    return f"{number} GPU" if value == 1000 else f"{number} GPUs"


_NAMES = {value: name for name, value in reversed(PRIORITIES.items())}


def priority_words(value: int) -> str:
    """`Very high` for the class of that value, else the number."""
    return _NAMES[value].replace("-", " ").capitalize() if value in _NAMES else str(value)
