"""What each queue held in each hour of product time, and what its pool had to give: what time-based fair share looks back on."""

from collections.abc import Iterable, Iterator
from datetime import datetime

from organization.models import Cluster, NodePool
from organization.services.node_pools import USAGE_HOURS_AT_MOST
from scheduling.engine import ClusterSnapshot
from scheduling.engine.model.resources import Resources
from scheduling.engine.model.usage import UsageBucket, UsageHistory
from scheduling.models import UsageHour

HOUR = 3600
COUNTED_EVERY_SECONDS = 60
CAPACITY = ""
"""Stands for the pool itself among its queues."""
MIB = 2**20

Held = tuple[int, int, int]
"""Milli-GPU-seconds, millicore-seconds and MiB-seconds."""
Key = tuple[str, str]
"""Pool and queue."""


class UsageMemory:
    """Of one cluster, in the process that has the leases; `save` writes what changed. Counted whether or not a pool makes use of it."""

    def __init__(self, cluster: Cluster) -> None:
        self._cluster = cluster
        self._held: dict[Key, dict[int, Held]] = {}
        """Per hour, told by the second it begins at."""
        self._changed: set[tuple[Key, int]] = set()
        self._counted_until: datetime | None = None
        self._histories: dict[str, UsageHistory] = {}

    def load(self) -> None:
        """Read everything anew; the time until the next count is nobody's."""
        self._held, self._counted_until = {}, None
        self._changed.clear()
        self._histories.clear()
        for row in UsageHour.objects.filter(cluster=self._cluster):
            held = (row.gpu_milli_seconds, row.cpu_milli_seconds, row.memory_mib_seconds)
            self._held.setdefault((row.pool, row.queue), {})[row.hour] = held

    def count(self, snapshots: Iterable[ClusterSnapshot], now: datetime) -> None:
        """Add what is held now for the time since the last count, at most once a product minute."""
        since = self._counted_until
        if since is not None and 0 <= (now - since).total_seconds() < COUNTED_EVERY_SECONDS:
            return
        self._counted_until = now
        if since is None or now < since:
            return
        for snapshot in snapshots:
            for hour, seconds in by_hour(since.timestamp(), now.timestamp()):
                self._add((snapshot.pool, CAPACITY), hour, snapshot.total, seconds)
                for queue, sums in zip(snapshot.queues, snapshot.queue_sums, strict=True):
                    if any(sums.allocated):
                        self._add((snapshot.pool, queue.name), hour, Resources(*sums.allocated), seconds)
        self._forget(before=now.timestamp() - USAGE_HOURS_AT_MOST * HOUR)
        self._histories.clear()

    def history_of(self, pool: NodePool) -> UsageHistory:
        """As the engine takes it; empty where past use does not count."""
        if not pool.time_based_fair_share:
            return UsageHistory()
        if pool.name not in self._histories:
            queues = {
                queue: tuple(self._bucket(hour, held) for hour, held in sorted(hours.items()))
                for (name, queue), hours in self._held.items()
                if name == pool.name
            }
            capacity = queues.pop(CAPACITY, ())
            self._histories[pool.name] = UsageHistory(queues, capacity)
        return self._histories[pool.name]

    def save(self) -> int:
        """Write what changed in one statement; how many rows."""
        rows = [
            UsageHour(
                cluster=self._cluster,
                pool=key[0],
                queue=key[1],
                hour=hour,
                **dict(zip(AMOUNTS, self._held[key][hour], strict=True)),
            )
            for key, hour in sorted(self._changed)
            if hour in self._held[key]
        ]
        if rows:
            UsageHour.objects.bulk_create(
                rows,
                batch_size=500,
                update_conflicts=True,
                unique_fields=["cluster", "pool", "queue", "hour"],
                update_fields=list(AMOUNTS),
            )
        self._changed.clear()
        return len(rows)

    def _add(self, key: Key, hour: int, amounts: Resources, seconds: float) -> None:
        hours = self._held.setdefault(key, {})
        gpu, cpu, memory = hours.get(hour, (0, 0, 0))
        hours[hour] = (
            gpu + round(max(0, amounts.gpu_milli) * seconds),
            cpu + round(max(0, amounts.cpu_milli) * seconds),
            memory + round(max(0, amounts.memory_bytes) * seconds / MIB),
        )
        self._changed.add((key, hour))

    def _forget(self, *, before: float) -> None:
        for hours in self._held.values():
            for hour in [one for one in hours if one + HOUR <= before]:
                del hours[hour]

    def _bucket(self, hour: int, held: Held) -> UsageBucket:
        """The hour that is not over yet ends where the count stands."""
        until = self._counted_until.timestamp() if self._counted_until else hour + HOUR
        seconds = min(float(HOUR), until - hour) if until > hour else float(HOUR)
        gpu, cpu, memory = held
        mean = Resources(round(gpu / seconds), round(cpu / seconds), round(memory * MIB / seconds))
        return UsageBucket(float(hour), seconds, mean)


AMOUNTS = ("gpu_milli_seconds", "cpu_milli_seconds", "memory_mib_seconds")


def by_hour(since: float, until: float) -> Iterator[tuple[int, float]]:
    """The hours between two instants (seconds since the epoch) and how many seconds lie in each."""
    hour = int(since) // HOUR * HOUR
    while hour < until:
        seconds = min(until, hour + HOUR) - max(since, hour)
        if seconds > 0:
            yield hour, seconds
        hour += HOUR
