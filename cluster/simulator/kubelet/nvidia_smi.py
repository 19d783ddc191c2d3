"""nvidia-smi in a container with imaginary devices: its table, its list, and `--query-gpu`. Pure."""

from collections.abc import Callable, Sequence
from datetime import datetime

from cluster.simulator.gpus import Reading

DRIVER, CUDA = "580.95.05", "13.0"
QUERIES: dict[str, tuple[str, Callable[[Reading], str]]] = {
    "name": ("", lambda one: one.product),
    "gpu_name": ("", lambda one: one.product),
    "uuid": ("", lambda one: one.uuid),
    "gpu_uuid": ("", lambda one: one.uuid),
    "driver_version": ("", lambda one: DRIVER),
    "utilization.gpu": ("%", lambda one: f"{one.utilisation:.0f}"),
    "memory.total": ("MiB", lambda one: str(one.memory_used_mib + one.memory_free_mib)),
    "memory.used": ("MiB", lambda one: str(one.memory_used_mib)),
    "memory.free": ("MiB", lambda one: str(one.memory_free_mib)),
    "temperature.gpu": ("", lambda one: f"{one.celsius:.0f}"),
    "power.draw": ("W", lambda one: f"{one.watts:.2f}"),
}
"""What can be asked: its unit, and its value."""


def nvidia_smi(arguments: Sequence[str], devices: Sequence[Reading], now: datetime) -> tuple[str, int]:
    """(what is written, exit code). The container counts its own devices from 0."""
    if not arguments:
        return _table(devices, now), 0
    if list(arguments) in (["-L"], ["--list-gpus"]):
        lines = [f"GPU {n}: {one.product} (UUID: {one.uuid})" for n, one in enumerate(devices)]
        return "\n".join(lines) + "\n", 0
    options = dict(argument.partition("=")[::2] for argument in arguments)
    if options.keys() == {"--query-gpu", "--format"} and options["--format"].startswith("csv"):
        return _query(options["--query-gpu"].split(","), options["--format"].split(","), devices)
    return f"Invalid combination of input arguments: {' '.join(arguments)}\n", 1


def _query(fields: list[str], forms: list[str], devices: Sequence[Reading]) -> tuple[str, int]:
    for field in fields:
        if field != "index" and field not in QUERIES:
            return f'Field "{field}" is not a valid field to query.\n', 2
    bare = "nounits" in forms
    lines = []
    if "noheader" not in forms:
        units = [QUERIES[field][0] if field in QUERIES else "" for field in fields]
        lines.append(
            ", ".join(f"{f} [{u}]" if u and not bare else f for f, u in zip(fields, units, strict=True))
        )
    for number, one in enumerate(devices):
        cells = []
        for field in fields:
            unit, value = QUERIES.get(field, ("", lambda _: ""))
            text = str(number) if field == "index" else value(one)
            cells.append(text if bare or not unit else f"{text} {unit}")
        lines.append(", ".join(cells))
    return "\n".join(lines) + "\n", 0


def _table(devices: Sequence[Reading], now: datetime) -> str:
    line = "+" + "-" * 77 + "+"
    versions = f"NVIDIA-SMI {DRIVER}    Driver Version: {DRIVER}    CUDA Version: {CUDA}"
    rows = [f"{now:%a %b %d %H:%M:%S %Y}", line, f"| {versions:<75} |", line]
    rows += [
        f"| {'GPU  Name':<33} {'Temp  Power':>14} {'Memory-Usage':>19} {'Util':>6} |",
        "|" + "=" * 77 + "|",
    ]
    for number, one in enumerate(devices):
        memory = f"{one.memory_used_mib}MiB / {one.memory_used_mib + one.memory_free_mib}MiB"
        heat = f"{one.celsius:.0f}C {one.watts:.0f}W"
        rows.append(
            f"| {f'{number:>3}  {one.product}':<33.33} {heat:>14} {memory:>19} {f'{one.utilisation:.0f}%':>6} |"
        )
    return "\n".join([*rows, line, ""])
