"""A part of a GPU, as pods ask for it by annotation: what is well formed, and what such a pod is told when it starts. Pure."""

import re
from decimal import Decimal
from typing import Any

from cluster import labels
from cluster.admission.reading import annotations_in, at, mapping, objects, text
from cluster.admission.reviews import Problem
from cluster.admission.templates import Path, containers_of, field_name
from cluster.documents import Document
from cluster.quantities import parse_quantity

MOST_DEVICES = 1024
MOST_MEMORY_MIB = 16 * 1024 * 1024
"""16 TiB: no device has as much; a larger number is a slip, such as bytes for MiB."""
_DECIMAL = re.compile(r"[0-9]{0,3}(?:\.[0-9]{1,12})?", re.ASCII)
_WHOLE = re.compile(r"[0-9]{1,12}", re.ASCII)
_THOUSANDTH = Decimal("0.001")
MEMORY_LIMIT_VARIABLE = "RUNAI_GPU_MEMORY_LIMIT"
SHARES = (labels.GPU_FRACTION, labels.GPU_MEMORY)


def shares_gpu(pod: Document) -> bool:
    """Whether the pod asks for a part of a GPU, well or badly."""
    return any(name in annotations_in(pod) for name in SHARES)


_GPUS = re.compile(r"nvidia\.com/(gpu|gpu\..*|mig-.*)", re.ASCII)
"""Whole GPUs, shared replicas of them, MIG slices. NVIDIA's network cards have names of the same domain."""


def gpu_resources(container: dict[str, Any]) -> dict[str, str]:
    """What a container asks of GPUs by resource; zero is not asking."""
    resources = at(container, "resources")
    asked = {**mapping(resources.get("requests")), **mapping(resources.get("limits"))}
    return {
        name: str(amount)
        for name, amount in asked.items()
        if _GPUS.fullmatch(name) and str(amount).strip() not in ("0", "")
    }


def gpu_container(pod: Document) -> tuple[str, int] | None:
    """(list, place) of the one container that gets the part: the named one, else the first; None when there is no such."""
    wanted = annotations_in(pod).get(labels.GPU_FRACTION_CONTAINER)
    for listed, index, container in containers_of(pod):
        if listed == "ephemeralContainers":
            continue
        if container.get("name") == wanted or (wanted is None and listed == "containers"):
            return listed, index
    return None


def environment_of_share(pod: Document) -> list[dict[str, Any]]:
    """What the container reads when it starts. The devices are known only once the pod has its place, and the environment of
    a pod cannot change: so it points at annotations that are written before the pod is bound."""

    def told(annotation: str) -> dict[str, Any]:
        return {"fieldRef": {"apiVersion": "v1", "fieldPath": f"metadata.annotations['{annotation}']"}}

    devices = annotations_in(pod).get(labels.GPU_FRACTION_DEVICES, "1")
    return [
        {"name": "NVIDIA_VISIBLE_DEVICES", "valueFrom": told(labels.VISIBLE_DEVICES)},
        {"name": "GPU_PORTION", "valueFrom": told(labels.GPU_PORTION)},
        {"name": "RUNAI_NUM_OF_GPUS", "value": devices},
    ]


