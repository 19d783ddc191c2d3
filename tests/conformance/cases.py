"""Reads recorded cases and selects those the product promises to agree with."""

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

Case = dict[str, Any]

OUTSIDE = frozenset({"mig", "dra"})
"""Tags of cases about features the engine does not have: partitioned devices and dynamic resource claims."""


def read_cases(folder: Path, only: str | None = None) -> Iterator[Case]:
    """All cases of a folder (with or without its `scheduling` level), file by file in name order.

    `only` keeps the cases whose file, directory or id begins with it.
    """
    inside = folder / "scheduling"
    for path in sorted((inside if inside.is_dir() else folder).glob("*.jsonl")):
        with path.open(encoding="utf-8") as lines:
            for line in lines:
                if line.strip():
                    case: Case = json.loads(line)
                    if only is None or _belongs(case, path.stem, only):
                        yield case


def is_selected(case: Case) -> bool:
    """Everything but partitioned devices and dynamic resource claims."""
    return not OUTSIDE & {*case.get("needs", ()), *case.get("outside_plain_gpu", ())}


def _belongs(case: Case, stem: str, only: str) -> bool:
    wanted = only.strip("/")
    directory = str(case.get("directory", "")).strip("/")
    return stem == wanted or any(
        name == wanted or name.startswith(f"{wanted}/") for name in (directory, str(case["id"]))
    )
