"""The page of a DCGM exporter over a node's imaginary devices, in the Prometheus text format. Pure."""

from collections.abc import Callable, Iterable
from dataclasses import dataclass

from cluster.simulator.gpus import Reading


@dataclass(frozen=True)
class _Field:
    name: str
    kind: str
    help: str
    value: Callable[[Reading], float]


_FIELDS = (
    _Field(
        "DCGM_FI_DEV_SM_CLOCK", "gauge", "SM clock frequency (in MHz).", lambda r: 345 + 16.35 * r.utilisation
    ),
    _Field("DCGM_FI_DEV_GPU_TEMP", "gauge", "GPU temperature (in C).", lambda r: r.celsius),
    _Field("DCGM_FI_DEV_POWER_USAGE", "gauge", "Power draw (in W).", lambda r: r.watts),
    _Field("DCGM_FI_DEV_GPU_UTIL", "gauge", "GPU utilization (in %).", lambda r: r.utilisation),
    _Field("DCGM_FI_DEV_MEM_COPY_UTIL", "gauge", "Memory utilization (in %).", lambda r: r.utilisation * 0.6),
    _Field("DCGM_FI_DEV_XID_ERRORS", "gauge", "Value of the last XID error encountered.", lambda r: r.xid),
    _Field("DCGM_FI_DEV_FB_FREE", "gauge", "Framebuffer memory free (in MiB).", lambda r: r.memory_free_mib),
    _Field("DCGM_FI_DEV_FB_USED", "gauge", "Framebuffer memory used (in MiB).", lambda r: r.memory_used_mib),
)


def exporter_page(node: str, readings: Iterable[Reading]) -> str:
    """One series for each device and field; a device that a pod holds carries the pod's labels."""
    shown = list(readings)
    labels = [_labels(node, reading) for reading in shown]
    lines: list[str] = []
    for field in _FIELDS:
        lines.append(f"# HELP {field.name} {field.help}")
        lines.append(f"# TYPE {field.name} {field.kind}")
        lines += [
            f"{field.name}{{{text}}} {field.value(reading):.10g}"
            for text, reading in zip(labels, shown, strict=True)
        ]
    return "\n".join(lines) + "\n"


def _labels(node: str, reading: Reading) -> str:
    pairs = {
        "gpu": str(reading.index),
        "UUID": reading.uuid,
        "pci_bus_id": f"00000000:{0x10 + reading.index:02X}:00.0",
        "device": f"nvidia{reading.index}",
        "modelName": reading.product.replace("-", " "),
        "Hostname": node,
    }
    if reading.load is not None:
        pairs |= {
            "container": reading.load.container,
            "namespace": reading.load.namespace,
            "pod": reading.load.pod,
        }
    return ",".join(f'{name}="{value}"' for name, value in pairs.items())
