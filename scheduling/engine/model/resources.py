"""Amounts: GPUs in thousandths, CPU in thousandths of a core, memory in bytes. Integers only, so nothing rounds."""

from typing import NamedTuple

WHOLE_GPU = 1000
"""Milli-GPUs of one device."""


class Resources(NamedTuple):
    """What quotas, limits and shares are counted in."""

    gpu_milli: int = 0
    cpu_milli: int = 0
    memory_bytes: int = 0

    def plus(self, other: "Resources") -> "Resources":
        return Resources(self[0] + other[0], self[1] + other[1], self[2] + other[2])

    def minus(self, other: "Resources") -> "Resources":
        return Resources(self[0] - other[0], self[1] - other[1], self[2] - other[2])


class Bounds(NamedTuple):
    """A quota or a limit: one bound per resource; None is unlimited. Unset GPU is nothing, unset CPU and memory unlimited."""

    gpu_milli: int | None = 0
    cpu_milli: int | None = None
    memory_bytes: int | None = None


UNBOUNDED = Bounds(None, None, None)
NOTHING = Resources()
RESOURCE_NAMES = ("GPU", "CPU", "memory")
"""In the order of the fields above; used in sentences."""
