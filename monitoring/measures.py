"""Pure: one Reading of a cluster -> the values of its series at that moment."""

import uuid
from collections.abc import Mapping
from typing import NamedTuple

from monitoring.pages import Counter, DeviceReading, cores_between
from monitoring.samples import Reading

IDLE_BELOW_PERCENT = 5.0
"""A GPU under this does no work."""

CounterKey = tuple[str, str]
"""("node", name) or ("namespace/pod", node)."""


class SeriesName(NamedTuple):
    """What a value belongs to; see monitoring.models.Series."""

    metric: str
    pool: str = ""
    project: int | None = None
    workload: uuid.UUID | None = None
    node: str = ""
    gpu: str = ""

    def key(self, cluster: uuid.UUID) -> str:
        """Unique over all clusters, and the same in every process."""
        labels = [f"{name}={value}" for name, value in self._asdict().items() if value not in ("", None)]
        return f"{cluster}|" + "|".join(labels)


Values = dict[SeriesName, float]


def measures_of(
    reading: Reading, before: Mapping[str, Counter], elapsed: float
) -> tuple[Values, dict[str, Counter]]:
    """The values, and the CPU counters for the next time. `before` are those of the last, `elapsed` product seconds ago."""
    values: Values = {}
    counters: dict[str, Counter] = {}
    _pools(reading, values)
    _projects(reading, values)
    _devices(reading, values)
    _workload_gpus(reading, values)
    _cpu_and_memory(reading, before, elapsed, values, counters)
    return values, counters


def _pools(reading: Reading, values: Values) -> None:
    sums: dict[str, list[float]] = {}
    for place in reading.places.values():
        row = sums.setdefault(place.pool, [0, 0, 0, 0])
        gpus = reading.device_count(place.name)
        row[0] += gpus
        row[2] += 1
        if place.ready:
            row[1] += gpus
            row[3] += 1
    for pool, row in sums.items():
        for metric, value in zip(("TOTAL_GPU", "READY_GPU", "TOTAL_NODES", "READY_NODES"), row, strict=True):
            values[SeriesName(metric, pool)] = value


def _projects(reading: Reading, values: Values) -> None:
    """Held and used GPUs by project and pool. Use is unknown while any GPU they hold is not measured."""
    used: dict[tuple[int | None, str], list[DeviceReading]] = {}
    for devices in reading.devices.values():
        for device in devices:
            holding = reading.held.by_pod.get(device.pod) if device.pod else None
            if holding is not None:
                used.setdefault((holding.project, holding.pool), []).append(device)
    for key, gpus in reading.held.gpus_by_project().items():
        project, pool = key
        values[SeriesName("ALLOCATED_GPU", pool, project)] = gpus
        if not gpus:
            values |= nothing_held(pool, project)
            continue
        known = [device.utilisation for device in used.get(key, []) if device.utilisation is not None]
        if len(known) >= gpus:
            values[SeriesName("UTILIZED_GPU", pool, project)] = sum(known) / 100
            idle = sum(value < IDLE_BELOW_PERCENT for value in known)
            values[SeriesName("IDLE_ALLOCATED_GPU", pool, project)] = idle


def nothing_held(pool: str, project: int | None) -> Values:
    """Who holds nothing uses nothing: that is known, and keeps means over time right."""
    metrics = ("ALLOCATED_GPU", "UTILIZED_GPU", "IDLE_ALLOCATED_GPU")
    return {SeriesName(metric, pool, project): 0 for metric in metrics}


def _devices(reading: Reading, values: Values) -> None:
    for node, devices in reading.devices.items():
        pool = reading.places[node].pool
        known = [one.utilisation for one in devices if one.utilisation is not None]
        if known and len(known) == len(devices):
            values[SeriesName("GPU_UTILIZATION", pool, node=node)] = sum(known) / len(known)
        for one in devices:
            told = {
                "GPU_UTILIZATION": one.utilisation,
                "GPU_MEMORY_USAGE_BYTES": one.memory_used_bytes,
                "GPU_TEMPERATURE": one.temperature,
                "GPU_POWER_WATTS": one.power_watts,
            }
            for metric, value in told.items():
                if value is not None:
                    values[SeriesName(metric, pool, node=node, gpu=str(one.index))] = value


def _workload_gpus(reading: Reading, values: Values) -> None:
    held = reading.held.gpus_by_workload()
    for workload, gpus in held.items():
        values[SeriesName("ALLOCATED_GPU", workload=workload)] = gpus
    for workload, devices in reading.devices_of_workloads().items():
        if len(devices) < held.get(workload, 0):
            continue  # part of it is not measured, so the whole is unknown
        known = [one.utilisation for one in devices if one.utilisation is not None]
        memory = [one.memory_used_bytes for one in devices if one.memory_used_bytes is not None]
        power = [one.power_watts for one in devices if one.power_watts is not None]
        if len(known) == len(devices):
            values[SeriesName("GPU_UTILIZATION", workload=workload)] = sum(known) / len(known)
        if len(memory) == len(devices):
            values[SeriesName("GPU_MEMORY_USAGE_BYTES", workload=workload)] = sum(memory)
        if len(power) == len(devices):
            values[SeriesName("GPU_POWER_WATTS", workload=workload)] = sum(power)
        for one in devices:
            if one.utilisation is not None and len(devices) > 1:
                node = reading.held.by_pod[one.pod].node if one.pod else ""
                name = SeriesName("GPU_UTILIZATION", workload=workload, node=node, gpu=str(one.index))
                values[name] = one.utilisation


def _cpu_and_memory(
    reading: Reading,
    before: Mapping[str, Counter],
    elapsed: float,
    values: Values,
    counters: dict[str, Counter],
) -> None:
    cores: dict[uuid.UUID, list[float | None]] = {}
    memory: dict[uuid.UUID, list[float | None]] = {}
    for node, resources in reading.resources.items():
        if resources.node_cpu is not None:
            counters[f"node/{node}"] = resources.node_cpu
            used = cores_between(before.get(f"node/{node}"), resources.node_cpu, elapsed=elapsed)
            if used is not None:
                values[SeriesName("CPU_USAGE_CORES", node=node)] = used
        if resources.node_memory_bytes is not None:
            values[SeriesName("CPU_MEMORY_USAGE_BYTES", node=node)] = resources.node_memory_bytes
        for pod, counter in resources.pod_cpu.items():
            counters["/".join(pod)] = counter
    for one in reading.held.holdings:
        if one.workload is None:
            continue
        key, page = "/".join(one.pod), reading.resources.get(one.node)
        newest = counters.get(key)
        rate = cores_between(before.get(key), newest, elapsed=elapsed) if newest else None
        cores.setdefault(one.workload, []).append(rate)
        memory.setdefault(one.workload, []).append(page.pod_memory_bytes.get(one.pod) if page else None)
    for metric, parts in (("CPU_USAGE_CORES", cores), ("CPU_MEMORY_USAGE_BYTES", memory)):
        for workload, amounts in parts.items():
            known = [amount for amount in amounts if amount is not None]
            if len(known) == len(amounts):  # a sum with an unknown part is unknown
                values[SeriesName(metric, workload=workload)] = sum(known)
