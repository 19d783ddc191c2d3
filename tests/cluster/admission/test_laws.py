"""Laws of admission: no JSON makes it raise, its patch applies, done twice it changes nothing, and what it makes it lets pass."""

import base64
import json
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from cluster import labels
from cluster.admission.answers import mutating, validating
from cluster.admission.patches import difference
from cluster.admission.projects import project_of
from cluster.admission.reviews import UnreadableReview, read_review
from cluster.admission.templates import OF_KIND, WORKLOADS
from cluster.admission.trust import Trust
from tests.cluster.admission.reviewing import (
    ADA,
    CONTROLLER,
    VISION,
    apply,
    container,
    mutated,
    patch_of,
    refusals,
    review,
)

WORDS = st.sampled_from(
    [
        *(
            "metadata",
            "spec",
            "template",
            "jobTemplate",
            "containers",
            "initContainers",
            "ephemeralContainers",
            "env",
        ),
        *(
            "name",
            "value",
            "valueFrom",
            "labels",
            "annotations",
            "resources",
            "requests",
            "limits",
            "volumes",
            "hostPath",
        ),
        *(
            "path",
            "securityContext",
            "capabilities",
            "add",
            "privileged",
            "ownerReferences",
            "kind",
            "controller",
        ),
        *(labels.GPU_FRACTION, labels.GPU_MEMORY, labels.GPU_FRACTION_DEVICES, labels.GPU_FRACTION_CONTAINER),
        *(
            labels.CREATED,
            labels.GANG,
            labels.NODE_POOLS,
            labels.QUEUE,
            labels.GPU_GROUP,
            "NVIDIA_VISIBLE_DEVICES",
        ),
        *(
            "RUNAI_GPU_MEMORY_LIMIT",
            "nvidia.com/gpu",
            "a~b/c",
            "",
            "DaemonSet",
            '{"name": "g", "created": 1}',
        ),
    ]
)
SCALARS = st.one_of(st.none(), st.booleans(), st.integers(), st.floats(), st.text(max_size=8), WORDS)
ANYTHING = st.recursive(
    SCALARS,
    lambda inner: (
        st.lists(inner, max_size=4) | st.dictionaries(WORDS | st.text(max_size=4), inner, max_size=6)
    ),
    max_leaves=40,
)
KINDS = st.sampled_from([*OF_KIND, *sorted(WORKLOADS), ("", "secrets")])
USERS = st.sampled_from([ADA, CONTROLLER]) | ANYTHING

NOTES = st.dictionaries(
    st.sampled_from(
        [
            labels.GPU_FRACTION,
            labels.GPU_FRACTION_DEVICES,
            labels.GPU_FRACTION_CONTAINER,
            labels.NODE_POOLS,
            labels.GANG,
            labels.CREATED,
            "note",
        ]
    ),
    st.sampled_from(
        [
            "0.5",
            "2",
            "main",
            "h100",
            "a,b",
            '{"name": "g", "minimum": 2, "created": "2020-01-01T00:00:00Z"}',
            "NaN",
        ]
    ),
)
MARKS = st.dictionaries(
    st.sampled_from([labels.QUEUE, labels.WORKLOAD_ID, labels.PRIORITY_CLASS, labels.NODE_POOL, "app"]),
    st.text("ab", max_size=3),
)
ENV = st.lists(
    st.fixed_dictionaries(
        {"name": st.sampled_from(["A", "NVIDIA_VISIBLE_DEVICES", "GPU_PORTION"])},
        optional={"value": st.text("ab0", max_size=3)},
    ),
    max_size=3,
)
CONTAINERS = st.lists(
    st.builds(
        lambda name, env, gpus: container(
            name,
            **({"env": env} if env else {}),
            **({"resources": {"limits": {"nvidia.com/gpu": gpus}}} if gpus else {}),
        ),
        st.sampled_from(["main", "b"]),
        ENV,
        st.sampled_from(["", "1", "8"]),
    ),
    min_size=1,
    max_size=3,
)
PODS = st.builds(
    lambda notes, marks, containers, more: {
        "apiVersion": "v1",
        "kind": "Pod",
        "metadata": {
            "name": "p",
            **({"annotations": notes} if notes else {}),
            **({"labels": marks} if marks else {}),
        },
        "spec": {"containers": containers, **more},
    },
    NOTES,
    MARKS,
    CONTAINERS,
    st.fixed_dictionaries(
        {},
        optional={
            "schedulerName": st.sampled_from(["default-scheduler", "x"]),
            "priorityClassName": st.just("low"),
        },
    ),
)


