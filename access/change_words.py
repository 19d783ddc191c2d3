"""Pure: names and values of audited fields as a person reads them; units come from the end of the name."""

import re
from collections.abc import Callable
from typing import Any

from ui.wording import duration, gibibytes, number

LABELS = {
    "gpu_deserved_milli": "GPU quota",
    "cpu_deserved_milli": "CPU quota",
    "memory_deserved_bytes": "Memory quota",
    "gpu_weight": "Over-quota weight",
    "label_key": "Node label",
    "kubeconfig": "Has a kubeconfig",
    "desiredPhase": "Wanted",
}
UNITS: dict[str, Callable[[Any], str]] = {
    "_milli": lambda value: number(value / 1000),
    "_bytes": gibibytes,
    "_seconds": duration,
}
ABBREVIATIONS = {"gpu": "GPU", "cpu": "CPU", "gib": "GiB", "uid": "UID"}


def label_of(field: str) -> str:
    """'gpu_limit_milli' -> 'GPU limit', 'imagePullPolicy' -> 'Image pull policy'."""
    if field in LABELS:
        return LABELS[field]
    for ending in UNITS:
        field = field.removesuffix(ending)
    words = re.sub(r"(?<=[a-z0-9])(?=[A-Z])", "_", field).lower().split("_")
    named = " ".join(ABBREVIATIONS.get(word, word) for word in words if word)
    return named[:1].upper() + named[1:]


def value_of(field: str, value: Any) -> str:
    """With its unit; what was not there is a dash, what has no end is said."""
    if value is None:
        return "no limit" if "limit" in field else "–"
    if isinstance(value, bool):
        return "yes" if value else "no"
    if isinstance(value, int | float):
        for ending, words in UNITS.items():
            if field.endswith(ending):
                return words(value)
        return number(value)
    if isinstance(value, list) and all(isinstance(one, str) for one in value):
        return ", ".join(value) or "–"
    return str(value)
