"""Pure: a DCGM exporter's page and a kubelet's resource page -> readings. What a page does not say stays None."""

import math
from dataclasses import dataclass

from cluster.metrics_text import read_metrics

MIB = 1 << 20
GPU_METRICS = frozenset(
    {
        "DCGM_FI_DEV_GPU_UTIL",
        "DCGM_FI_DEV_FB_USED",
        "DCGM_FI_DEV_FB_FREE",
        "DCGM_FI_DEV_GPU_TEMP",
        "DCGM_FI_DEV_POWER_USAGE",
        "DCGM_FI_DEV_XID_ERRORS",
    }
)
RESOURCE_METRICS = frozenset(
    {
        "node_cpu_usage_seconds_total",
        "node_memory_working_set_bytes",
        "pod_cpu_usage_seconds_total",
        "pod_memory_working_set_bytes",
        "container_cpu_usage_seconds_total",
        "container_memory_working_set_bytes",
    }
)

PodName = tuple[str, str]
"""(namespace, name)."""


@dataclass
class DeviceReading:
    """One GPU as its exporter sees it; `pod` is who uses it, by the exporter's own labels."""

    index: int
    uuid: str = ""
    product: str = ""
    pod: PodName | None = None
    utilisation: float | None = None
    memory_used_bytes: int | None = None
    memory_free_bytes: int | None = None
    temperature: float | None = None
    power_watts: float | None = None
    fault: int = 0

    @property
    def memory_total_bytes(self) -> int | None:
        if self.memory_used_bytes is None or self.memory_free_bytes is None:
            return None
        return self.memory_used_bytes + self.memory_free_bytes


@dataclass(frozen=True)
class Counter:
    """CPU seconds used since a beginning, read at `time` (seconds since 1970; None when the page does not stamp it)."""

    seconds: float
    time: float | None


@dataclass
class ResourceReading:
    """What a node and the pods on it use."""

    node_cpu: Counter | None
    node_memory_bytes: float | None
    pod_cpu: dict[PodName, Counter]
    pod_memory_bytes: dict[PodName, float]


def read_devices(page: str) -> list[DeviceReading]:
    """By index; lines without a GPU index, and values that are no number, are passed over. Raises MetricsUnreadable."""
    devices: dict[int, DeviceReading] = {}
    for sample in read_metrics(page, GPU_METRICS):
        index = sample.labels.get("gpu", "")
        if not index.isascii() or not index.isdigit() or len(index) > 4 or not math.isfinite(sample.value):
            continue
        device = devices.setdefault(int(index), DeviceReading(int(index)))
        device.uuid = sample.labels.get("UUID", "") or device.uuid
        device.product = sample.labels.get("modelName", "") or device.product
        if sample.labels.get("pod"):
            device.pod = (sample.labels.get("namespace", ""), sample.labels["pod"])
        _set_value(device, sample.name, sample.value)
    return [devices[index] for index in sorted(devices)]


def _set_value(device: DeviceReading, name: str, value: float) -> None:
    """Readings outside what a device can show (DCGM's blank values among them) are unknown, not clamped."""
    if name == "DCGM_FI_DEV_GPU_UTIL" and 0 <= value <= 100:
        device.utilisation = value
    elif name == "DCGM_FI_DEV_FB_USED" and 0 <= value < 1e9:
        device.memory_used_bytes = int(value * MIB)
    elif name == "DCGM_FI_DEV_FB_FREE" and 0 <= value < 1e9:
        device.memory_free_bytes = int(value * MIB)
    elif name == "DCGM_FI_DEV_GPU_TEMP" and -50 <= value <= 250:
        device.temperature = value
    elif name == "DCGM_FI_DEV_POWER_USAGE" and 0 <= value <= 10_000:
        device.power_watts = value
    elif name == "DCGM_FI_DEV_XID_ERRORS" and 0 <= value < 10_000:
        device.fault = int(value)


def read_resources(page: str) -> ResourceReading:
    """Pods by their own series where the kubelet gives them, else summed over their containers."""
    reading = ResourceReading(None, None, {}, {})
    container_cpu: dict[PodName, Counter] = {}
    container_memory: dict[PodName, float] = {}
    for sample in read_metrics(page, RESOURCE_METRICS):
        if not math.isfinite(sample.value) or sample.value < 0:
            continue
        pod = (sample.labels.get("namespace", ""), sample.labels.get("pod", ""))
        counter = Counter(sample.value, _seconds(sample.timestamp))
        match sample.name:
            case "node_cpu_usage_seconds_total":
                reading.node_cpu = counter
            case "node_memory_working_set_bytes":
                reading.node_memory_bytes = sample.value
            case "pod_cpu_usage_seconds_total":
                reading.pod_cpu[pod] = counter
            case "pod_memory_working_set_bytes":
                reading.pod_memory_bytes[pod] = sample.value
            case "container_cpu_usage_seconds_total":
                before = container_cpu.get(pod)
                container_cpu[pod] = Counter(
                    counter.seconds + (before.seconds if before else 0), counter.time
                )
            case "container_memory_working_set_bytes":
                container_memory[pod] = container_memory.get(pod, 0) + sample.value
    reading.pod_cpu = {**container_cpu, **reading.pod_cpu}
    reading.pod_memory_bytes = {**container_memory, **reading.pod_memory_bytes}
    return reading


def _seconds(stamp: float | None) -> float | None:
    """The parser gives seconds; a stamp that is none (0, infinite) is as good as missing."""
    return stamp if stamp is not None and math.isfinite(stamp) and stamp > 0 else None


def cores_between(before: Counter | None, after: Counter, *, elapsed: float) -> float | None:
    """Mean CPU cores used between two readings; None when there was none before, or the counter began anew.

    `elapsed` (product seconds) serves when the page carries no stamps.
    """
    if before is None or after.seconds < before.seconds:
        return None
    if before.time is not None and after.time is not None:
        elapsed = after.time - before.time
    return (after.seconds - before.seconds) / elapsed if elapsed > 0 else None
