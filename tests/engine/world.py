"""The scenario language: a small cluster in a few lines of text, and what the scheduler does with it.

    node a: 4 gpus of 80 GB, 64 cpus, label rack=r1
    queue vision in research: quota 2, limit 6, weight 3
    running train-1 in vision: 2 x 1 gpu on a, since 09:00
    running note-1 in vision: 0.5 gpu on a/g1, priority 100
    pending talk-1 in speech: 4 x 1 gpu, min 2, non-preemptible
    used vision: 6 gpus for 8h
    pool spare: 2 x 4 gpus
    with spreading, age protection after 60m

One line per thing; the words after the colon are separated by commas. Times are of one day, now is 12:00. Gangs without
`since` are older the earlier they stand. Whatever is left out is plenty (nodes) or nothing (tasks). `used` is what a queue held until
now; `pool` is another node pool, empty, that a gang might be moved to; `with` turns options of the scheduler on.
"""

import re
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

from scheduling.engine import run_cycle
from scheduling.engine.config import SchedulerConfig
from scheduling.engine.model.constraints import Constraints, Taint, Toleration
from scheduling.engine.model.gangs import Gang, PodSet, SubGroup, TopologyConstraint
from scheduling.engine.model.gpus import NO_GPU, GpuRequest
from scheduling.engine.model.nodes import Node, Topology
from scheduling.engine.model.queues import OverQuota, Queue, Weights
from scheduling.engine.model.resources import Bounds, Resources
from scheduling.engine.model.snapshot import ClusterSnapshot
from scheduling.engine.model.tasks import Task, TaskRequest, TaskState
from scheduling.engine.model.usage import UsageBucket, UsageHistory
from scheduling.engine.plan import Plan, Refusal
from tests.engine.scenario_options import NOON, read_options, read_use

LINE = re.compile(r"(node|queue|running|pending|leaving|topology|used|pool) (\S+?)(?: in (\S+?))?: *(.*)")
__all__ = ["NOON", "Outcome", "Scenario", "read_scenario", "schedule"]
GB = 10**9
MIB_OF_GB = 1024

Engine = Callable[[ClusterSnapshot, SchedulerConfig, float], Plan]
Rules = list[tuple[str, Callable[..., dict[str, Any]]]]


@dataclass
class Scenario:
    """What the lines say, in the engine's types."""

    nodes: list[Node] = field(default_factory=list)
    queues: list[Queue] = field(default_factory=list)
    gangs: list[Gang] = field(default_factory=list)
    topologies: list[Topology] = field(default_factory=list)
    used: dict[str, tuple[UsageBucket, ...]] = field(default_factory=dict)
    pools: dict[str, list[Node]] = field(default_factory=dict)
    settings: dict[str, Any] = field(default_factory=dict)

    def snapshot(self) -> ClusterSnapshot:
        gpus = Resources(gpu_milli=1000 * sum(node.gpus for node in self.nodes))
        spans = {(bucket.start, bucket.seconds) for buckets in self.used.values() for bucket in buckets}
        capacity = tuple(UsageBucket(start, seconds, gpus) for start, seconds in sorted(spans))
        return ClusterSnapshot.build(
            nodes=self.nodes,
            queues=self.queues,
            gangs=self.gangs,
            topologies=self.topologies,
            history=UsageHistory(self.used, capacity),
        )

    def elsewhere(self) -> list[ClusterSnapshot]:
        """The other node pools; each has the same queues and nothing to do."""
        return [
            ClusterSnapshot.build(nodes=nodes, queues=self.queues, pool=name)
            for name, nodes in self.pools.items()
        ]


@dataclass(frozen=True)
class Outcome:
    """A plan by the names of the workloads; the full plan beside it."""

    plan: Plan
    bound: set[str]
    evicted: set[str]
    reserved: set[str]
    places: dict[str, str]

    def refusal(self, workload: str) -> Refusal:
        return self.plan.refusals[workload]


def schedule(text: str, engine: Engine | None = None, **settings: Any) -> Outcome:
    """Run one cycle at noon. `settings` are those of SchedulerConfig, before those of the text's `with` lines."""
    said = read_scenario(text)
    config = SchedulerConfig(**{**said.settings, **settings})
    plan = (
        engine(said.snapshot(), config, NOON)
        if engine
        else run_cycle(said.snapshot(), config, NOON, said.elsewhere())
    )
    return Outcome(
        plan,
        bound={one.gang for one in plan.binds},
        evicted={one.gang for one in plan.evictions},
        reserved={one.gang for one in plan.nominations},
        places={one.task: one.node for one in plan.binds} | {one.task: one.node for one in plan.nominations},
    )