@given(ANYTHING)
def test_anything_at_all_is_a_review_or_is_refused_as_unreadable(body: Any) -> None:
    try:
        asked = read_review(body)
    except UnreadableReview:
        return
    assert mutating(asked, VISION, Trust())["response"]["uid"] == asked.uid


@pytest.mark.parametrize(
    "body", [None, [], {}, {"request": 1}, {"request": {"uid": ""}}, {"request": {"uid": "x" * 254}}]
)
def test_what_cannot_be_answered_is_named(body: Any) -> None:
    with pytest.raises(UnreadableReview, match=r"request\.uid: must be a text of 1 to 253 characters"):
        read_review(body)


@settings(max_examples=150)
@given(
    ANYTHING,
    ANYTHING,
    KINDS,
    st.sampled_from(["CREATE", "UPDATE", "DELETE", "CONNECT", ""]),
    st.sampled_from(["", "resize", "ephemeralcontainers", "status"]),
    USERS,
)
def test_no_object_makes_it_raise_and_every_patch_applies(
    document, old, kind, operation, subresource, user
) -> None:
    group, resource = kind
    asked = read_review(
        review(
            document,
            old=old,
            group=group,
            resource=resource,
            operation=operation,
            subresource=subresource,
            user=user,
        )
    )

    verdict = validating(asked, VISION, Trust())["response"]
    answer = mutating(asked, VISION, Trust())["response"]

    assert isinstance(verdict["allowed"], bool)
    if "patch" in answer:
        changed = apply(document, patch_of(answer))
        again = read_review(
            review(
                changed,
                old=old,
                group=group,
                resource=resource,
                operation=operation,
                subresource=subresource,
                user=user,
            )
        )
        assert "patch" not in mutating(again, VISION, Trust())["response"]


@settings(max_examples=100)
@given(PODS, st.sampled_from([ADA, CONTROLLER]))
def test_defaults_are_idempotent_and_take_nothing_away_that_is_a_persons(pod, user) -> None:
    once = mutated(pod, user=user)

    assert mutated(once, user=user) == once
    assert [c["name"] for c in once["spec"]["containers"]] == [c["name"] for c in pod["spec"]["containers"]]
    for before, after in zip(pod["spec"]["containers"], once["spec"]["containers"], strict=True):
        assert after.get("env", [])[: len(before.get("env", []))] == before.get("env", [])
    kept = {
        k: v
        for k, v in pod["metadata"].get("annotations", {}).items()
        if k not in (labels.CREATED, labels.GANG)
    }
    assert kept.items() <= once["metadata"].get("annotations", {}).items()
    assert once["metadata"]["labels"][labels.QUEUE] == "vision"


@settings(max_examples=100)
@given(PODS, st.sampled_from([ADA, CONTROLLER]))
def test_what_the_defaults_add_is_never_what_is_refused(pod, user) -> None:
    """A refusal after the defaults has its cause in what was sent, never in what we put in."""
    before = set(refusals(pod, user=user))
    after = set(refusals(mutated(pod, user=user), user=user))

    assert after <= before


@settings(max_examples=100)
@given(ANYTHING, ANYTHING)
def test_a_difference_applied_gives_the_other_document(one, other) -> None:
    before, after = json.loads(json.dumps({"x": one})), json.loads(json.dumps({"x": other}))

    # compared as text: not-a-number is not equal to itself, and true is not 1
    assert json.dumps(apply(before, difference(before, after)), sort_keys=True) == json.dumps(
        after, sort_keys=True
    )
    assert difference(before, before) == []


@pytest.mark.parametrize("allowed", [True, False])
def test_an_answer_is_an_admission_review_of_the_same_request(allowed) -> None:
    project = VISION if not allowed else None
    answer = validating(read_review(review({"spec": {"hostPID": True}})), project, Trust())

    assert (answer["apiVersion"], answer["kind"]) == ("admission.k8s.io/v1", "AdmissionReview")
    assert answer["response"]["uid"] == review({})["request"]["uid"]
    assert answer["response"]["allowed"] is allowed


def test_a_patch_is_base64_of_json() -> None:
    answer = mutating(read_review(review({"metadata": {}, "spec": {}})), VISION, Trust())["response"]

    assert {one["op"] for one in json.loads(base64.b64decode(answer["patch"]))} == {"add"}
    assert project_of({"metadata": {"name": "x"}}) is None
