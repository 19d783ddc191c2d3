"""LimitRanges: defaults that follow from their other limits, and what makes them unusable."""

from collections.abc import Iterator
from typing import Any

from cluster.simulator.kinds.resource_names import container_name_causes, is_divisible, name_causes
from cluster.simulator.kinds.rules import Document, KindRules
from cluster.simulator.limits.amounts import Amounts, read_amounts
from cluster.simulator.limits.ranges import CLAIM, CONTAINER, POD
from cluster.simulator.problems import Cause, forbidden_field, missing, wrong

KINDS = (POD, CONTAINER, CLAIM)
SIDES = ("max", "min", "default", "defaultRequest", "maxLimitRequestRatio")
_PAIRS = (
    ("min", "max", "min", "min value {0} is greater than max value {1}"),
    ("min", "defaultRequest", "defaultRequest", "min value {0} is greater than default request value {1}"),
    ("defaultRequest", "max", "defaultRequest", "default request value {0} is greater than max value {1}"),
    (
        "defaultRequest",
        "default",
        "defaultRequest",
        "default request value {0} is greater than default limit value {1}",
    ),
    ("min", "default", "default", "min value {0} is greater than default value {1}"),
    ("default", "max", "default", "default value {0} is greater than max value {1}"),
)
"""(what may not be more, than what, the field that is named, the sentence)."""
_FIRST_IS_SHOWN = {("min", "default"): "min", ("default", "max"): "max"}
"""Where the value that is shown is not that of the field that is named."""


def _fill(document: Document) -> None:
    """A container's default limit is its largest one; its default request is its default limit, or else its least one."""
    spec = document.get("spec") or {}
    if "limits" in spec:
        document["spec"] = {**spec, "limits": [_filled(limit) for limit in spec["limits"] or []]}


def _filled(limit: Document) -> Document:
    if limit.get("type") != CONTAINER:
        return limit
    default = {**(limit.get("max") or {}), **(limit.get("default") or {})}
    request = {**(limit.get("min") or {}), **default, **(limit.get("defaultRequest") or {})}
    return {
        **limit,
        **({"default": default} if default else {}),
        **({"defaultRequest": request} if request else {}),
    }


def _causes(new: Document, old: Document | None) -> list[Cause]:
    causes: list[Cause] = []
    seen: set[str] = set()
    for number, limit in enumerate((new.get("spec") or {}).get("limits") or []):
        place, kind = f"spec.limits[{number}]", limit.get("type", "")
        if kind not in KINDS and "/" not in kind:
            causes.append(wrong(f"{place}.type", kind, "must be a standard limit type or fully qualified"))
        if kind in seen:
            causes.append(Cause(f"{place}.type", "FieldValueDuplicate", f'Duplicate value: "{kind}"'))
        seen.add(kind)
        causes += [*_names(limit, place), *_values(limit, place)]
    return causes


def _names(limit: Document, place: str) -> Iterator[Cause]:
    kind = limit.get("type")
    check = container_name_causes if kind in (POD, CONTAINER) else name_causes
    for side in SIDES:
        if kind == POD and side in ("default", "defaultRequest"):
            if limit.get(side):
                yield forbidden_field(f"{place}.{side}", "may not be specified when `type` is 'Pod'")
            continue
        if kind == CLAIM and side == "maxLimitRequestRatio":
            yield from _claim_without_limit(limit, place)
        for name in sorted(limit.get(side) or {}):
            yield from check(name, f"{place}.{side}[{name}]")


def _claim_without_limit(limit: Document, place: str) -> Iterator[Cause]:
    if "storage" not in {**(limit.get("min") or {}), **(limit.get("max") or {})}:
        detail = "either minimum or maximum storage value is required, but neither was provided"
        yield missing(f"{place}.limits", detail)


def _values(limit: Document, place: str) -> Iterator[Cause]:
    """Rules between the values of one resource."""
    taken = SIDES if limit.get("type") != POD else ("max", "min", "maxLimitRequestRatio")
    sides: dict[str, Amounts] = {side: read_amounts(limit.get(side)) for side in taken}
    for name in sorted({name for amounts in sides.values() for name in amounts}):
        values = {side: amounts[name] for side, amounts in sides.items() if name in amounts}
        for less, more, field, sentence in _PAIRS:
            if less in values and more in values and values[less].number > values[more].number:
                shown = str(values[_FIRST_IS_SHOWN.get((less, more), field)])
                yield wrong(f"{place}.{field}[{name}]", shown, sentence.format(values[less], values[more]))
        yield from _ratio(values, f"{place}.maxLimitRequestRatio[{name}]")
        default, request = values.get("default"), values.get("defaultRequest")
        if default and request and default.number != request.number and not is_divisible(name):
            detail = f"default value {default} must equal to defaultRequest value {request} in {name}"
            yield wrong(f"{place}.defaultRequest[{name}]", str(request), detail)


def _ratio(values: dict[str, Any], place: str) -> Iterator[Cause]:
    ratio = values.get("maxLimitRequestRatio")
    if ratio is None:
        return
    if ratio.number < 1:
        yield wrong(place, str(ratio), f"ratio {ratio} is less than 1")
    least, most = values.get("min"), values.get("max")
    if least and most and least.number and ratio.number > most.number / least.number:
        widest = float(most.number / least.number)
        yield wrong(place, str(ratio), f"ratio {ratio} is greater than max/min = {widest:f}")


RULES = KindRules(fill=_fill, causes=_causes)
