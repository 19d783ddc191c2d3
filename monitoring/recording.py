"""Writes a Reading: samples by series, the newest state of devices and nodes. Writing the same moment twice changes nothing."""

from collections.abc import Mapping
from datetime import datetime, timedelta

from django.db import transaction

from cluster import clock
from monitoring.measures import IDLE_BELOW_PERCENT, SeriesName, Values
from monitoring.models import Device, MinuteSample, NodeUse, Series
from monitoring.pages import DeviceReading
from monitoring.samples import Reading
from organization.models import Cluster

STEP_SECONDS = 60
PIECE = 400
"""Rows in one statement."""


def minute_of(at: datetime) -> int:
    """The beginning of the product minute, in seconds since 1970."""
    return int(at.timestamp()) // STEP_SECONDS * STEP_SECONDS


def write_samples(cluster: Cluster, values: Values, at: datetime) -> int:
    """One row per series for the minute of `at`; a second writing of that minute replaces the first. How many rows."""
    ids = series_ids(cluster, values)
    time = minute_of(at)
    rows = [
        MinuteSample(series_id=ids[name.key(cluster.pk)], time=time, value=value, low=value, high=value)
        for name, value in values.items()
    ]
    MinuteSample.objects.bulk_create(
        rows,
        batch_size=PIECE,
        update_conflicts=True,
        unique_fields=["series", "time"],
        update_fields=["value", "low", "high"],
    )
    return len(rows)


def series_ids(cluster: Cluster, names: Mapping[SeriesName, object]) -> dict[str, int]:
    """Key -> id, making the series that are new. Two processes may do so at once: the key decides."""
    wanted = {name.key(cluster.pk): name for name in names}
    found = _known(list(wanted))
    new = [
        Series(
            key=key,
            cluster=cluster,
            metric=name.metric,
            pool=name.pool,
            project_id=name.project,
            workload=name.workload,
            node=name.node,
            gpu=name.gpu,
        )
        for key, name in wanted.items()
        if key not in found
    ]
    if new:
        Series.objects.bulk_create(new, batch_size=PIECE, ignore_conflicts=True)
        found |= _known([one.key for one in new])
    return found


def _known(keys: list[str]) -> dict[str, int]:
    found: dict[str, int] = {}
    for start in range(0, len(keys), PIECE):
        rows = Series.objects.filter(key__in=keys[start : start + PIECE])
        found |= dict(rows.values_list("key", "pk"))
    return found


def write_devices(cluster: Cluster, reading: Reading) -> None:
    """The newest reading of every GPU; those of nodes that are gone are removed, those not read keep their place as unknown."""
    before = {(one.node, one.index): one for one in Device.objects.filter(cluster=cluster)}
    fresh: dict[tuple[str, int], Device] = {}
    for node in reading.places:
        told = {one.index: one for one in reading.devices.get(node, [])}
        for index in range(max(reading.device_count(node), max(told, default=-1) + 1)):
            row = before.get((node, index)) or Device(cluster=cluster, node=node, index=index)
            _fill(row, told.get(index), reading)
            fresh[node, index] = row
    with transaction.atomic():
        gone = [row.pk for key, row in before.items() if key not in fresh]
        Device.objects.filter(pk__in=gone).delete()
        Device.objects.bulk_create(
            list(fresh.values()),
            batch_size=PIECE,
            update_conflicts=True,
            unique_fields=["cluster", "node", "index"],
            update_fields=DEVICE_FIELDS,
        )


DEVICE_FIELDS = [
    "uuid",
    "product",
    "utilisation",
    "memory_used_bytes",
    "memory_total_bytes",
    "temperature",
    "power_watts",
    "fault",
    "namespace",
    "pod",
    "project",
    "workload",
    "held_since",
    "idle_since",
    "sampled_at",
]


def _fill(row: Device, told: DeviceReading | None, reading: Reading) -> None:
    row.sampled_at = reading.at
    if told is None:
        row.utilisation = row.memory_used_bytes = row.temperature = row.power_watts = None
        row.namespace = row.pod = ""
        row.project_id, row.workload, row.held_since, row.idle_since = None, None, None, None
        return
    row.uuid, row.product, row.fault = told.uuid[:80], told.product[:100], told.fault
    row.utilisation, row.temperature, row.power_watts = told.utilisation, told.temperature, told.power_watts
    row.memory_used_bytes, row.memory_total_bytes = told.memory_used_bytes, told.memory_total_bytes
    holding = reading.held.by_pod.get(told.pod) if told.pod else None
    row.namespace, row.pod = holding.pod if holding else ("", "")
    row.project_id = holding.project if holding else None
    held_before = row.workload if row.held_since else None
    row.workload = holding.workload if holding else None
    if holding is None:
        row.held_since = row.idle_since = None
        return
    if row.held_since is None or held_before != row.workload:
        row.held_since, row.idle_since = reading.at, None
    if told.utilisation is None or told.utilisation >= IDLE_BELOW_PERCENT:
        row.idle_since = None
    elif row.idle_since is None:
        row.idle_since = reading.at


def write_nodes(cluster: Cluster, reading: Reading, values: Values) -> None:
    """What is held on every node and used of it now."""
    rows = []
    held = reading.held.by_node()
    for place in reading.places.values():
        on_it = held.get(place.name, [])
        cores = values.get(SeriesName("CPU_USAGE_CORES", node=place.name))
        memory = values.get(SeriesName("CPU_MEMORY_USAGE_BYTES", node=place.name))
        rows.append(
            NodeUse(
                cluster=cluster,
                node=place.name,
                pool=place.pool,
                gpus=reading.device_count(place.name),
                gpus_allocated=sum(one.gpus for one in on_it),
                cpu_allocated_milli=sum(one.cpu_milli for one in on_it),
                memory_allocated_bytes=sum(one.memory_bytes for one in on_it),
                cpu_used_milli=None if cores is None else round(cores * 1000),
                memory_used_bytes=None if memory is None else round(memory),
                takes_work=place.takes_work,
                sampled_at=reading.at,
            )
        )
    fields = [
        "pool",
        "gpus",
        "gpus_allocated",
        "cpu_allocated_milli",
        "memory_allocated_bytes",
        "cpu_used_milli",
        "memory_used_bytes",
        "takes_work",
        "sampled_at",
    ]
    with transaction.atomic():
        NodeUse.objects.filter(cluster=cluster).exclude(node__in=reading.places).delete()
        NodeUse.objects.bulk_create(
            rows,
            batch_size=PIECE,
            update_conflicts=True,
            unique_fields=["cluster", "node"],
            update_fields=fields,
        )


def interval() -> timedelta:
    """How far apart readings are: a product minute, but never less than a real second."""
    return timedelta(seconds=max(float(STEP_SECONDS), clock.speed()))
