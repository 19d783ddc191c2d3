"""The JSON paths of printer columns: names, indexes, slices, and filters by (in)equality or presence. Pure."""

import re
from functools import cache
from typing import Any

STEP = re.compile(
    r"""\.?\[\?\(\s*@\.(?P<key>[^=!\s)]+)\s*(?:(?P<operator>[=!]=)\s*["']?(?P<value>[^"')]*)["']?\s*)?\)\]   # [?(@.type=="Ready")]
    | \.?\[(?P<first>-?\d*):(?P<end>-?\d*)(?P<stride>:-?\d*)?\]                 # [-1:]
    | \.?\[(?P<index>-?\d+)\]                                                    # [0]
    | \.?\[(?P<all>\*)\]                                                         # [*]
    | \.?\[["'](?P<quoted>[^"']+)["']\]                                          # ['a.b']
    | \.?(?P<name>(?:[^.\[\\]|\\.)+)                                             # .name, dots escaped by a backslash""",
    re.VERBOSE,
)


@cache
def _steps(path: str) -> tuple[dict[str, str], ...]:
    return tuple(
        {k: v for k, v in match.groupdict().items() if v is not None} for match in STEP.finditer(path)
    )


def first_at(document: Any, path: str) -> Any:
    """The first value at a path, or None."""
    found = [document]
    for step in _steps(path):
        found = [value for candidate in found for value in _follow(candidate, step)]
    return found[0] if found else None


def _follow(value: Any, step: dict[str, str]) -> list[Any]:
    if "key" in step:
        return [item for item in value if _is_chosen(item, step)] if isinstance(value, list) else []
    if "first" in step:
        first, end, stride = (
            int(text) if text else None
            for text in (step["first"], step["end"], step.get("stride", "").lstrip(":"))
        )
        return value[first:end:stride] if isinstance(value, list) and stride != 0 else []
    if "index" in step:
        index = int(step["index"])
        return [value[index]] if isinstance(value, list) and -len(value) <= index < len(value) else []
    if "all" in step:
        return (
            list(value)
            if isinstance(value, list)
            else list(value.values())
            if isinstance(value, dict)
            else []
        )
    name = step.get("quoted") or re.sub(r"\\(.)", r"\1", step["name"])
    return [value[name]] if isinstance(value, dict) and name in value else []


def _is_chosen(item: Any, step: dict[str, str]) -> bool:
    found = first_at(item, step["key"])
    if "operator" not in step:
        return found is not None
    text = str(found).lower() if isinstance(found, bool) else str(found)
    return (text == step["value"]) is (step["operator"] == "==")
