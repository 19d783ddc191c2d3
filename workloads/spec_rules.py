"""Pure: the rules a submission must keep, one function a field; each adds a sentence that names the limit."""

import re
import shlex
from typing import TYPE_CHECKING

from workloads.json_fields import Errors

if TYPE_CHECKING:
    from workloads.spec import Resources

NAME_AT_MOST = 63
GPUS_AT_MOST = 128
"""For one pod: no node has more."""
CORES_AT_MOST = 4096
MEMORY_AT_MOST = 64 * 2**40
TEXT_AT_MOST = 32_768
"""Characters of a command, of arguments, of one variable: beyond it belongs into a file."""
VARIABLES_AT_MOST = 200
POOLS_AT_MOST = 20
METADATA_AT_MOST = 100
OUR_VARIABLES = frozenset(
    {
        "RUNAI_PROJECT",
        "RUNAI_JOB_NAME",
        "RUNAI_JOB_UUID",
        "RUNAI_NUM_OF_GPUS",
        "NODE_NAME",
        "RUNAI_MPI_NUM_WORKERS",
    }
)
DEVICE_VARIABLES = frozenset({"NVIDIA_VISIBLE_DEVICES", "GPU_PORTION"})
"""They would win over what the device plugin says; `void` gives nothing away."""
_NAME = re.compile(r"[a-z]([-a-z0-9]*[a-z0-9])?")
_IMAGE = re.compile(r"[A-Za-z0-9][A-Za-z0-9._/:@+-]*")
_VARIABLE = re.compile(r"[A-Za-z_][A-Za-z0-9_]*")
_KEY = re.compile(r"([a-z0-9]([-a-z0-9.]{0,251}[a-z0-9])?/)?[A-Za-z0-9]([-A-Za-z0-9_.]{0,61}[A-Za-z0-9])?")
_LABEL_VALUE = re.compile(r"([A-Za-z0-9]([-A-Za-z0-9_.]{0,61}[A-Za-z0-9])?)?")
_RESERVED = re.compile(
    r"(runai/|([a-z0-9.-]*\.)?(runai\.io|run\.ai|kai\.scheduler|kubernetes\.io|k8s\.io)/"
    r"|runai-gpu-group/|(priorityClassName|project|job-name|controller-uid|runai-gpu-group|received-resource-type|gpu-.*)$)"
)
"""Keys the product, the scheduler and Kubernetes decide by: nobody takes a queue or a GPU by a label."""


def check_name(name: str, errors: Errors) -> None:
    if not name:
        _add(errors, "name", "Give the workload a name.")
    elif len(name) > NAME_AT_MOST:
        _add(errors, "name", f"Names have at most {NAME_AT_MOST} characters; this one has {len(name)}.")
    elif not _NAME.fullmatch(name):
        _add(
            errors,
            "name",
            "Start with a letter; use lower-case letters, digits and hyphens; end with a letter or a digit.",
        )


def check_image(image: str, errors: Errors) -> None:
    if not image:
        _add(errors, "image", "Give the image to run.")
    elif len(image) > 500:
        _add(errors, "image", f"Images have at most 500 characters; this one has {len(image)}.")
    elif not _IMAGE.fullmatch(image):
        _add(errors, "image", "This is not an image reference such as registry.example/team/train:1.2.")


def check_command(text: str, field: str, errors: Errors) -> None:
    if len(text) > TEXT_AT_MOST:
        _add(errors, field, f"At most {TEXT_AT_MOST} characters; this has {len(text)}.")
        return
    try:
        shlex.split(text)
    except ValueError as error:
        _add(errors, field, f"This cannot be split into words: {str(error).lower()}.")


