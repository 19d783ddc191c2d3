"""Pure: pods and their owners -> gangs, with minimum, priority and queue.

The annotation runai.io/gang decides; without it the object of another project that the pod names (group_owners); without that the
kind of the owner: each pod of a Job, a Deployment or a DaemonSet is a gang of its own, every other owner is one gang that runs from its first pod
on, and a pod without owner is alone.
"""

import json
from collections.abc import Iterable, Mapping
from contextlib import suppress
from dataclasses import dataclass
from typing import Any, NamedTuple

from cluster.documents import Document, annotations_of, controller_of, labels_of, name_of, parse_time, uid_of
from cluster.labels import (
    CREATED,
    GANG,
    NODE_POOL,
    NODE_POOLS,
    PREEMPTIBILITY,
    PRIORITY_CLASS,
    PROJECT,
    QUEUE,
    QUEUE_KAI,
    SPARK_APP,
    SPARK_APP_NAME,
    SPARK_ROLE,
    TOPOLOGY,
    TOPOLOGY_PREFERRED,
    TOPOLOGY_REQUIRED,
)
from scheduling.engine.model.gangs import TopologyConstraint
from scheduling.group_owners import EACH, LARGEST_MINIMUM, Minimums, share_of
from scheduling.priorities import DEFAULT_PRIORITY, PRIORITIES, PRIORITY_OF_OWNER
from scheduling.requests import UnreadablePod
from scheduling.topologies import wish_of

POD_EACH = frozenset({"Job", "ReplicaSet", "Deployment", "ReplicationController", "DaemonSet"})
"""Owners whose pods are independent of each other."""


class GangKey(NamedTuple):
    """What stays the same when pods of the gang come and go: the owner, and the part of it."""

    owner_uid: str
    sub_group: str

    def __str__(self) -> str:
        return f"{self.owner_uid}/{self.sub_group}" if self.sub_group else self.owner_uid


@dataclass(frozen=True, slots=True)
class Membership:
    """What one pod says about the gang it belongs to. `created_at` in seconds since the epoch; `pools` in order of preference.

    `minimums` are how many pods of each part start together; `part` is the pod's own.
    """

    key: GangKey
    name: str
    minimums: Minimums
    priority: int
    preemptible: bool | None
    created_at: float
    queue: str
    pools: tuple[str, ...]
    topology: TopologyConstraint | None = None
    part: str = ""


Words = tuple[tuple[str, str], ...]
OWNERS_WORDS = (
    TOPOLOGY,
    TOPOLOGY_REQUIRED,
    TOPOLOGY_PREFERRED,
    PRIORITY_CLASS,
    PREEMPTIBILITY,
    QUEUE,
    QUEUE_KAI,
    PROJECT,
    NODE_POOL,
    NODE_POOLS,
    GANG,
    CREATED,
)
"""Labels and annotations that count on an owner, too, for pods that do not say otherwise."""


def owners_words(owner: Mapping[str, Any] | None) -> Words:
    """What the owner of a pod says to the scheduler: people write it on the Job as often as on its template."""
    if owner is None:
        return ()
    said = {**annotations_of(owner), **labels_of(owner)}
    return tuple((key, said[key]) for key in OWNERS_WORDS if key in said)


def membership_of(
    pod: Mapping[str, Any], owner_said: Words = (), group_owner: Document | None = None
) -> Membership:
    """Which gang a pod belongs to; raises UnreadablePod when what says so cannot be understood.

    On a pod that has its place such words are as good as none: it goes on counting for its project, whatever is written later.
    """
    labels, annotations = {**dict(owner_said), **labels_of(pod)}, {**dict(owner_said), **annotations_of(pod)}
    try:
        return _membership(pod, labels, annotations, group_owner)
    except UnreadablePod:
        if not pod["spec"].get("nodeName"):
            raise
    readable = {name: text for name, text in annotations.items() if name not in (GANG, CREATED)}
    with suppress(UnreadablePod):
        return _membership(pod, labels, readable, group_owner)
    return _membership(pod, labels, readable, None)


