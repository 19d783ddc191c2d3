"""Which devices of a node a shared request gets, by name."""

from collections.abc import Iterator
from itertools import count
from typing import TYPE_CHECKING, NamedTuple

from scheduling.engine.model.tasks import TaskState
from scheduling.engine.session.fitting import pick_devices

if TYPE_CHECKING:
    from scheduling.engine.session import Session


class DeviceChoice(NamedTuple):
    """Group names, old and new, and whether all of them have room at this moment."""

    groups: tuple[str, ...]
    now: bool


def choose_devices(session: "Session", task: int, node: int) -> DeviceChoice | None:
    """The best fitting devices; those newly opened are named after the task that opens them."""
    request = session.snapshot.shapes[session.snapshot.task_shape[task]].request
    chosen = pick_devices(session.state.occupancy[node], request, session.device_score)
    if chosen is None:
        return None
    names = _fresh_names(session, task, node)
    groups = tuple(device.name or next(names) for device in chosen)
    return DeviceChoice(groups, all(device.now for device in chosen))


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
