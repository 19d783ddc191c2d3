"""Pure: what a person asks for. The form, the API and the command line all end in a `WorkloadSpec`."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, Protocol

from access.errors import InvalidInput
from workloads.json_fields import Errors, JsonFields
from workloads.priorities import BY_NAME, Preemptibility
from workloads.spec_rules import (
    check_command,
    check_environment,
    check_image,
    check_metadata,
    check_name,
    check_pools,
    check_range,
    check_resources,
)

GPU = 1000
"""Thousandths in one GPU, and in one core."""
CPU_MILLI_A_GPU = 100
MEMORY_BYTES_A_GPU = 100 * 2**20
"""Requested for each GPU (at least once) when nothing is asked for; platform.md §15.2."""
PULL_POLICIES = ("Always", "IfNotPresent", "Never")
GRACE_SECONDS = (0, 300, 30)
"""At least, at most, without a word."""


class Options(Protocol):
    """What only one kind of workload has; a frozen dataclass in the kind's file."""

    def to_json(self) -> dict[str, Any]: ...

    def check(self, errors: Errors) -> None: ...


class OptionsReader(Protocol):
    """The part of a kind that the spec needs."""

    key: str

    @property
    def default_priority(self) -> str: ...

    def read_options(self, fields: JsonFields) -> Options: ...


@dataclass(frozen=True)
class GpuRequest:
    """What one pod asks for: `devices` whole GPUs. Parts of a GPU (`request_type` portion, memory) are refused so far."""

    devices: int = 0
    request_type: str = "whole"

    @property
    def milli(self) -> int:
        return self.devices * GPU


@dataclass(frozen=True)
class Resources:
    """What one pod asks for: cores in thousandths, memory in bytes; a limit of None leaves it open."""

    gpu: GpuRequest = field(default_factory=GpuRequest)
    cpu_milli: int = CPU_MILLI_A_GPU
    memory_bytes: int = MEMORY_BYTES_A_GPU
    cpu_limit_milli: int | None = None
    memory_limit_bytes: int | None = None

    @classmethod
    def read(cls, fields: JsonFields) -> "Resources":
        devices = fields.whole("gpuDevicesRequest")
        request_type = fields.text("gpuRequestType") or "whole"
        portion, memory = fields.milli("gpuPortionRequest"), fields.bytes_of("gpuMemoryRequest")
        fields.milli("gpuPortionLimit")
        fields.bytes_of("gpuMemoryLimit")
        if request_type == "portion" and portion == GPU:  # a whole device by another name
            request_type = "whole"
        elif request_type != "whole" or portion not in (None, GPU) or memory is not None:
            fields.complain("gpuRequestType", "Parts of a GPU are not offered here; ask for whole GPUs.")
        gpu = GpuRequest(devices or 0)
        times = max(1, gpu.devices)
        cpu, memory_bytes = fields.milli("cpuCoreRequest"), fields.bytes_of("cpuMemoryRequest")
        resources = cls(
            gpu=gpu,
            cpu_milli=CPU_MILLI_A_GPU * times if cpu is None else cpu,
            memory_bytes=MEMORY_BYTES_A_GPU * times if memory_bytes is None else memory_bytes,
            cpu_limit_milli=fields.milli("cpuCoreLimit"),
            memory_limit_bytes=fields.bytes_of("cpuMemoryLimit"),
        )
        fields.finish()
        return resources

    def to_json(self) -> dict[str, Any]:
        return without_none(
            {
                "gpuDevicesRequest": self.gpu.devices,
                "cpuCoreRequest": self.cpu_milli / 1000,
                "cpuCoreLimit": None if self.cpu_limit_milli is None else self.cpu_limit_milli / 1000,
                "cpuMemoryRequest": quantity_text(self.memory_bytes),
                "cpuMemoryLimit": None
                if self.memory_limit_bytes is None
                else quantity_text(self.memory_limit_bytes),
            }
        )


