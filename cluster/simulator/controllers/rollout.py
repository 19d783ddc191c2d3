"""What a Deployment's templates, sizes and conditions come to. Pure but for the clock in the stamps."""

import copy
import hashlib
import json
import math
from typing import Any

from cluster import clock
from cluster.documents import Condition, Document, annotations_of, condition_of, format_time, with_condition

REVISION = "deployment.kubernetes.io/revision"
LAST_APPLIED = "kubectl.kubernetes.io/last-applied-configuration"
HASH = "pod-template-hash"
REPLICA_FAILURE = "ReplicaFailure"


def template_hash(template: Document) -> str:
    """Ten characters that tell one pod template from another."""
    return hashlib.sha256(json.dumps(plain_template(template), sort_keys=True).encode()).hexdigest()[:10]


def plain_template(template: Document) -> Document:
    """The template without the label that the ReplicaSet adds, and without empty metadata fields."""
    plain = copy.deepcopy(template)
    metadata = plain.setdefault("metadata", {})
    (metadata.get("labels") or {}).pop(HASH, None)
    plain["metadata"] = {name: value for name, value in metadata.items() if value}
    return plain


def template_of(replica_set: Document) -> Document:
    return plain_template(replica_set["spec"]["template"])


def replicas_of(replica_set: Document) -> int:
    return int(replica_set["spec"].get("replicas", 1))


def available_of(replica_set: Document) -> int:
    return int((replica_set.get("status") or {}).get("availableReplicas") or 0)


def revision_of(replica_set: Document) -> int:
    text = annotations_of(replica_set).get(REVISION, "0")
    return int(text) if text.isdigit() else 0


def next_revision(owned: list[Document]) -> int:
    return max((revision_of(one) for one in owned), default=0) + 1


def shared_annotations(deployment: Document) -> dict[str, str]:
    """What its newest ReplicaSet is told too, such as the cause of the change that `kubectl rollout history` shows."""
    kept = annotations_of(deployment).items()
    return {name: text for name, text in kept if name not in (LAST_APPLIED, REVISION)}


def limits_of(deployment: Document) -> tuple[int, int]:
    """(surge, unavailable) as numbers of pods; surge is rounded up, unavailable down, never both 0."""
    wanted = int(deployment["spec"].get("replicas", 1))
    rolling = (deployment["spec"].get("strategy") or {}).get("rollingUpdate") or {}
    surge = share_of(rolling.get("maxSurge", "25%"), wanted, up=True)
    unavailable = share_of(rolling.get("maxUnavailable", "25%"), wanted, up=False)
    return (surge, unavailable) if surge or unavailable else (0, 1)


def share_of(value: int | str, total: int, *, up: bool) -> int:
    if isinstance(value, str) and value.endswith("%"):
        part = int(value[:-1]) * total / 100
        return math.ceil(part) if up else math.floor(part)
    return int(value)


def new_size(deployment: Document, now: int, old_total: int) -> int:
    """How large the newest ReplicaSet may be while the old ones still have `old_total`."""
    wanted = int(deployment["spec"].get("replicas", 1))
    if (deployment["spec"].get("strategy") or {}).get("type") == "Recreate":
        return now if old_total else wanted
    if now > wanted:
        return wanted
    surge, _ = limits_of(deployment)
    return min(wanted, max(now, wanted + surge - old_total))


def conditions_of(before: list[Condition] | None, *, enough: bool, done: bool, name: str) -> list[Condition]:
    stamp = format_time(clock.now())
    available: Condition = {
        "type": "Available",
        "status": "True" if enough else "False",
        "reason": "MinimumReplicasAvailable" if enough else "MinimumReplicasUnavailable",
        "message": f"Deployment {'has' if enough else 'does not have'} minimum availability.",
    }
    progressing: Condition = {
        "type": "Progressing",
        "status": "True",
        "reason": "NewReplicaSetAvailable" if done else "ReplicaSetUpdated",
        "message": f'ReplicaSet "{name}" ' + ("has successfully progressed." if done else "is progressing."),
    }
    conditions = before
    for condition in (available, progressing):
        old = next((one for one in before or [] if one["type"] == condition["type"]), None)
        same = old is not None and all(
            old.get(part) == condition.get(part) for part in ("status", "reason", "message")
        )
        if same:
            continue
        stamped: dict[str, Any] = {**condition, "lastUpdateTime": stamp, "lastTransitionTime": stamp}
        conditions = with_condition(conditions, stamped)  # type: ignore[arg-type]  # a Deployment's condition has lastUpdateTime besides
    return conditions or []


def with_failure(conditions: list[Condition], replica_sets: list[Document]) -> list[Condition]:
    """What a ReplicaSet says of pods that could not be made, as the Deployment tells it; the first one's word counts."""
    others = [one for one in conditions if one["type"] != REPLICA_FAILURE]
    told = next((found for one in replica_sets if (found := condition_of(one, REPLICA_FAILURE))), None)
    if told is None:
        return others
    before = next((one for one in conditions if one["type"] == REPLICA_FAILURE), None)
    if before is not None and before.get("message") == told.get("message"):
        return conditions
    stamp: dict[str, Any] = {"lastUpdateTime": format_time(clock.now())}
    return [*others, {**told, **stamp}]  # type: ignore[typeddict-item]  # a Deployment's condition has lastUpdateTime besides
