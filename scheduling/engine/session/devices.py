"""Which devices of a node a shared request gets."""

from collections.abc import Iterator
from itertools import count
from typing import TYPE_CHECKING, NamedTuple

from scheduling.engine.model.tasks import TaskState

if TYPE_CHECKING:
    from scheduling.engine.session import Session


class DeviceChoice(NamedTuple):
    """Group names, old and new, and whether all of them have room at this moment."""

    groups: tuple[str, ...]
    now: bool


def choose_devices(session: "Session", task: int, node: int) -> DeviceChoice | None:
    """The best fitting devices by device score, names breaking ties; new groups are named after the task that opens them."""
    occupancy = session.state.occupancy[node]
    gpu = session.snapshot.tasks[task].request.gpu
    total = occupancy.device_memory
    need = gpu.memory_on(total)
    entries: list[tuple[float, int, str, bool]] = []
    for name, device in occupancy.shared.items():
        if device.is_staying and device.room_later(total) >= need:
            used = (device.held + device.leaving + device.promised) / total
            entries.append((-session.device_score(used), 0, name, device.room_now(total) >= need))
    fresh = -session.device_score(None)
    idle = max(0, occupancy.idle_gpus)
    whole = max(0, occupancy.idle_gpus + occupancy.releasing_gpus)
    names = _fresh_names(session, task, node)
    fresh_ones = range(min(gpu.devices, max(idle, whole)))
    entries.extend((fresh, 1, next(names), number < idle) for number in fresh_ones)
    if len(entries) < gpu.devices:
        return None
    chosen = sorted(entries)[: gpu.devices]
    return DeviceChoice(tuple(entry[2] for entry in chosen), all(entry[3] for entry in chosen))


def _fresh_names(session: "Session", task: int, node: int) -> Iterator[str]:
    """Names for devices nobody stays on: those an evicted task is about to leave here, then the opener's uid and a number.

    A victim that finds its own devices free goes back to them and so is not moved at all.
    """
    shared = session.state.occupancy[node].shared
    position = session.state.position(task)
    if position.state is TaskState.RELEASING and position.node == node:
        yield from (name for name in position.groups if not shared[name].is_staying)
    uid = session.snapshot.tasks[task].uid
    yield from (name for number in count() if (name := f"{uid}-{number}") not in shared)
