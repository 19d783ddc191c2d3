"""How many GPUs of the pool are free, summed up once and kept true by reading the log of changed nodes."""

from scheduling.engine.model.occupancy import Occupancy
from scheduling.engine.model.resources import WHOLE_GPU
from scheduling.engine.transaction.state import WorkingState


class FreeGpus:
    """In milli-GPUs: free or being released, with the free parts of shared devices."""

    def __init__(self, state: WorkingState) -> None:
        self._state = state
        self._read = len(state.node_changes)
        self._free = [_free_milli(one) for one in state.occupancy]
        self._sum = sum(self._free)

    def milli(self) -> int:
        changes = self._state.node_changes
        if self._read < len(changes):
            for node in set(changes[self._read :]):
                now = _free_milli(self._state.occupancy[node])
                self._sum += now - self._free[node]
                self._free[node] = now
            self._read = len(changes)
        return self._sum


def _free_milli(one: Occupancy) -> int:
    free = (one.idle_gpus + one.releasing_gpus) * WHOLE_GPU
    if one.shared:
        for device in one.shared.values():
            if device.is_staying:
                free += device.room_later(one.device_memory) * WHOLE_GPU // one.device_memory
    return free
