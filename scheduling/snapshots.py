"""Pure: a captured cluster as JSON and back: one pool's nodes, queues, gangs and history with the settings and the instant.

Only what the engine reads is kept: amounts, places, labels, constraints and quotas. Containers, environment values,
annotations and secrets never get this far.
"""

import json
import math
import types
import typing
from collections.abc import Mapping
from dataclasses import MISSING, dataclass, field, fields, is_dataclass
from enum import Enum, StrEnum
from typing import Any, NoReturn

from scheduling.engine.config import SchedulerConfig
from scheduling.engine.model.demand import NO_DEMAND, AskedShape, Demand
from scheduling.engine.model.gangs import Gang, PodSet
from scheduling.engine.model.gpus import GpuRequest
from scheduling.engine.model.nodes import ForeignUse, Node, Topology
from scheduling.engine.model.queues import Queue
from scheduling.engine.model.resources import Bounds, Resources
from scheduling.engine.model.snapshot import ClusterSnapshot
from scheduling.engine.model.tasks import TaskRequest
from scheduling.engine.model.usage import UsageBucket, UsageHistory
from scheduling.requests import LARGEST_AMOUNT

AMOUNTS: dict[type, tuple[str, ...]] = {
    Node: ("gpus", "cpu_milli", "memory_bytes", "gpu_memory_mib", "max_pods", "extended"),
    ForeignUse: ("gpus", "cpu_milli", "memory_bytes", "pods", "extended"),
    GpuRequest: ("devices", "portion_milli", "memory_mib"),
    TaskRequest: ("cpu_milli", "memory_bytes", "extended"),
    Bounds: ("gpu_milli", "cpu_milli", "memory_bytes"),
    Resources: ("gpu_milli", "cpu_milli", "memory_bytes"),
    PodSet: ("min_available",),
    AskedShape: ("tasks",),
    UsageBucket: ("seconds",),
}
"""Fields that hold amounts of something: never negative, and at most LARGEST_AMOUNT. None says that there is no bound."""
FORMAT = 1
"""Grows when files of an older version can no longer be read."""


class UnreadableSnapshot(ValueError):
    """The file is not a captured cluster of this format; the message names the field."""


@dataclass(frozen=True)
class CapturedCluster:
    """One pool of a cluster at one instant (`now`, seconds since the epoch), and the settings of its scheduler."""

    now: float
    pool: str = "default"
    nodes: tuple[Node, ...] = ()
    queues: tuple[Queue, ...] = ()
    gangs: tuple[Gang, ...] = ()
    topologies: tuple[Topology, ...] = ()
    history: UsageHistory = field(default_factory=UsageHistory)
    demand: Demand = NO_DEMAND
    config: SchedulerConfig = field(default_factory=SchedulerConfig)
    format: int = FORMAT

    @classmethod
    def of(cls, snapshot: ClusterSnapshot, config: SchedulerConfig, now: float) -> "CapturedCluster":
        return cls(
            now=now,
            pool=snapshot.pool,
            nodes=tuple(snapshot.nodes),
            queues=tuple(snapshot.queues),
            gangs=tuple(snapshot.gangs),
            topologies=tuple(snapshot.topologies.values()),
            history=snapshot.history,
            demand=snapshot.demand,
            config=config,
        )

    def snapshot(self) -> ClusterSnapshot:
        return ClusterSnapshot.build(
            nodes=self.nodes,
            queues=self.queues,
            gangs=self.gangs,
            topologies=self.topologies,
            history=self.history,
            demand=self.demand,
            pool=self.pool,
        )


def to_json(captured: CapturedCluster) -> str:
    """One gang, node or queue a line would be hard to diff: indented, keys in a fixed order, defaults left out."""
    return json.dumps(plain(captured) | {"format": captured.format}, indent=1, sort_keys=True) + "\n"


def from_json(text: str) -> CapturedCluster:
    """The captured cluster; UnreadableSnapshot names what does not belong there."""
    try:
        document = json.loads(text, parse_constant=_refuse_constant)
    except json.JSONDecodeError as error:
        raise UnreadableSnapshot(f"not JSON: {error}") from error
    if not isinstance(document, dict) or document.get("format") != FORMAT:
        raise UnreadableSnapshot(f"not a captured cluster of format {FORMAT}")
    captured: CapturedCluster = built(CapturedCluster, document, "")
    return captured


def _refuse_constant(name: str) -> NoReturn:
    raise UnreadableSnapshot(f"{name} is not a number a cluster can have")


