"""PodDisruptionBudgets: what makes their numbers unusable."""

import re
from typing import Any

from cluster.simulator.kinds.rules import Document, KindRules
from cluster.simulator.problems import Cause, unsupported, wrong

POLICIES = ["AlwaysAllow", "IfHealthyBudget"]
PERCENT = re.compile(r"(\d+)%")
NOT_PERCENT = (
    "a valid percent string must be a numeric string followed by an ending '%' (e.g. '1%',  or '93%',"
    " regex used for validation is '[0-9]+%')"
)


def _causes(new: Document, old: Document | None) -> list[Cause]:
    spec = new.get("spec", {})
    causes: list[Cause] = []
    if "minAvailable" in spec and "maxUnavailable" in spec:
        shown = {
            "MinAvailable": spec["minAvailable"],
            "Selector": spec.get("selector"),
            "MaxUnavailable": spec["maxUnavailable"],
            "UnhealthyPodEvictionPolicy": spec.get("unhealthyPodEvictionPolicy"),
        }
        causes.append(wrong("spec", shown, "minAvailable and maxUnavailable cannot be both set"))
    for key in ("minAvailable", "maxUnavailable"):
        if key in spec:
            causes += amount_causes(spec[key], f"spec.{key}")
    policy = spec.get("unhealthyPodEvictionPolicy")
    if policy is not None and policy not in POLICIES:
        causes.append(unsupported("spec.unhealthyPodEvictionPolicy", policy, POLICIES))
    return causes


def amount_causes(amount: Any, place: str, *, beyond_all: bool = False) -> list[Cause]:
    """Of a number of pods or a percentage of them; `beyond_all` allows more than 100%."""
    if isinstance(amount, int):
        return [wrong(place, amount, "must be greater than or equal to 0")] if amount < 0 else []
    match = PERCENT.fullmatch(amount)
    if match is None:
        return [wrong(place, amount, NOT_PERCENT)]
    return (
        [wrong(place, amount, "must not be greater than 100%")]
        if int(match[1]) > 100 and not beyond_all
        else []
    )


RULES = KindRules(has_generation=True, needs_version_on_update=True, causes=_causes)
