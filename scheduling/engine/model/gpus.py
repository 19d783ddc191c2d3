"""What a task asks of the devices of one node: whole GPUs, portions of them, or an amount of their memory."""

from typing import NamedTuple

from scheduling.engine.model.resources import WHOLE_GPU


class GpuRequest(NamedTuple):
    """`devices` devices of one node; of each either all of it, `portion_milli` thousandths, or `memory_mib`.

    `GpuRequest()` asks for none. A portion of 1000 is a whole device. `memory_mib` and a portion exclude each other.
    """

    devices: int = 0
    portion_milli: int = WHOLE_GPU
    memory_mib: int = 0

    @property
    def is_shared(self) -> bool:
        """Whether others may use the rest of the device."""
        return self.devices > 0 and (self.memory_mib > 0 or self.portion_milli < WHOLE_GPU)

    def milli(self, device_memory_mib: int) -> int:
        """How many milli-GPUs this counts as on devices of that memory; memory requests round up to hundredths."""
        if not self.memory_mib:
            return self.devices * self.portion_milli
        if device_memory_mib <= 0:
            return self.devices * WHOLE_GPU
        hundredths = -(-100 * self.memory_mib // device_memory_mib)
        return self.devices * hundredths * 10

    def memory_on(self, device_memory_mib: int) -> int:
        """MiB taken of each shared device; a portion is floored to a MiB."""
        return self.memory_mib or max(1, self.portion_milli * device_memory_mib // WHOLE_GPU)


NO_GPU = GpuRequest()
