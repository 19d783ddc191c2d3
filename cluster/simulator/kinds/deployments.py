"""Deployments: how many pods a change of the template may add and take away, and how long it may take."""

import re
from typing import Any

from cluster.simulator.kinds.budgets import amount_causes
from cluster.simulator.kinds.replicated import causes_of_set, fill_with_strategy
from cluster.simulator.kinds.rules import Document, KindRules
from cluster.simulator.problems import Cause, forbidden_field, unsupported, wrong

PLACE = "spec.strategy"


def _causes(new: Document, old: Document | None) -> list[Cause]:
    spec = new.get("spec", {})
    causes = causes_of_set(new, old) + _strategy_causes(spec.get("strategy") or {})
    for key in ("minReadySeconds", "revisionHistoryLimit", "progressDeadlineSeconds"):
        if spec.get(key, 0) < 0:
            causes.append(wrong(f"spec.{key}", spec[key], "must be greater than or equal to 0"))
    deadline = spec.get("progressDeadlineSeconds")
    if deadline is not None and deadline <= spec.get("minReadySeconds", 0):
        detail = "must be greater than minReadySeconds"
        causes.append(wrong("spec.progressDeadlineSeconds", deadline, detail))
    return causes


def _strategy_causes(strategy: dict[str, Any]) -> list[Cause]:
    kind, rolling = strategy.get("type", "RollingUpdate"), strategy.get("rollingUpdate")
    if kind == "Recreate":
        detail = "may not be specified when strategy `type` is 'Recreate'"
        return [] if rolling is None else [forbidden_field(f"{PLACE}.rollingUpdate", detail)]
    if kind != "RollingUpdate":
        return [unsupported(PLACE, strategy, ["Recreate", "RollingUpdate"])]
    surge, unavailable = (rolling or {}).get("maxSurge", 1), (rolling or {}).get("maxUnavailable", 1)
    place = f"{PLACE}.rollingUpdate"
    found = amount_causes(unavailable, f"{place}.maxUnavailable")
    found += amount_causes(surge, f"{place}.maxSurge", beyond_all=True)
    if _is_nothing(surge) and _is_nothing(unavailable):
        detail = "may not be 0 when `maxSurge` is 0"
        found.append(wrong(f"{place}.maxUnavailable", unavailable, detail))
    return found


def _is_nothing(amount: Any) -> bool:
    """Also what is no percentage counts as 0."""
    return amount == 0 or (isinstance(amount, str) and not re.fullmatch("0*[1-9][0-9]*%", amount))


RULES = KindRules(
    has_generation=True,
    fill=fill_with_strategy("strategy", {"maxUnavailable": "25%", "maxSurge": "25%"}),
    causes=_causes,
)
