"""Deployments, ReplicaSets, StatefulSets, DaemonSets: selector and template must agree; selectors never change."""

from typing import Any

from cluster.simulator.kinds.pods import fill_pod_spec, pod_spec_causes
from cluster.simulator.kinds.rules import Document, KindRules, Surroundings
from cluster.simulator.problems import Cause, missing, wrong
from cluster.simulator.selectors import object_selector_test


def _on_create(document: Document, around: Surroundings) -> None:
    _fill(document)


def _on_update(new: Document, old: Document, around: Surroundings) -> None:
    if new.get("spec") is not old.get("spec"):
        _fill(new)


def _fill(document: Document) -> None:
    template = document.get("spec", {}).get("template", {})
    if "spec" in template:
        fill_pod_spec(template["spec"])


def _on_create_deployment(document: Document, around: Surroundings) -> None:
    _fill(document)
    _fill_strategy(document, "strategy", {"maxUnavailable": "25%", "maxSurge": "25%"})


def _on_update_deployment(new: Document, old: Document, around: Surroundings) -> None:
    if new.get("spec") is not old.get("spec"):
        _fill(new)
        _fill_strategy(new, "strategy", {"maxUnavailable": "25%", "maxSurge": "25%"})


def _fill_strategy(document: Document, key: str, rolling: dict[str, Any]) -> None:
    strategy = document["spec"].get(key, {})
    if strategy.get("type") == "RollingUpdate" and "rollingUpdate" not in strategy:
        document["spec"][key] = {**strategy, "rollingUpdate": rolling}


def _on_create_stateful_set(document: Document, around: Surroundings) -> None:
    _fill(document)
    _fill_strategy(document, "updateStrategy", {"partition": 0})


def _on_create_daemon_set(document: Document, around: Surroundings) -> None:
    _fill(document)
    _fill_strategy(document, "updateStrategy", {"maxSurge": 0, "maxUnavailable": 1})


def causes_of_set(new: Document, old: Document | None) -> list[Cause]:
    """The rules that all four share."""
    spec = new.get("spec", {})
    causes: list[Cause] = []
    replicas = spec.get("replicas", 0)
    if replicas < 0:
        causes.append(wrong("spec.replicas", replicas, "must be greater than or equal to 0"))
    selector, template = spec.get("selector"), spec.get("template", {})
    if not selector:
        causes.append(missing("spec.selector"))
        selector = {}
    labels = (template.get("metadata") or {}).get("labels", {})
    if not selector or not object_selector_test(selector)(labels):
        causes.append(
            wrong("spec.template.metadata.labels", labels, "`selector` does not match template `labels`")
        )
    if old is not None and old.get("spec", {}).get("selector") != spec.get("selector"):
        causes.append(wrong("spec.selector", spec.get("selector"), "field is immutable"))
    causes += pod_spec_causes(template.get("spec", {}), "spec.template.spec", restart=("Always",))
    return causes


DEPLOYMENT_RULES = KindRules(
    has_generation=True,
    on_create=_on_create_deployment,
    on_update=_on_update_deployment,
    causes=causes_of_set,
)
REPLICA_SET_RULES = KindRules(
    has_generation=True, on_create=_on_create, on_update=_on_update, causes=causes_of_set
)
STATEFUL_SET_RULES = KindRules(
    has_generation=True, on_create=_on_create_stateful_set, on_update=_on_update, causes=causes_of_set
)
DAEMON_SET_RULES = KindRules(
    has_generation=True, on_create=_on_create_daemon_set, on_update=_on_update, causes=causes_of_set
)