def plain(value: Any) -> Any:
    """Dataclasses and named tuples as objects without their defaults, enums by name or value."""
    if isinstance(value, StrEnum):
        return str(value)
    if isinstance(value, Enum):
        return value.name
    if is_dataclass(value) and not isinstance(value, type):
        shown = {one.name: getattr(value, one.name) for one in fields(value)}
        return {name: plain(one) for name, one in shown.items() if one != _default(type(value), name)}
    if isinstance(value, tuple) and hasattr(value, "_asdict"):
        return {name: plain(one) for name, one in value._asdict().items()}
    if isinstance(value, Mapping):
        return {str(key): plain(one) for key, one in value.items()}
    if isinstance(value, (list, tuple)):
        return [plain(one) for one in value]
    return value


def _default(kind: type, name: str) -> Any:
    one = next(one for one in fields(kind) if one.name == name)
    if one.default is not MISSING:
        return one.default
    return one.default_factory() if one.default_factory is not MISSING else MISSING


def built(kind: Any, data: Any, path: str) -> Any:
    """The value of type `kind` that `data` describes; `path` names it in errors."""
    origin, arguments = typing.get_origin(kind), typing.get_args(kind)
    if origin in (typing.Union, types.UnionType):
        if data is None and type(None) in arguments:
            return None
        return built(next(one for one in arguments if one is not type(None)), data, path)
    if origin in (tuple, list):
        return _built_sequence(origin, arguments, data, path)
    if origin is not None and issubclass(origin, Mapping):
        if not isinstance(data, dict):
            raise UnreadableSnapshot(f"{path}: an object is expected")
        return {key: built(arguments[1], one, f"{path}.{key}") for key, one in data.items()}
    if is_dataclass(kind) or hasattr(kind, "_fields"):
        return _built_object(kind, data, path)
    if isinstance(kind, type) and issubclass(kind, Enum):
        return _built_enum(kind, data, path)
    return _scalar(kind, data, path)


def _built_sequence(origin: type, arguments: tuple[Any, ...], data: Any, path: str) -> Any:
    if not isinstance(data, list):
        raise UnreadableSnapshot(f"{path}: a list is expected")
    if origin is list or (len(arguments) == 2 and arguments[1] is Ellipsis):
        return origin(built(arguments[0], one, f"{path}[{number}]") for number, one in enumerate(data))
    if len(data) != len(arguments):
        raise UnreadableSnapshot(f"{path}: {len(arguments)} values are expected")
    return tuple(
        built(kind, one, f"{path}[{number}]")
        for number, (kind, one) in enumerate(zip(arguments, data, strict=True))
    )


def _built_object(kind: Any, data: Any, path: str) -> Any:
    if not isinstance(data, dict):
        raise UnreadableSnapshot(f"{path or 'the file'}: an object is expected")
    hints = typing.get_type_hints(kind)
    unknown = sorted(set(data) - set(hints))
    if unknown:
        raise UnreadableSnapshot(f"{path}.{unknown[0]}: no such field".lstrip("."))
    values = {name: built(hints[name], one, f"{path}.{name}".lstrip(".")) for name, one in data.items()}
    for name in AMOUNTS.get(kind, ()):
        _check_amounts(values.get(name), f"{path}.{name}")
    try:
        return kind(**values)
    except TypeError as error:
        raise UnreadableSnapshot(f"{path or 'the file'}: {error}") from error


def _check_amounts(value: Any, path: str) -> None:
    """An amount, or amounts by name."""
    if isinstance(value, Mapping):
        value = tuple(value.items())
    for amount in [one for _, one in value] if isinstance(value, tuple) else [value]:
        if amount is not None and not 0 <= amount <= LARGEST_AMOUNT:
            raise UnreadableSnapshot(f"{path}: {amount} is not from 0 to {LARGEST_AMOUNT:.0e}")


def _built_enum(kind: type[Enum], data: Any, path: str) -> Enum:
    try:
        return kind(data) if issubclass(kind, StrEnum) else kind[data]
    except (KeyError, ValueError) as error:
        raise UnreadableSnapshot(f"{path}: {data!r} is no {kind.__name__}") from error


def _scalar(kind: Any, data: Any, path: str) -> Any:
    if kind is Any:  # an option of a plugin; those that list something take tuples
        return tuple(data) if isinstance(data, list) else data
    if kind is float and isinstance(data, int) and not isinstance(data, bool):
        return float(data)
    if not isinstance(data, kind) or (isinstance(data, bool) and kind is not bool):
        raise UnreadableSnapshot(f"{path}: {data!r} is no {kind.__name__}")
    if isinstance(data, float) and not math.isfinite(data):
        raise UnreadableSnapshot(f"{path}: {data!r} is not a number a cluster can have")
    return data
