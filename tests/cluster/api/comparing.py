"""Compares the answers of two servers: everything, but what each server makes up itself and what has been reviewed."""

import json
import re
from collections.abc import Iterator
from typing import Any

MADE_UP = frozenset(
    [
        "resourceVersion",
        "uid",
        "creationTimestamp",
        "time",
        "deletionTimestamp",
        "lastTransitionTime",
        "clusterIP",
        "clusterIPs",
        "controller-uid",
        "batch.kubernetes.io/controller-uid",
        "storageVersionHash",
    ]
)
"""Keys whose values differ from server to server; that they are there is compared."""

REVIEWED = {
    r"^\.status\.conditions$": "null in a definition that has just been made",
    r"^\.status\.currentMetrics$": "null in an autoscaler that has just been made",
    r"\.columnDefinitions\[\d+\]\.description": "only the first sentence is kept",
    r"\.(first|last|deprecatedFirst|deprecatedLast|lastProbe|lastUpdate)(Timestamp|Time)$": "null times are left out",
    r"\.f:(lastProbeTime|lastTransitionTime|lastUpdateTime)$": "of times that are left out",
    r"\.managedFields\[\d+\]\.time$": "the real server forgets it in the scale subresource",
    r"\.metadata\.managedFields$": "reviews are answered and never stored",
    r"^\.status\.lastPhaseTransitionTime$": "when a volume came into its phase is not kept",
}
AGES = frozenset({"Age", "Duration", "Last Schedule", "Last Seen"})
"""Columns of times that have passed: the two servers are asked some milliseconds apart."""
AGE = re.compile(r"(\d+[smhdy])+")
TOKEN_VOLUME = re.compile(r"kube-api-access-[a-z0-9]{5}")
"""The end of the name is made up."""
SENTENCES = re.compile(
    r"StorageError|rejected our request|in scheme|@@|json parse error|unable to parse requirement|Unsupported Media Type|media types"
    r"|failed to call webhook|continue key|no new finalizers|current: \d+|UID in record|\d+ conflict|Precondition failed|invalid continue token"
)
"""Messages that hold Go's inner workings or numbers of one server; their reason and code are compared all the same."""

COMPLAINTS = re.compile(r"(?P<before>[^\[]*)\[(?P<listed>.*)\]", re.DOTALL)
"""A message that ends in a list of everything that is wrong."""


def differences(real: Any, simulated: Any) -> list[str]:
    """What differs and has not been reviewed, one line each."""
    found = _walk(_without_ages(_without_echoes(real)), _without_ages(simulated), "")
    return [text for path, text in found if not any(re.search(pattern, path) for pattern in REVIEWED)]


def _without_echoes(answer: Any) -> Any:
    """The real server names some broken rules twice, once for each place that checks them."""
    causes = answer.get("details", {}).get("causes") if isinstance(answer, dict) else None
    if not causes:
        return answer
    once = [cause for index, cause in enumerate(causes) if cause not in causes[:index]]
    return {**answer, "details": {**answer["details"], "causes": once}}


def _without_ages(answer: Any) -> Any:
    """Tables whose ages are only told to be ages."""
    if not isinstance(answer, dict) or answer.get("kind") != "Table":
        return answer
    aged = {n for n, one in enumerate(answer.get("columnDefinitions") or []) if one["name"] in AGES}
    rows = [
        {**row, "cells": [_unaged(cell) if n in aged else cell for n, cell in enumerate(row["cells"])]}
        for row in answer.get("rows") or []
    ]
    return {**answer, "rows": rows}


def _unaged(cell: Any) -> Any:
    return "an age" if isinstance(cell, str) and AGE.fullmatch(cell) else cell


def _walk(real: Any, simulated: Any, path: str) -> Iterator[tuple[str, str]]:
    if real == simulated:
        return
    if isinstance(real, dict) and isinstance(simulated, dict):
        for key in sorted({*real, *simulated}):
            place = f"{path}.{key}"
            if key not in simulated:
                yield place, f"{place}: only real: {_short(real[key])}"
            elif key not in real:
                yield place, f"{place}: only simulated: {_short(simulated[key])}"
            elif key not in MADE_UP:
                yield from _walk(real[key], simulated[key], place)
    elif isinstance(real, list) and isinstance(simulated, list) and len(real) == len(simulated):
        for index, pair in enumerate(zip(_ordered(real, path), _ordered(simulated, path), strict=True)):
            yield from _walk(*pair, f"{path}[{index}]")
    elif TOKEN_VOLUME.fullmatch(str(real)) and TOKEN_VOLUME.fullmatch(str(simulated)):
        return
    elif isinstance(real, str) and isinstance(simulated, str) and path.endswith("message"):
        if not (SENTENCES.search(real) or SENTENCES.search(simulated) or _same_complaints(real, simulated)):
            yield "", f"{path}: real {_short(real)}, simulated {_short(simulated)}"
    else:
        yield path, f"{path}: real {_short(real)}, simulated {_short(simulated)}"


def _ordered(items: list[Any], path: str) -> list[Any]:
    """Managers stand in the order of their seconds, and a conversation may cross into the next one on one server alone."""
    return sorted(items, key=_manager) if path.endswith(".managedFields") else items


def _manager(entry: dict[str, Any]) -> tuple[str, ...]:
    return entry["manager"], entry["operation"], entry.get("subresource", ""), entry.get("apiVersion", "")


def _same_complaints(real: str, simulated: str) -> bool:
    """Both name the same broken rules: the real server walks Go's maps, whose order is another one each time."""
    ours, theirs = COMPLAINTS.fullmatch(simulated), COMPLAINTS.fullmatch(real)
    if not (ours and theirs) or ours["before"] != theirs["before"]:
        return False
    return sorted(ours["listed"].split(", ")) == sorted(theirs["listed"].split(", "))


def _short(value: Any) -> str:
    return json.dumps(value)[:400]
