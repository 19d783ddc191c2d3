"""ReplicaSets, StatefulSets, and what Deployments and DaemonSets share with them: selector and template must agree; selectors never change."""

from collections.abc import Callable
from typing import Any

from cluster.simulator.kinds.pods import fill_pod_spec, pod_spec_causes
from cluster.simulator.kinds.rules import Document, KindRules
from cluster.simulator.problems import Cause, forbidden_field, missing, wrong
from cluster.simulator.selectors import object_selector_test

STATEFUL_SET_CHANGES = (
    "replicas",
    "ordinals",
    "template",
    "updateStrategy",
    "revisionHistoryLimit",
    "persistentVolumeClaimRetentionPolicy",
    "minReadySeconds",
)
"""What may change; its claims and its name service may not."""


def _fill(document: Document) -> None:
    template = document.get("spec", {}).get("template", {})
    if "spec" in template:
        fill_pod_spec(template["spec"])


def fill_with_strategy(key: str, rolling: dict[str, Any]) -> Callable[[Document], None]:
    """A rolling update has numbers, also when only its type was given."""

    def fill(document: Document) -> None:
        _fill(document)
        strategy = document.get("spec", {}).get(key, {})
        if strategy.get("type") == "RollingUpdate" and "rollingUpdate" not in strategy:
            document["spec"][key] = {**strategy, "rollingUpdate": rolling}

    return fill


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
    labels = (template.get("metadata") or {}).get("labels")
    if not selector or not object_selector_test(selector)(labels or {}):
        causes.append(
            wrong("spec.template.metadata.labels", labels, "`selector` does not match template `labels`")
        )
    if old is not None and old.get("spec", {}).get("selector") != spec.get("selector"):
        causes.append(wrong("spec.selector", spec.get("selector"), "field is immutable"))
    claims = spec.get("volumeClaimTemplates") or []
    claimed = frozenset(str((one.get("metadata") or {}).get("name")) for one in claims)
    causes += pod_spec_causes(
        template.get("spec", {}), "spec.template.spec", restart=("Always",), claimed=claimed
    )
    return causes


def _causes_of_stateful_set(new: Document, old: Document | None) -> list[Cause]:
    spec = new.get("spec", {})
    policy = spec.get("podManagementPolicy", "OrderedReady")
    causes = []
    if policy not in ("OrderedReady", "Parallel"):
        causes.append(wrong("spec.podManagementPolicy", policy, "must be 'OrderedReady' or 'Parallel'"))
    causes += causes_of_set(new, None)  # a changed selector is one of the changes below
    if old is not None and _fixed(spec) != _fixed(old.get("spec", {})):
        listed = [f"'{name}'" for name in STATEFUL_SET_CHANGES]
        names = f"{', '.join(listed[:-1])} and {listed[-1]}"
        causes.append(
            forbidden_field(
                "spec", f"updates to statefulset spec for fields other than {names} are forbidden"
            )
        )
    return causes


def _fixed(spec: dict[str, Any]) -> dict[str, Any]:
    return {key: value for key, value in spec.items() if key not in STATEFUL_SET_CHANGES}


REPLICA_SET_RULES = KindRules(has_generation=True, fill=_fill, causes=causes_of_set)
STATEFUL_SET_RULES = KindRules(
    has_generation=True,
    fill=fill_with_strategy("updateStrategy", {"partition": 0}),
    causes=_causes_of_stateful_set,
)