def check_environment(pairs: tuple[tuple[str, str], ...], errors: Errors) -> None:
    field = "environmentVariables"
    if len(pairs) > VARIABLES_AT_MOST:
        _add(errors, field, f"At most {VARIABLES_AT_MOST} variables; there are {len(pairs)}.")
    seen: set[str] = set()
    for index, (name, value) in enumerate(pairs):
        path = f"{field}.{index}.name"
        if not _VARIABLE.fullmatch(name) or len(name) > 253:
            _add(errors, path, f"{name[:40]!r}: use letters, digits and _ and do not start with a digit.")
        elif name in OUR_VARIABLES:
            _add(errors, path, f"{name} is set by the product.")
        elif name in DEVICE_VARIABLES and value != "void":
            _add(errors, path, f"{name} is set by the product: ask for GPUs by their number.")
        elif name in seen:
            _add(errors, path, f"{name} is there twice.")
        seen.add(name)
        if len(value) > TEXT_AT_MOST:
            _add(
                errors, f"{field}.{index}.value", f"At most {TEXT_AT_MOST} characters; this has {len(value)}."
            )


def check_resources(resources: "Resources", errors: Errors) -> None:
    check_range(resources.gpu.devices, 0, GPUS_AT_MOST, "compute.gpuDevicesRequest", errors, "GPUs")
    _check_amount(
        resources.cpu_milli, 1000 * CORES_AT_MOST, "compute.cpuCoreRequest", errors, f"{CORES_AT_MOST} cores"
    )
    _check_amount(resources.memory_bytes, MEMORY_AT_MOST, "compute.cpuMemoryRequest", errors, "64 TiB")
    for limit, request, field in (
        (resources.cpu_limit_milli, resources.cpu_milli, "compute.cpuCoreLimit"),
        (resources.memory_limit_bytes, resources.memory_bytes, "compute.cpuMemoryLimit"),
    ):
        if limit is not None and limit < request:
            _add(errors, field, "The limit must not be below the request.")
    if resources.cpu_limit_milli is not None:
        _check_amount(
            resources.cpu_limit_milli,
            1000 * CORES_AT_MOST,
            "compute.cpuCoreLimit",
            errors,
            f"{CORES_AT_MOST} cores",
        )
    if resources.memory_limit_bytes is not None:
        _check_amount(
            resources.memory_limit_bytes, MEMORY_AT_MOST, "compute.cpuMemoryLimit", errors, "64 TiB"
        )


def check_pools(pools: tuple[str, ...], errors: Errors) -> None:
    if len(pools) > POOLS_AT_MOST:
        _add(errors, "nodePools", f"At most {POOLS_AT_MOST} node pools; there are {len(pools)}.")
    for name in sorted({name for name in pools if pools.count(name) > 1}):
        _add(errors, "nodePools", f"{name[:63]} is there twice.")


def check_metadata(pairs: tuple[tuple[str, str], ...], field: str, errors: Errors) -> None:
    """`field` is labels or annotations."""
    if len(pairs) > METADATA_AT_MOST:
        _add(errors, field, f"At most {METADATA_AT_MOST} {field}; there are {len(pairs)}.")
    seen: set[str] = set()
    for index, (key, value) in enumerate(pairs):
        path = f"{field}.{index}"
        if not _KEY.fullmatch(key):
            _add(errors, f"{path}.name", f"{key[:60]!r} is not a key such as team or example.com/team.")
        elif _RESERVED.match(key):
            _add(errors, f"{path}.name", f"{key} is set by the product.")
        elif key in seen:
            _add(errors, f"{path}.name", f"{key} is there twice.")
        seen.add(key)
        if field == "labels" and not _LABEL_VALUE.fullmatch(value):
            _add(
                errors,
                f"{path}.value",
                "Label values have at most 63 letters, digits, ., _ and -, and begin and end with a letter or digit.",
            )
        elif len(value) > TEXT_AT_MOST:
            _add(errors, f"{path}.value", f"At most {TEXT_AT_MOST} characters; this has {len(value)}.")


def check_range(
    number: int | None, lowest: int, highest: int, field: str, errors: Errors, unit: str = ""
) -> None:
    """None is not checked: the field was left out."""
    if number is not None and not lowest <= number <= highest:
        _add(errors, field, f"Between {lowest} and {highest} {unit}".rstrip() + f"; this is {number}.")


def _check_amount(amount: int, most: int, field: str, errors: Errors, most_text: str) -> None:
    if amount <= 0:
        _add(errors, field, "This must be more than 0.")
    elif amount > most:
        _add(errors, field, f"At most {most_text}.")


def _add(errors: Errors, field: str, sentence: str) -> None:
    errors.setdefault(field, []).append(sentence)