def fraction_problems(pod: Document, path: Path) -> list[Problem]:
    """Every way in which the request for a part is malformed (platform.md §6.2)."""
    notes = annotations_in(pod)
    found: list[Problem] = []

    def refuse(annotation: str, sentence: str) -> None:
        found.append(Problem(f"{field_name(path, 'metadata', 'annotations')}[{annotation}]", sentence))

    share = [name for name in SHARES if name in notes]
    if labels.GPU_FRACTION in notes and (wrong := _fraction_problem(notes[labels.GPU_FRACTION])):
        refuse(labels.GPU_FRACTION, wrong)
    if labels.GPU_MEMORY in notes and not _whole_within(notes[labels.GPU_MEMORY], MOST_MEMORY_MIB):
        refuse(
            labels.GPU_MEMORY,
            f"{_quoted(notes[labels.GPU_MEMORY])} must be a whole number of MiB from 1 to {MOST_MEMORY_MIB}",
        )
    if len(share) == 2:
        refuse(labels.GPU_MEMORY, f"cannot be together with {labels.GPU_FRACTION}: ask for one of them")
    if labels.GPU_FRACTION_DEVICES in notes:
        if not _whole_within(notes[labels.GPU_FRACTION_DEVICES], MOST_DEVICES):
            refuse(
                labels.GPU_FRACTION_DEVICES,
                f"{_quoted(notes[labels.GPU_FRACTION_DEVICES])} must be a whole number from 1 to {MOST_DEVICES}",
            )
        if not share:
            refuse(
                labels.GPU_FRACTION_DEVICES, f"needs {labels.GPU_FRACTION} or {labels.GPU_MEMORY} beside it"
            )
    if labels.GPU_FRACTION_CONTAINER in notes and (not share or gpu_container(pod) is None):
        refuse(
            labels.GPU_FRACTION_CONTAINER,
            f"no container is named {_quoted(notes[labels.GPU_FRACTION_CONTAINER])}"
            if share
            else f"needs {labels.GPU_FRACTION} or {labels.GPU_MEMORY} beside it",
        )
    if share:
        found += _whole_devices_beside(pod, path, share[0]) + _limit_problems(pod, path, share[0])
    return found


def _fraction_problem(written: str) -> str:
    """Why it is no fraction; empty when it is one. Thousandths are what quotas count in."""
    if not written or written == "." or not _DECIMAL.fullmatch(written):
        return f"{_quoted(written)} must be a positive decimal number below 1, such as 0.5"
    number = Decimal(written)
    if not 0 < number < 1:
        return f"{_quoted(written)} must be above 0 and below 1; a whole GPU is asked for as {labels.GPU_RESOURCE}: 1"
    if number % _THOUSANDTH:
        return f"{_quoted(written)} must have at most 3 decimals"
    return ""


def _whole_within(written: str, most: int) -> bool:
    return _WHOLE.fullmatch(written) is not None and 1 <= int(written) <= most


def _whole_devices_beside(pod: Document, path: Path, share: str) -> list[Problem]:
    return [
        Problem(
            field_name((*path, "spec"), listed, index, "resources"),
            f"{name} cannot be together with the annotation {share}: a pod gets whole GPUs or parts, not both",
        )
        for listed, index, container in containers_of(pod)
        for name in sorted(gpu_resources(container))
    ]


def _limit_problems(pod: Document, path: Path, share: str) -> list[Problem]:
    """RUNAI_GPU_MEMORY_LIMIT: up to which the part may grow, in the form of the request: a part, or a quantity."""
    place = gpu_container(pod)
    if place is None:
        return []
    listed, index = place
    container = at(pod, "spec")[listed][index]
    found: list[Problem] = []
    for number, variable in objects(container.get("env")):
        if variable.get("name") == MEMORY_LIMIT_VARIABLE and "valueFrom" not in variable:
            wrong = _limit_problem(text(variable.get("value")), annotations_in(pod)[share], share)
            if wrong:
                field = field_name((*path, "spec"), listed, index, "env", number, "value")
                found.append(Problem(field, f"{MEMORY_LIMIT_VARIABLE} {wrong}"))
    return found


def _limit_problem(limit: str, request: str, share: str) -> str:
    if share == labels.GPU_FRACTION:
        if not limit or limit == "." or not _DECIMAL.fullmatch(limit) or not 0 < Decimal(limit) <= 1:
            return f"{_quoted(limit)} must be a part above 0 and at most 1, as the request is {labels.GPU_FRACTION}"
        smaller = not _fraction_problem(request) and Decimal(limit) < Decimal(request)
        return f"{_quoted(limit)} must be at least the request, {request}" if smaller else ""
    try:
        size = parse_quantity(limit)
    except (ValueError, ArithmeticError):
        return f"{_quoted(limit)} must be a quantity such as 2500M, as the request is {labels.GPU_MEMORY}"
    if not _whole_within(request, MOST_MEMORY_MIB):
        return ""
    return (
        f"{_quoted(limit)} must be at least the request, {request} MiB" if size < int(request) * 2**20 else ""
    )


def _quoted(written: str) -> str:
    return repr(written[:60])
