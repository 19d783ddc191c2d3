"""The pages a node serves: resource metrics, the GPU exporter, what its devices are doing. Read-only."""

import json
from collections.abc import Iterable
from datetime import datetime, timedelta

from cluster.labels import DCGM_PORT, DCGM_SELECTOR
from cluster.simulator.dcgm import exporter_page
from cluster.simulator.kubelet.lives import NodeAgent, PodLife
from cluster.simulator.kubelet.roster import Roster

_SMALLEST_CPU_MILLICORES = 100
_SMALLEST_MEMORY_BYTES = 256 * 2**20
SYSTEM_CORES, SYSTEM_BYTES = 0.35, 3 * 2**30
"""What a node uses beside its pods."""


def cpu_seconds(life: PodLife, now: datetime) -> float:
    """CPU time the pod has used in its present, or last, run; 0 before the first."""
    if life.usage is None or life.state.started_at is None:
        return 0.0
    until = now if life.state.ended is None else life.state.ended.finished_at
    cores = max(life.requests.get("cpu", 0), _SMALLEST_CPU_MILLICORES) / 1000
    return life.usage.cpu.integral((until - life.state.started_at).total_seconds()) / 100 * cores


def cores_used(life: PodLife, now: datetime, window: float) -> float:
    """Cores in use on average over the last `window` product seconds, or since the start where that is later."""
    if life.state.started_at is None:
        return 0.0
    seconds = min(window, (now - life.state.started_at).total_seconds())
    if seconds <= 0:
        return 0.0
    return (cpu_seconds(life, now) - cpu_seconds(life, now - timedelta(seconds=seconds))) / seconds


def memory_bytes(life: PodLife, now: datetime) -> int:
    """Working set of the pod now; 0 while it does not run."""
    if life.usage is None or life.state.started_at is None or not life.runs:
        return 0
    asked = max(life.requests.get("memory", 0), _SMALLEST_MEMORY_BYTES)
    return int(life.usage.memory.at((now - life.state.started_at).total_seconds()) / 100 * asked)


def resource_page(roster: Roster, agent: NodeAgent, now: datetime) -> str:
    """The kubelet's /metrics/resource. Its time stamps are product time, so that rates come out right at any speed."""
    stamp = int(now.timestamp() * 1000)
    with roster.lock:
        rows = [
            (life, cpu_seconds(life, now), memory_bytes(life, now))
            for life in agent.pods.values()
            if life.runs
        ]
        gone = agent.cpu_seconds_gone + sum(
            cpu_seconds(life, now) for life in agent.pods.values() if not life.runs
        )
        booted = datetime.fromisoformat(agent.node["metadata"]["creationTimestamp"])
    system = max(0.0, (now - booted).total_seconds()) * SYSTEM_CORES
    node_cpu = system + gone + sum(cpu for _, cpu, _ in rows)
    node_memory = SYSTEM_BYTES + sum(memory for _, _, memory in rows)
    lines = [
        *_series(
            "node_cpu_usage_seconds_total",
            "counter",
            "Cumulative cpu time of the node",
            [("", node_cpu)],
            stamp,
        ),
        *_series(
            "node_memory_working_set_bytes", "gauge", "Working set of the node", [("", node_memory)], stamp
        ),
    ]
    for prefix, what in (("container", "container"), ("pod", "pod")):
        cpu = [(_labels(life, what), used) for life, used, _ in rows]
        memory = [(_labels(life, what), float(used)) for life, _, used in rows]
        lines += _series(
            f"{prefix}_cpu_usage_seconds_total", "counter", f"Cumulative cpu time of the {what}", cpu, stamp
        )
        lines += _series(
            f"{prefix}_memory_working_set_bytes", "gauge", f"Working set of the {what}", memory, stamp
        )
    started = [
        (_labels(life, "container"), life.state.started_at.timestamp())
        for life, _, _ in rows
        if life.state.started_at
    ]
    lines += _series("container_start_time_seconds", "gauge", "Start time of the container", started, stamp)
    return "\n".join([*lines, "# TYPE resource_scrape_error gauge", "resource_scrape_error 0", ""])


def _series(name: str, kind: str, help_text: str, rows: Iterable[tuple[str, float]], stamp: int) -> list[str]:
    head = [f"# HELP {name} {help_text}", f"# TYPE {name} {kind}"]
    return head + [f"{name}{labels} {value:.12g} {stamp}" for labels, value in rows]


def _labels(life: PodLife, what: str) -> str:
    namespace, name = life.key
    first = f'container="{life.pod["spec"]["containers"][0]["name"]}",' if what == "container" else ""
    return f'{{{first}namespace="{namespace}",pod="{name}"}}'


def gpu_page(roster: Roster, agent: NodeAgent, now: datetime) -> str:
    """What the DCGM exporter on that node shows."""
    loads = roster.loads(agent)
    with roster.lock:
        readings = agent.devices.readings(loads, now)
    return exporter_page(agent.name, readings)


def processes_page(roster: Roster, agent: NodeAgent, now: datetime) -> str:
    """JSON: for each device its uuid, utilisation and the processes on it."""
    loads = roster.loads(agent)
    with roster.lock:
        readings = agent.devices.readings(loads, now)
    devices = []
    for reading in readings:
        processes = []
        if reading.pid is not None and reading.load is not None:
            processes.append(
                {
                    "pid": reading.pid,
                    "memoryMiB": reading.memory_used_mib,
                    "namespace": reading.load.namespace,
                    "pod": reading.load.pod,
                    "container": reading.load.container,
                }
            )
        devices.append(
            {
                "index": reading.index,
                "uuid": reading.uuid,
                "utilisation": reading.utilisation,
                "processes": processes,
            }
        )
    return json.dumps({"node": agent.name, "devices": devices})


def is_exporter(life: PodLife, port: int) -> bool:
    """Whether that port of the pod is the GPU exporter's."""
    label, _, value = DCGM_SELECTOR.partition("=")
    return port == DCGM_PORT and (life.pod["metadata"].get("labels") or {}).get(label) == value
