"""What a pod or a node tells the simulated kubelet: the `simulator/…` annotations, read and checked. Pure."""

import json
import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

PREFIX = "simulator/"
RUN_SECONDS = f"{PREFIX}run-seconds"
EXIT_CODE = f"{PREFIX}exit-code"
PULL_SECONDS = f"{PREFIX}pull-seconds"
START_SECONDS = f"{PREFIX}start-seconds"
READY_SECONDS = f"{PREFIX}ready-seconds"
STOP_SECONDS = f"{PREFIX}stop-seconds"
FAIL = f"{PREFIX}fail"
GPU_UTILISATION = f"{PREFIX}gpu-utilisation"
GPU_MEMORY_MIB = f"{PREFIX}gpu-memory-mib"
CPU_UTILISATION = f"{PREFIX}cpu-utilisation"
MEMORY_UTILISATION = f"{PREFIX}memory-utilisation"
LOG_SCRIPT = f"{PREFIX}log-script"
DEVICES = f"{PREFIX}devices"
"""Written by the kubelet: the indices of the devices a pod has, so that they are remembered across a restart."""

SHAPE = f"{PREFIX}shape"
"""On a node: the shape the kubelet gives it, by name or as JSON. Nodes without it are not ours."""
NODE_FAULT = f"{PREFIX}fault"
"""On a node: `not-ready` silences its kubelet."""
DEVICE_FAULTS = f"{PREFIX}device-faults"
"""On a node: JSON {"<device index>": {"xid": 79, "dead": true}}."""

_LONGEST_SECONDS = 10 * 366 * 86_400.0


class AnnotationWrong(ValueError):
    """An annotation that cannot be followed; the message names it, what it says and what is allowed."""


@dataclass(frozen=True)
class DeviceFault:
    """`xid` is the driver's error number; a dead device is gone until the fault is taken away."""

    xid: int
    dead: bool


def seconds(annotations: Mapping[str, str], name: str, default: float) -> float:
    """A duration in product seconds."""
    return number(annotations, name, default, 0, _LONGEST_SECONDS)


def number(annotations: Mapping[str, str], name: str, default: float, least: float, most: float) -> float:
    text = annotations.get(name)
    if text is None:
        return default
    try:
        value = float(text)
    except ValueError:
        value = float("nan")
    if not least <= value <= most:  # also when it is not a number
        raise AnnotationWrong(f"annotation {name}: {text!r} is not a number from {least:g} to {most:g}")
    return value


def whole(annotations: Mapping[str, str], name: str, default: int, least: int, most: int) -> int:
    value = number(annotations, name, default, least, most)
    if value != int(value):
        raise AnnotationWrong(f"annotation {name}: {annotations[name]!r} is not a whole number")
    return int(value)


def choice(annotations: Mapping[str, str], name: str, allowed: frozenset[str]) -> str | None:
    text = annotations.get(name)
    if text is not None and text not in allowed:
        raise AnnotationWrong(f"annotation {name}: {text!r} is none of {', '.join(sorted(allowed))}")
    return text


def device_indices(annotations: Mapping[str, str]) -> tuple[int, ...] | None:
    """The devices a pod was given before, or None."""
    text = annotations.get(DEVICES)
    if text is None or not re.fullmatch(r"\d{1,3}(,\d{1,3})*", text):
        return None  # only the kubelet writes it: what it cannot read counts as nothing
    return tuple(int(part) for part in text.split(","))


def device_faults(annotations: Mapping[str, str]) -> dict[int, DeviceFault]:
    """The faults a node's devices have; raises AnnotationWrong."""
    text = annotations.get(DEVICE_FAULTS)
    if not text:
        return {}
    try:
        told: Any = json.loads(text)
        return {
            int(index): DeviceFault(xid=int(fault.get("xid", 0)), dead=bool(fault.get("dead", False)))
            for index, fault in told.items()
        }
    except (ValueError, AttributeError, TypeError) as error:
        raise AnnotationWrong(
            f'annotation {DEVICE_FAULTS}: {text!r} is not JSON like {{"3": {{"xid": 79, "dead": true}}}}'
        ) from error
