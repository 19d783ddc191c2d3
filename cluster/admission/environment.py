"""What a container's environment says of devices: NVIDIA's runtime believes it. Pure."""

import base64
import binascii
from typing import Any

from cluster.admission.fractions import gpu_resources
from cluster.admission.reading import at, mapping, objects, sequence, text
from cluster.admission.reviews import Problem, Review

VISIBLE_DEVICES = "NVIDIA_VISIBLE_DEVICES"
NO_DEVICES = ("void", "none", "")
"""Values that give no device away."""
DEVICE_VARIABLES = frozenset({VISIBLE_DEVICES, "GPU_PORTION"})
SOURCES = frozenset({("", "configmaps"), ("", "secrets")})
"""What `envFrom` reads, and the name of a variable with it."""
_SET_BY_US = "is set by the product: ask for GPUs by nvidia.com/gpu, gpu-fraction or gpu-memory; without GPUs `void` is allowed"


def environment_problems(container: dict[str, Any], place: str, ours: list[dict[str, Any]]) -> list[Problem]:
    """Only what the product writes for a shared pod, or values that give nothing away."""
    expected = {variable["name"]: variable for variable in ours}
    found: list[Problem] = []
    for index, variable in objects(container.get("env")):
        name = text(variable.get("name"))
        if name not in DEVICE_VARIABLES or _is_ours(variable, expected.get(name)):
            continue
        if name == VISIBLE_DEVICES and not ours and _gives_nothing(variable):
            continue
        found.append(Problem(f"{place}.env[{index}]", f"{name} {_SET_BY_US}"))
    return found + _prefix_problems(container, place)


def _prefix_problems(container: dict[str, Any], place: str) -> list[Problem]:
    """With a prefix any key of a map may become our variable. It matters where we tell nothing: beside whole GPUs."""
    if not gpu_resources(container):
        return []
    return [
        Problem(
            f"{place}.envFrom[{index}].prefix", f"{prefix!r} begins {VISIBLE_DEVICES}, which {_SET_BY_US}"
        )
        for index, source in objects(container.get("envFrom"))
        if (prefix := text(source.get("prefix"))) and VISIBLE_DEVICES.startswith(prefix)
    ]


def source_problems(review: Review) -> list[Problem]:
    """A map that names our variable: by `envFrom` it would win over what the device plugin says of whole GPUs."""
    if (review.group, review.resource) not in SOURCES:
        return []
    now, before = (at(one, "data").get(VISIBLE_DEVICES) for one in (review.object, review.old))
    value = _decoded(now) if review.resource == "secrets" else now
    if now is None or now == before or value in NO_DEVICES:
        return []
    return [Problem(f"data[{VISIBLE_DEVICES}]", _SET_BY_US)]


def _decoded(value: Any) -> str | None:
    if not isinstance(value, str):
        return None
    try:
        return base64.b64decode(value, validate=True).decode()
    except (binascii.Error, ValueError):
        return None


def _is_ours(variable: dict[str, Any], expected: dict[str, Any] | None) -> bool:
    """The API server fills in apiVersion of a fieldRef: compared is where it points."""
    if expected is None:
        return False
    wanted = at(expected, "valueFrom", "fieldRef").get("fieldPath")
    return wanted is not None and at(variable, "valueFrom", "fieldRef").get("fieldPath") == wanted


def _gives_nothing(variable: dict[str, Any]) -> bool:
    value = variable.get("value")
    return "valueFrom" not in variable and (value is None or value in NO_DEVICES)


def without_devices(container: dict[str, Any]) -> dict[str, Any]:
    """The container, told explicitly that it has no GPU: an image or a ConfigMap that asks for all would else be given them."""
    if gpu_resources(container) or sequence(at(container, "resources").get("claims")):
        return container
    env = container.get("env")
    if env is not None and not isinstance(env, list):
        return container
    if any(mapping(variable).get("name") == VISIBLE_DEVICES for variable in env or []):
        return container
    return {**container, "env": [*(env or []), {"name": VISIBLE_DEVICES, "value": "void"}]}