def read_scenario(text: str) -> Scenario:
    """Read the lines; a line that says something unknown is an error that names it."""
    scenario = Scenario()
    lines = [line.strip() for line in text.splitlines()]
    for number, line in enumerate(line for line in lines if line and not line.startswith("#")):
        if line.startswith("with "):
            scenario.settings |= read_options(line.removeprefix("with "), scenario.settings)
            continue
        match = LINE.fullmatch(line)
        if match is None:
            raise ValueError(f"not a line of the scenario language: {line!r}")
        noun, name, parent, words = match.groups()
        said = [part.strip() for part in words.split(",") if part.strip()]
        if noun == "node":
            scenario.nodes.append(_node(name, said))
        elif noun == "queue":
            scenario.queues.append(_queue(name, parent or "", said, number))
        elif noun == "used":
            scenario.used[name] = read_use(said)
        elif noun == "pool":
            scenario.pools[name] = _pool(name, said)
        elif noun == "topology":
            scenario.topologies.append(Topology(name, tuple(said)))
        else:
            scenario.gangs.append(_gang(noun, name, parent or "", said, number))
    return scenario


def _understood(said: list[str], rules: Rules) -> dict[str, Any]:
    """Each phrase by the first rule that matches it; values under one key that are dicts or tuples add up."""
    found: dict[str, Any] = {}
    for phrase in said:
        for pattern, means in rules:
            match = re.fullmatch(pattern, phrase)
            if match:
                for key, value in means(*match.groups()).items():
                    known = found.get(key)
                    if isinstance(value, dict) and known:
                        found[key] = known | value
                    elif isinstance(value, tuple) and known:
                        found[key] = known + value
                    else:
                        found[key] = value
                break
        else:
            raise ValueError(f"the scenario language does not know {phrase!r}")
    return found


def _pool(name: str, said: list[str]) -> list[Node]:
    """`2 x 4 gpus`, and whatever else may be said of a node."""
    match = re.fullmatch(r"(?:(\d+) x )?(\d+ gpus?.*)", said[0])
    if match is None:
        raise ValueError(f"not nodes of a pool: {said[0]!r}")
    return [_node(f"{name}-{number}", [match[2], *said[1:]]) for number in range(int(match[1] or 1))]


NUMBER = r"(\d+(?:\.\d+)?)"

NODE_RULES: Rules = [
    (r"(\d+) gpus?", lambda n: {"gpus": int(n)}),
    (r"(\d+) gpus? of (\d+) GB", lambda n, gb: {"gpus": int(n), "gpu_memory_mib": int(gb) * MIB_OF_GB}),
    (rf"{NUMBER} cpus?", lambda n: {"cpu_milli": round(float(n) * 1000)}),
    (r"(\d+) GB", lambda n: {"memory_bytes": int(n) * GB}),
    (r"max (\d+) pods", lambda n: {"max_pods": int(n)}),
    (r"label (\S+)=(\S+)", lambda key, value: {"labels": {key: value}}),
    (r"taint (\S+)=(\S+)", lambda key, value: {"taints": (Taint(key, value),)}),
    (r"(\d+) of (\S+)", lambda n, name: {"extended": {name: int(n)}}),
    (r"not ready", lambda: {"ready": False}),
    (r"cordoned", lambda: {"cordoned": True}),
]


def _node(name: str, said: list[str]) -> Node:
    plenty = {"cpu_milli": 1_000_000, "memory_bytes": 10_000 * GB, "gpu_memory_mib": 80 * MIB_OF_GB}
    return Node(name, **(plenty | _understood(said, NODE_RULES)))


def _gpus(amount: str) -> int | None:
    return None if amount == "unlimited" else round(float(amount) * 1000)


QUEUE_RULES: Rules = [
    (r"quota (\S+)", lambda n: {"quota": _gpus(n)}),
    (r"limit (\S+)", lambda n: {"limit": _gpus(n)}),
    (rf"cpu quota {NUMBER}", lambda n: {"cpu_quota": round(float(n) * 1000)}),
    (rf"cpu limit {NUMBER}", lambda n: {"cpu_limit": round(float(n) * 1000)}),
    (rf"weight {NUMBER}", lambda n: {"weights": Weights(gpu=float(n))}),
    (r"rank (\d+)", lambda n: {"rank": int(n)}),
    (r"no over quota", lambda: {"over_quota": OverQuota(gpu=False)}),
    (
        r"minimum runtime (\d+)m",
        lambda n: {"preempt_min_runtime": int(n) * 60.0, "reclaim_min_runtime": int(n) * 60.0},
    ),
]


