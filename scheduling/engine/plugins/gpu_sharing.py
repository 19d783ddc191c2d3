"""Shared devices: which of them a portion goes to, and nodes that already share before nodes that do not."""

from dataclasses import dataclass

from scheduling.engine.model.occupancy import Occupancy, SharedDevice
from scheduling.engine.model.shapes import Shape
from scheduling.engine.model.tasks import TaskRequest
from scheduling.engine.plugin import Plugin
from scheduling.engine.session import Session

SHARED_POINTS = 1_000.0


@dataclass
class GpuSharing(Plugin):
    """`devices` is "pack" (fullest first), "spread" (a device of its own first) or "" (no opinion). `join` prefers nodes with room on a shared one."""

    name = "gpu_sharing"
    devices: str = "pack"
    join: bool = True

    def restricts(self, session: Session, shape: Shape) -> bool:
        return shape.request.gpu.memory_mib > 0

    def admits(self, session: Session, shape: Shape, node: int) -> str | None:
        """A request by memory needs to know the memory."""
        gpu = shape.request.gpu
        if gpu.memory_mib and session.snapshot.nodes[node].gpu_memory_mib is None:
            return "device memory unknown"
        return None

    def node_score(self, session: Session, shape: Shape, node: int, *, fits_now: bool) -> float:
        """Also tasks without GPUs gain where devices are shared: they keep whole devices' nodes free."""
        occupancy = session.state.occupancy[node]
        if not self.join or not occupancy.shared:
            return 0.0
        total = occupancy.device_memory
        gpu = shape.request.gpu
        need = gpu.memory_on(total) if gpu.devices else 0
        for device in occupancy.shared.values():
            if device.is_staying and device.room_later(total) >= need:
                return SHARED_POINTS
        return 0.0

    def device_score(
        self, session: Session, request: TaskRequest, node: Occupancy, device: SharedDevice | None
    ) -> float:
        used = 0.0
        if device is not None:
            used = (device.held + device.leaving + device.promised) / node.device_memory
        if self.devices == "pack":
            return used
        return 1.0 - used if self.devices == "spread" else 0.0