@dataclass(frozen=True)
class WorkloadSpec:
    """One submission, complete: every default is filled in, so that two people read the same."""

    name: str
    kind: str
    image: str
    priority_class: str
    preemptibility: Preemptibility
    options: Options
    command: str = ""
    args: str = ""
    working_dir: str = ""
    pull_policy: str = "IfNotPresent"
    environment: tuple[tuple[str, str], ...] = ()
    resources: Resources = field(default_factory=Resources)
    node_pools: tuple[str, ...] = ()
    grace_seconds: int = GRACE_SECONDS[2]
    auto_delete_seconds: int | None = None
    labels: tuple[tuple[str, str], ...] = ()
    annotations: tuple[tuple[str, str], ...] = ()

    @classmethod
    def from_json(cls, name: str, data: object, kind: OptionsReader) -> "WorkloadSpec":
        """Reads the API's `spec`; raises InvalidInput with ALL broken rules, keyed by the field's path."""
        errors: Errors = {}
        fields = JsonFields(data, errors)
        priority = fields.text("priorityClass") or kind.default_priority
        grace = fields.whole("terminationGracePeriodSeconds")
        spec = cls(
            name=name,
            kind=kind.key,
            image=(fields.text("image") or "").strip(),
            priority_class=priority,
            preemptibility=_preemptibility(fields, priority),
            options=kind.read_options(fields),
            command=fields.text("command") or "",
            args=fields.text("args") or "",
            working_dir=fields.text("workingDir") or "",
            pull_policy=fields.text("imagePullPolicy") or "IfNotPresent",
            environment=fields.pairs("environmentVariables"),
            resources=Resources.read(fields.inner("compute")),
            node_pools=fields.texts("nodePools"),
            grace_seconds=GRACE_SECONDS[2] if grace is None else grace,
            auto_delete_seconds=fields.whole("autoDeletionTimeAfterCompletionSeconds"),
            labels=fields.pairs("labels"),
            annotations=fields.pairs("annotations"),
        )
        fields.finish()
        spec._check(errors)
        if errors:
            raise InvalidInput(errors)
        return spec

    def to_json(self) -> dict[str, Any]:
        """The API's `spec`; reading it again gives an equal WorkloadSpec."""
        return without_none(
            {
                "image": self.image,
                "imagePullPolicy": self.pull_policy,
                "command": self.command or None,
                "args": self.args or None,
                "workingDir": self.working_dir or None,
                "environmentVariables": _pairs_json(self.environment),
                "compute": self.resources.to_json(),
                "nodePools": list(self.node_pools) or None,
                "priorityClass": self.priority_class,
                "preemptibility": self.preemptibility.value,
                "terminationGracePeriodSeconds": self.grace_seconds,
                "autoDeletionTimeAfterCompletionSeconds": self.auto_delete_seconds,
                "labels": _pairs_json(self.labels),
                "annotations": _pairs_json(self.annotations),
                **self.options.to_json(),
            }
        )

    def _check(self, errors: Errors) -> None:
        check_name(self.name, errors)
        check_image(self.image, errors)
        check_command(self.command, "command", errors)
        check_command(self.args, "args", errors)
        check_environment(self.environment, errors)
        check_resources(self.resources, errors)
        check_pools(self.node_pools, errors)
        check_metadata(self.labels, "labels", errors)
        check_metadata(self.annotations, "annotations", errors)
        check_range(
            self.grace_seconds, *GRACE_SECONDS[:2], "terminationGracePeriodSeconds", errors, "seconds"
        )
        check_range(
            self.auto_delete_seconds, 0, 10**9, "autoDeletionTimeAfterCompletionSeconds", errors, "seconds"
        )
        if self.working_dir and not self.working_dir.startswith("/"):
            errors.setdefault("workingDir", []).append("Give an absolute path, beginning with /.")
        if self.pull_policy not in PULL_POLICIES:
            errors.setdefault("imagePullPolicy", []).append(f"Choose one of {', '.join(PULL_POLICIES)}.")
        if self.priority_class not in BY_NAME:
            errors.setdefault("priorityClass", []).append(
                f"There is no priority {self.priority_class[:40]!r}; choose one of {', '.join(BY_NAME)}."
            )
        self.options.check(errors)


def _preemptibility(fields: JsonFields, priority: str) -> Preemptibility:
    """As asked; without a word it follows the priority's value."""
    asked = fields.text("preemptibility")
    if asked is None or asked == "":
        known = BY_NAME.get(priority)
        return known.preemptibility if known else Preemptibility.PREEMPTIBLE
    try:
        return Preemptibility(asked)
    except ValueError:
        fields.complain("preemptibility", f"Choose one of {', '.join(Preemptibility)}.")
        return Preemptibility.PREEMPTIBLE


def quantity_text(number: int) -> str:
    """Bytes in the largest unit that stays exact: 17179869184 -> 16Gi, 20000000 -> 20M."""
    for size, unit in (
        (2**40, "Ti"),
        (2**30, "Gi"),
        (2**20, "Mi"),
        (10**9, "G"),
        (10**6, "M"),
        (2**10, "Ki"),
    ):
        if number and number % size == 0:
            return f"{number // size}{unit}"
    return str(number)


def without_none(data: Mapping[str, Any]) -> dict[str, Any]:
    return {key: value for key, value in data.items() if value is not None}


def _pairs_json(pairs: tuple[tuple[str, str], ...]) -> list[dict[str, str]] | None:
    return [{"name": name, "value": value} for name, value in pairs] or None
