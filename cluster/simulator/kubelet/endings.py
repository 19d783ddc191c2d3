"""How a pod's life is ended from outside: it is deleted, or a device of its dies. Used under the roster's lock."""

from datetime import datetime

from cluster.simulator.kubelet.lives import NodeAgent, PodLife
from cluster.simulator.kubelet.prospects import tellings
from cluster.simulator.stages import advance, crash, stop, with_grace

DEVICE_LOST_EXIT = 1
_DEFAULT_GRACE = 30


def ask_to_stop(record: PodLife, now: datetime) -> None:
    """The pod is being deleted: it has its grace from now on."""
    record.stop_asked = True
    grace = record.pod["metadata"].get("deletionGracePeriodSeconds")
    record.life = with_grace(record.life, _DEFAULT_GRACE if grace is None else grace)
    record.state = stop(record.state, now)
    if record.state.stage == "stopping":
        record.untold += tellings(record, "stopping", now)


def strike(record: PodLife, now: datetime) -> None:
    """A device of its has failed under it."""
    record.state, _ = advance(record.state, record.life, now)
    record.state = crash(record.state, record.life, now, exit_code=DEVICE_LOST_EXIT)
    record.trouble = "DeviceLost"


def fails_on_dead_devices(agent: NodeAgent, record: PodLife, now: datetime) -> bool:
    """A container that is restarted on a device that is gone fails again; whether that happened."""
    if not record.runs or not any(agent.devices.is_dead(index) for index in record.devices):
        return False
    crashed = crash(record.state, record.life, now, exit_code=DEVICE_LOST_EXIT)
    if crashed is record.state:
        return False
    record.state, record.trouble = crashed, "DeviceLost"
    return True