def _queue(name: str, parent: str, said: list[str], number: int) -> Queue:
    words = _understood(said, QUEUE_RULES)
    deserved = Bounds(words.pop("quota", 0), words.pop("cpu_quota", None))
    limit = Bounds(words.pop("limit", None), words.pop("cpu_limit", None))
    return Queue(name, parent, deserved, limit, created_at=NOON - 86_400 + number, **words)


GANG_RULES: Rules = [
    (
        rf"(?:(\d+) x )?{NUMBER} gpus?(?: on (.+))?",
        lambda n, gpus, on: {"count": int(n or 1), "gpu": _portion(gpus), "on": on},
    ),
    (
        r"(?:(\d+) x )?(\d+) GB gpu memory(?: on (.+))?",
        lambda n, gb, on: {
            "count": int(n or 1),
            "gpu": GpuRequest(1, memory_mib=int(gb) * MIB_OF_GB),
            "on": on,
        },
    ),
    (rf"{NUMBER} cpus?", lambda n: {"cpu": round(float(n) * 1000)}),
    (r"(\d+) GB", lambda n: {"memory": int(n) * GB}),
    (r"since (\d\d):(\d\d)", lambda h, m: {"since": NOON - 12 * 3600 + int(h) * 3600 + int(m) * 60}),
    (r"priority (\d+)", lambda n: {"priority": int(n)}),
    (r"(non-)?preemptible", lambda firm: {"preemptible": not firm}),
    (r"min (\d+)", lambda n: {"minimum": int(n)}),
    (r"needs (\S+)=(\S+)", lambda key, value: {"needs": ((key, value),)}),
    (r"tolerates (\S+)=(\S+)", lambda key, value: {"tolerates": (Toleration(key, value=value),)}),
    (
        r"together in (\S+) of (\S+)",
        lambda level, name: {"topology": TopologyConstraint(name, required_level=level)},
    ),
    (
        r"rather in (\S+) of (\S+)",
        lambda level, name: {"topology": TopologyConstraint(name, preferred_level=level)},
    ),
    (r"stale since (\d\d):(\d\d)", lambda h, m: {"stale": NOON - 12 * 3600 + int(h) * 3600 + int(m) * 60}),
    (r"(\d+) of (\S+)", lambda n, name: {"extended": ((name, int(n)),)}),
]


def _portion(gpus: str) -> GpuRequest:
    milli = round(float(gpus) * 1000)
    if milli >= 1000 and milli % 1000 == 0:
        return GpuRequest(milli // 1000)
    return GpuRequest(1, milli) if 0 < milli < 1000 else NO_GPU


def _gang(noun: str, name: str, queue: str, said: list[str], number: int) -> Gang:
    """Tasks are named after the gang; `on a, b` is written `on a b`, one place for all or one each, `a/g` a shared device."""
    words = _understood(said, GANG_RULES)
    request = TaskRequest(
        words.get("gpu", NO_GPU), words.get("cpu", 0), words.get("memory", 0), words.get("extended", ())
    )
    created = words.get("since", NOON - 6 * 3600 + number)
    state = {"running": TaskState.RUNNING, "leaving": TaskState.RELEASING, "pending": TaskState.PENDING}[noun]
    places = (words.get("on") or "").split() or [""]
    count, wanted = (
        words.get("count", 1),
        Constraints(words.get("needs", ()), tolerations=words.get("tolerates", ())),
    )
    tasks = []
    for index in range(count):
        node, _, group = places[index % len(places)].partition("/")
        tasks.append(
            Task(
                f"{name}-{index}",
                request,
                state if node else TaskState.PENDING,
                node=node,
                gpu_groups=(group,) if group else (),
                created_at=created,
                constraints=wanted,
            )
        )
    return Gang(
        uid=name,
        queue=queue,
        tasks=tasks,
        name=name,
        priority=words.get("priority", 50),
        preemptible=words.get("preemptible"),
        root=SubGroup(
            pod_sets=(PodSet(min_available=words.get("minimum", count)),), topology=words.get("topology")
        ),
        created_at=created,
        last_start=created if noun == "running" else None,
        stale_since=words.get("stale"),
    )
