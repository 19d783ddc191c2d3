"""Pure: what a pod asks for, as Kubernetes counts it, refusing what no node can mean."""

import json
from collections.abc import Iterable, Mapping
from typing import Any

from cluster.labels import GPU_FRACTION, GPU_FRACTION_DEVICES, GPU_MEMORY, GPU_RESOURCE
from cluster.quantities import milli, whole
from scheduling.engine.model.gpus import GpuRequest
from scheduling.engine.model.tasks import TaskRequest

LARGEST_AMOUNT = 10**15
"""Of anything (bytes, thousandths of a core): about a pebibyte. Sums of a million of them still fit 64 bits... of Python, and of numpy
as long as fewer than 9,000 are added, which no node holds."""
MOST_GPUS = 1024
"""Devices on one node; a request for more is a slip, not a wish."""

HOST_PORT = "host port "
"""Begins the name of a port among a pod's extended amounts; no resource of Kubernetes has a space in its name."""

Amounts = dict[str, int]


class UnreadablePod(ValueError):
    """A pod that cannot be scheduled as it is written; the message names the field and the limit."""

    def __init__(self, code: str, message: str) -> None:
        super().__init__(message)
        self.code = code


def read_request(pod: Mapping[str, Any]) -> TaskRequest:
    """The request of a pod: containers together, or the largest init container, and the overhead; raises UnreadablePod."""
    amounts = effective_amounts(pod)
    gpus = amounts.pop(GPU_RESOURCE, 0)
    if gpus > MOST_GPUS:
        raise UnreadablePod(
            "InvalidRequest", f"It asks for {gpus} GPUs; at most {MOST_GPUS} on one node can be asked for."
        )
    _refuse_shares(pod)
    return TaskRequest(
        gpu=GpuRequest(devices=gpus) if gpus else GpuRequest(),
        cpu_milli=amounts.pop("cpu", 0),
        memory_bytes=amounts.pop("memory", 0),
        extended=tuple(
            sorted((name, amount) for name, amount in (amounts | host_ports(pod)).items() if amount)
        ),
    )


def host_ports(pod: Mapping[str, Any]) -> Amounts:
    """Ports of the node itself that the pod listens on: each is an amount of which every node has one.

    The address it listens on is not looked at: two pods that would share a port on different addresses are kept apart.
    """
    spec, found = pod["spec"], {}
    for container in spec.get("containers") or []:
        for port in container.get("ports") or []:
            number = port.get("hostPort") or (port.get("containerPort") if spec.get("hostNetwork") else None)
            if number:
                found[f"{HOST_PORT}{port.get('protocol') or 'TCP'}/{number}"] = 1
    return found


def effective_amounts(pod: Mapping[str, Any]) -> Amounts:
    """Amounts by resource name, as the Kubernetes scheduler adds them up (sidecars run beside the containers)."""
    spec = pod["spec"]
    running: Amounts = {}
    for index, container in enumerate(spec.get("containers") or []):
        _add(running, container_amounts(container, f"containers[{index}]"))
    sidecars: Amounts = {}
    peak: Amounts = {}
    for index, container in enumerate(spec.get("initContainers") or []):
        asked = container_amounts(container, f"initContainers[{index}]")
        if container.get("restartPolicy") == "Always":
            _add(sidecars, asked)
            _raise_to(peak, sidecars)
        else:
            _raise_to(peak, _sum(asked, sidecars))
    _add(running, sidecars)
    _raise_to(running, peak)
    running |= container_amounts(spec, "spec")  # what the pod asks for as a whole counts instead
    _add(
        running,
        {name: read_amount(name, text, "overhead") for name, text in (spec.get("overhead") or {}).items()},
    )
    return running


def container_amounts(container: Mapping[str, Any], where: str) -> Amounts:
    """Requests; a limit stands in where no request is given, as the API server fills it in."""
    resources = container.get("resources") or {}
    texts = {**(resources.get("limits") or {}), **(resources.get("requests") or {})}
    return {name: read_amount(name, text, where) for name, text in texts.items()}


def read_amount(name: str, text: Any, where: str) -> int:
    """Millicores for cpu, whole units for the rest; raises UnreadablePod for what is no amount, negative or absurd."""
    try:
        amount = milli(text) if name == "cpu" else whole(text)
    except (ValueError, ArithmeticError) as error:
        raise UnreadablePod(
            "InvalidRequest", f"{where}: {name} is {str(text)[:40]!r}, which is no amount."
        ) from error
    if not 0 <= amount <= LARGEST_AMOUNT:
        raise UnreadablePod(
            "InvalidRequest",
            f"{where}: {name} is {str(text)[:40]!r}; it must be at least 0 and at most {LARGEST_AMOUNT:.0e}.",
        )
    return amount


def _refuse_shares(pod: Mapping[str, Any]) -> None:
    """A part of a GPU that nobody would hold to its part must not be given out."""
    annotations = pod["metadata"].get("annotations") or {}
    asked = sorted({GPU_FRACTION, GPU_MEMORY, GPU_FRACTION_DEVICES} & set(annotations))
    if asked:
        raise UnreadablePod(
            "SharedGpuNotServed",
            f"It asks for a part of a GPU (annotation {asked[0]} = {json.dumps(annotations[asked[0]])[:40]}); only whole GPUs are given out.",
        )


def _add(total: Amounts, more: Mapping[str, int]) -> None:
    for name, amount in more.items():
        total[name] = total.get(name, 0) + amount


def _sum(one: Amounts, other: Amounts) -> Amounts:
    total = dict(one)
    _add(total, other)
    return total


def _raise_to(total: Amounts, floor: Mapping[str, int]) -> None:
    for name, amount in floor.items():
        total[name] = max(total.get(name, 0), amount)


def total_of(requests: Iterable[TaskRequest]) -> TaskRequest:
    """The sum of several whole-device requests."""
    extended: Amounts = {}
    gpus = cpu = memory = 0
    for one in requests:
        gpus += one.gpu.devices
        cpu += one.cpu_milli
        memory += one.memory_bytes
        _add(extended, dict(one.extended))
    return TaskRequest(
        GpuRequest(devices=gpus) if gpus else GpuRequest(), cpu, memory, tuple(sorted(extended.items()))
    )
