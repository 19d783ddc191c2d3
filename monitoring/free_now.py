"""Pure: how many pods of each size would fit on one node now, by pool, and what the waiting ones ask for."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Any

SIZES = (1, 2, 4, 8)


@dataclass(frozen=True)
class NodeRoom:
    """Whole GPUs of one node that takes work."""

    pool: str
    gpus: int
    allocated: int

    @property
    def free(self) -> int:
        return max(0, self.gpus - self.allocated)


@dataclass(frozen=True)
class Wish:
    """`pods` pods of one waiting workload that ask for `gpus` whole GPUs each, on one node."""

    gpus: int
    pods: int


def fits_rows(rooms: Iterable[NodeRoom], pools: Iterable[str]) -> list[dict[str, Any]]:
    """Rows of the fits table, one a pool, those without nodes too."""
    by_pool: dict[str, list[NodeRoom]] = {name: [] for name in pools}
    for room in rooms:
        by_pool.setdefault(room.pool, []).append(room)
    return [fits_row(name, found) for name, found in sorted(by_pool.items())]


def fits_row(pool: str, rooms: Sequence[NodeRoom]) -> dict[str, Any]:
    allocated, total = sum(room.allocated for room in rooms), sum(room.gpus for room in rooms)
    return {
        "pool": pool,
        "allocated": allocated,
        "total": total,
        "free": sum(room.free for room in rooms),
        "fits": [sum(room.free // size for room in rooms) for size in SIZES],
        "label": f"{allocated} of {total} allocated",
    }


def size_of(gpus: int) -> int:
    """The column a request belongs to: the smallest size that holds it, the largest for more."""
    return next((size for size in SIZES if gpus <= size), SIZES[-1])


def asked_row(
    wishes: Iterable[Wish], rows: Sequence[dict[str, Any]], *, waiting: int
) -> dict[str, Any] | None:
    """What is asked for in the same columns; a size that fits nowhere is short. None when nobody waits for GPUs."""
    counts = dict.fromkeys(SIZES, 0)
    gpus = 0
    for wish in wishes:
        if wish.gpus > 0:
            counts[size_of(wish.gpus)] += wish.pods
            gpus += wish.gpus * wish.pods
    if not gpus:
        return None
    there = [sum(row["fits"][place] for row in rows) for place in range(len(SIZES))]
    noun = "workload" if waiting == 1 else "workloads"
    return {
        "text": f"Asked for by {waiting} waiting {noun}",
        "gpus": gpus,
        "counts": [
            {"count": counts[size], "short": counts[size] > 0 and not there[place]}
            for place, size in enumerate(SIZES)
        ],
    }


def summary(rows: Sequence[dict[str, Any]]) -> str:
    """One sentence on fragmentation: what is free in all, and the largest size that fits on one node."""
    free = sum(row["free"] for row in rows)
    if not free:
        return "No GPU is free now."
    largest = max(size for place, size in enumerate(SIZES) if any(row["fits"][place] for row in rows))
    noun = "GPU is" if free == 1 else "GPUs are"
    if largest == SIZES[-1]:
        return f"{free} {noun} free, and a node with {largest} of them together is among them."
    following = SIZES[SIZES.index(largest) + 1]
    return f"{free} {noun} free, but no node has {following} of them together."
