"""DaemonSets: the number of their template, and how they may be rolled out."""

from collections.abc import Iterator
from typing import Any

from cluster.simulator.kinds.replicated import causes_of_set, fill_with_strategy
from cluster.simulator.kinds.rules import Document, KindRules, Surroundings
from cluster.simulator.problems import Cause, forbidden_field, missing, unsupported, wrong

GENERATION = "deprecated.daemonset.template.generation"
"""The annotation that counts templates; the server alone decides it."""
STRATEGIES = ["RollingUpdate", "OnDelete"]
_fill_strategy = fill_with_strategy("updateStrategy", {"maxSurge": 0, "maxUnavailable": 1})


def _fill(document: Document) -> None:
    _fill_strategy(document)
    annotations = document["metadata"].get("annotations") or {}
    document["metadata"]["annotations"] = {GENERATION: "1", **annotations}


def _on_update(new: Document, old: Document, around: Surroundings) -> None:
    before = (old["metadata"].get("annotations") or {}).get(GENERATION, "1")
    changed = new["spec"].get("template") != old["spec"].get("template")
    number = str(int(before) + changed) if before.isdigit() else before
    annotations = new["metadata"].get("annotations") or {}
    new["metadata"]["annotations"] = {**annotations, GENERATION: number}


def _causes(new: Document, old: Document | None) -> list[Cause]:
    spec = new.get("spec", {})
    causes = []
    if old is not None and old.get("spec", {}).get("selector") != spec.get("selector"):
        causes.append(wrong("spec.selector", spec.get("selector"), "field is immutable"))
    causes += causes_of_set(new, None)
    if (spec.get("template", {}).get("spec") or {}).get("activeDeadlineSeconds") is not None:
        place = "spec.template.spec.activeDeadlineSeconds"
        causes.append(forbidden_field(place, "activeDeadlineSeconds in DaemonSet is not Supported"))
    seconds = spec.get("minReadySeconds", 0)
    if seconds < 0:
        causes.append(wrong("spec.minReadySeconds", seconds, "must be greater than or equal to 0"))
    return [*causes, *_strategy(spec.get("updateStrategy") or {})]


def _strategy(strategy: Document) -> Iterator[Cause]:
    place = "spec.updateStrategy"
    kind, rolling = strategy.get("type"), strategy.get("rollingUpdate") or {}
    if kind not in STRATEGIES:
        yield unsupported(place, strategy, STRATEGIES)
    if kind != "RollingUpdate":
        return
    surge, unavailable = rolling.get("maxSurge", 0), rolling.get("maxUnavailable", 1)
    if _number(surge) and _number(unavailable):
        detail = "may not be set when maxUnavailable is non-zero"
        yield wrong(f"{place}.rollingUpdate.maxSurge", surge, detail)
    elif not _number(surge) and not _number(unavailable):
        yield missing(f"{place}.rollingUpdate.maxUnavailable", "cannot be 0 when maxSurge is 0")


def _number(amount: Any) -> int:
    text = str(amount).removesuffix("%")
    return int(text) if text.isdigit() else 0


RULES = KindRules(has_generation=True, fill=_fill, on_update=_on_update, causes=_causes)
