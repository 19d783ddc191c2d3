"""The imaginary devices of one node: who has which, and what each shows at a moment.

What a device shows is a function of its pod's patterns and the time, so nothing has to be stored or ticked.
"""

import uuid
import zlib
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from cluster.simulator import annotations as told
from cluster.simulator.annotations import DeviceFault
from cluster.simulator.patterns import IDLE, Pattern, Wave, parse_pattern
from cluster.simulator.shapes import NodeShape

_UUIDS = uuid.UUID("6f9a3c1e-6a0f-4f0e-9d5c-2f6a53c4a1b7")
_USED_SHARE = 0.75
_IDLE_CELSIUS, _CELSIUS_PER_PERCENT = 31.0, 0.42


@dataclass(frozen=True)
class Load:
    """What one container does to its devices. `since` is product time; None while it does not run."""

    namespace: str
    pod: str
    container: str
    uid: str
    utilisation: Pattern
    memory_mib: int | None
    since: datetime | None


@dataclass(frozen=True)
class Reading:
    """What one device shows. Memory in MiB, temperature in Celsius, power in watts; `xid` 0 means no error so far."""

    index: int
    uuid: str
    product: str
    utilisation: float
    memory_used_mib: int
    memory_free_mib: int
    celsius: float
    watts: float
    xid: int
    load: Load | None
    pid: int | None


def load_of(pod: Mapping[str, Any], since: datetime | None) -> Load:
    """What the pod's annotations say it does to its GPUs; raises AnnotationWrong."""
    meta = pod["metadata"]
    notes = meta.get("annotations") or {}
    text = notes.get(told.GPU_UTILISATION)
    owner_kinds = {owner.get("kind") for owner in meta.get("ownerReferences") or []}
    if text is not None:
        pattern = parse_pattern(text, f"annotation {told.GPU_UTILISATION}")
    else:
        pattern = Wave(72, 98, 600) if "Job" in owner_kinds else Wave(3, 45, 1200)
    memory = told.whole(notes, told.GPU_MEMORY_MIB, -1, 0, 4_194_304)
    return Load(
        namespace=str(meta["namespace"]),
        pod=str(meta["name"]),
        container=str(pod["spec"]["containers"][0]["name"]),
        uid=str(meta["uid"]),
        utilisation=pattern,
        memory_mib=None if memory < 0 else memory,
        since=since,
    )


class Devices:
    """The devices of one node; not thread-safe, the kubelet's lock guards it."""

    def __init__(self, node: str, shape: NodeShape) -> None:
        self.node = node
        self.shape = shape
        self.uuids = [f"GPU-{uuid.uuid5(_UUIDS, f'{node}/{index}')}" for index in range(shape.gpus)]
        self._holders: dict[int, str] = {}
        self._faults: dict[int, DeviceFault] = {}

    # --- who has which --------------------------------------------------------------------------------------------

    def assign(self, uid: str, count: int) -> tuple[int, ...] | None:
        """The lowest free healthy devices for a pod, or None (and nothing taken) when there are too few."""
        free = [
            index
            for index in range(self.shape.gpus)
            if index not in self._holders and not self.is_dead(index)
        ]
        if len(free) < count:
            return None
        taken = tuple(free[:count])
        self._take(uid, taken)
        return taken

    def restore(self, uid: str, indices: Sequence[int]) -> bool:
        """Give a pod the devices it had before; False when they are not to be had any more."""
        if any(index >= self.shape.gpus or self._holders.get(index, uid) != uid for index in indices):
            return False
        self._take(uid, indices)
        return True

    def release(self, uid: str) -> None:
        self._holders = {index: holder for index, holder in self._holders.items() if holder != uid}

    def held_by(self, uid: str) -> tuple[int, ...]:
        return tuple(sorted(index for index, holder in self._holders.items() if holder == uid))

    def free_count(self) -> int:
        return sum(
            1 for index in range(self.shape.gpus) if index not in self._holders and not self.is_dead(index)
        )

    def _take(self, uid: str, indices: Iterable[int]) -> None:
        for index in indices:
            self._holders[index] = uid

    # --- faults ---------------------------------------------------------------------------------------------------

    def set_faults(self, faults: Mapping[int, DeviceFault]) -> set[str]:
        """Take over the faults as they are now told; the pods whose device has just died or thrown an error."""
        struck = {
            self._holders[index]
            for index, fault in faults.items()
            if index in self._holders and self._faults.get(index) != fault and (fault.dead or fault.xid)
        }
        self._faults = dict(faults)
        return struck

    def is_dead(self, index: int) -> bool:
        fault = self._faults.get(index)
        return fault is not None and fault.dead

    def dead_count(self) -> int:
        return sum(1 for index in range(self.shape.gpus) if self.is_dead(index))

    # --- what they show -------------------------------------------------------------------------------------------

    def readings(self, loads: Mapping[str, Load], now: datetime) -> list[Reading]:
        """One reading for each device that still answers; `loads` by pod uid."""
        return [
            self._reading(index, loads.get(self._holders.get(index, "")), now)
            for index in range(self.shape.gpus)
            if not self.is_dead(index)
        ]

    def _reading(self, index: int, load: Load | None, now: datetime) -> Reading:
        running = load is not None and load.since is not None
        utilisation = self._utilisation(index, load, now)
        used = self._memory(load) if running else 0
        fault = self._faults.get(index)
        watts = self.shape.idle_watts + (self.shape.peak_watts - self.shape.idle_watts) * utilisation / 100
        return Reading(
            index=index,
            uuid=self.uuids[index],
            product=self.shape.gpu_product,
            utilisation=round(utilisation),
            memory_used_mib=used,
            memory_free_mib=self.shape.gpu_memory_mib - used,
            celsius=round(
                _IDLE_CELSIUS + _CELSIUS_PER_PERCENT * utilisation + _noise(self.uuids[index], 0, 3)
            ),
            watts=round(watts, 1),
            xid=fault.xid if fault else 0,
            load=load,
            pid=_pid(load, index) if running and load is not None else None,
        )

    def _utilisation(self, index: int, load: Load | None, now: datetime) -> float:
        if load is None or load.since is None:
            return IDLE.at(0)
        percent = load.utilisation.at((now - load.since).total_seconds())
        if percent in (0.0, 100.0) or isinstance(load.utilisation, type(IDLE)):
            return percent  # what was told exactly is shown exactly
        # devices of one pod do not run in perfect step
        wobble = _noise(f"{load.uid}/{index}/{int(now.timestamp()) // 15}", -2, 2)
        return min(100.0, max(0.0, percent + wobble))

    def _memory(self, load: Load | None) -> int:
        if load is None:
            return 0
        if load.memory_mib is None:
            return int(self.shape.gpu_memory_mib * _USED_SHARE)
        # a container that wants more than there is fails as it asks for it; until then it holds what it got
        return min(self.shape.gpu_memory_mib, load.memory_mib)


def _noise(seed: str, low: float, high: float) -> float:
    """The same number for the same seed, everywhere and always."""
    return low + (high - low) * zlib.crc32(seed.encode()) / 0xFFFFFFFF


def _pid(load: Load, index: int) -> int:
    return 10_000 + zlib.crc32(f"{load.uid}/{index}".encode()) % 4_000_000