def _membership(
    pod: Mapping[str, Any],
    labels: Mapping[str, str],
    annotations: Mapping[str, str],
    group_owner: Document | None,
) -> Membership:
    owner = controller_of(pod)
    owner_kind = str(owner["kind"]) if owner else ""
    created = _created(pod, annotations)
    owner_uid, name = (str(owner["uid"]), str(owner["name"])) if owner else (uid_of(pod), name_of(pod))
    sub_group, part, minimums = "", "", EACH
    if GANG in annotations:
        name, minimum, created = _told(annotations[GANG], created)
        sub_group, minimums = name, (("", minimum),)
    elif group_owner is not None:
        share = share_of(pod, group_owner)
        owner_uid = uid_of(group_owner)
        name, sub_group, part, minimums = share.name, share.step, share.part, share.minimums
    elif SPARK_ROLE in labels:
        name = labels.get(SPARK_APP) or labels.get(SPARK_APP_NAME) or name
        if labels[SPARK_ROLE] == "driver":
            owner_uid = uid_of(pod)  # the executors' owner is the driver
    elif owner_kind in POD_EACH:
        name = sub_group = name_of(pod)
    return Membership(
        key=GangKey(owner_uid, sub_group),
        name=name,
        minimums=minimums,
        part=part,
        priority=_priority(pod, labels, owner_kind),
        preemptible={"preemptible": True, "non-preemptible": False}.get(labels.get(PREEMPTIBILITY, "")),
        created_at=created,
        queue=labels.get(QUEUE) or labels.get(QUEUE_KAI) or labels.get(PROJECT) or "",
        pools=_pools(labels, annotations),
        topology=wish_of(annotations),
    )


def _created(pod: Mapping[str, Any], annotations: Mapping[str, str]) -> float:
    """When the work was submitted: a pod that is made anew keeps its place. Without the annotation, when the pod was made."""
    text = annotations.get(CREATED) or pod["metadata"]["creationTimestamp"]
    try:
        return parse_time(text).timestamp()
    except (ValueError, OverflowError) as error:
        raise UnreadablePod("InvalidCreated", f"{CREATED}: {text[:60]!r} is not an RFC 3339 time.") from error


def _told(text: str, created: float) -> tuple[str, int, float]:
    """(name, minimum, created) of the annotation runai.io/gang."""
    try:
        told = json.loads(text)
        name, minimum = told["name"], told["minimum"]
        moment = parse_time(told["created"]).timestamp() if told.get("created") else created
    except (ValueError, KeyError, TypeError, AttributeError, OverflowError, RecursionError) as error:
        raise UnreadablePod(
            "InvalidGang", f'Its annotation {GANG} is not JSON of the form {{"name": …, "minimum": …}}.'
        ) from error
    if not isinstance(name, str) or not 0 < len(name) <= 253:
        raise UnreadablePod("InvalidGang", f"{GANG}: the name must be a text of 1 to 253 characters.")
    if isinstance(minimum, bool) or not isinstance(minimum, int) or not 1 <= minimum <= LARGEST_MINIMUM:
        raise UnreadablePod(
            "InvalidGang",
            f"{GANG}: minimum is {str(minimum)[:40]}; it must be a whole number from 1 to {LARGEST_MINIMUM}.",
        )
    return name, minimum, moment


def _priority(pod: Mapping[str, Any], labels: Mapping[str, str], owner_kind: str) -> int:
    """Label, then the pod's class, then the default of the owner's kind; unknown class names are passed over."""
    spec = pod["spec"]
    for name in (labels.get(PRIORITY_CLASS), spec.get("priorityClassName")):
        if name in PRIORITIES:
            return PRIORITIES[name]
    if spec.get("priorityClassName") and isinstance(spec.get("priority"), int):
        return int(spec["priority"])
    if owner_kind == "ReplicaSet" and "pod-template-hash" in labels:
        return PRIORITY_OF_OWNER["Deployment"]
    return PRIORITY_OF_OWNER.get(owner_kind, DEFAULT_PRIORITY)


def _pools(labels: Mapping[str, str], annotations: Mapping[str, str]) -> tuple[str, ...]:
    if labels.get(NODE_POOL):
        return (labels[NODE_POOL],)
    return tuple(name.strip() for name in annotations.get(NODE_POOLS, "").split(",") if name.strip())


@dataclass(slots=True)
class Group:
    """The pods (whatever stands for one) of a gang, and what its members agree on; where they differ, the eldest is right.

    `pools` are those it may go to, in order, once its project's own are filled in.
    """

    membership: Membership
    members: list[Any]
    minimums: dict[str, int]
    pools: tuple[str, ...] = ()


def group_of(members: Iterable[tuple[Membership, Any]]) -> Group:
    """At least one, all of the same key. The minimum of a part is the largest any member names; of a part that none names it is 0."""
    memberships, pods = zip(*members, strict=True)
    eldest = min(memberships, key=lambda one: one.created_at)
    minimums: dict[str, int] = {}
    for one in memberships:
        for part, least in (*one.minimums, (one.part, 0)):
            minimums[part] = max(minimums.get(part, 0), least)
    return Group(eldest, list(pods), minimums)
