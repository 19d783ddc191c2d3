"""Selectors choose what Kubernetes would choose."""

import pytest

from cluster.simulator.problems import Problem
from cluster.simulator.selectors import field_test, label_test, object_selector_test

LABELS = {"app": "web", "tier": "front", "size": "7"}


@pytest.mark.parametrize(
    ("selector", "chosen"),
    [
        ("", True),
        ("app=web", True),
        ("app==web,tier=front", True),
        ("app=web,tier=back", False),
        ("app!=web", False),
        ("none!=x", True),
        ("app in (web, api)", True),
        ("app notin (web)", False),
        ("none notin (web)", True),
        ("app", True),
        ("!app", False),
        ("!none", True),
        ("size>5", True),
        ("size<5", False),
        ("app>5", False),
        ("app in (a,b),tier", False),
        ("app=", False),
    ],
)
def test_labels(selector: str, chosen: bool) -> None:
    assert label_test(selector)(LABELS) is chosen


@pytest.mark.parametrize("selector", ["a b", "a in", "a>x", "=b", "a in (b"])
def test_a_label_selector_that_means_nothing_is_refused(selector: str) -> None:
    with pytest.raises(Problem) as caught:
        label_test(selector)
    assert caught.value.code == 400


def test_fields_of_pods_and_their_defaults() -> None:
    pod = {"metadata": {"name": "p", "namespace": "n"}, "spec": {}, "status": {"phase": "Running"}}

    assert field_test("status.phase=Running,metadata.name=p", "pods", "v1")(pod)
    assert field_test("spec.nodeName=", "pods", "v1")(pod)
    assert not field_test("spec.nodeName!=", "pods", "v1")(pod)
    assert field_test("spec.hostNetwork=false", "pods", "v1")(pod)
    with pytest.raises(Problem, match=r"field label not supported: spec\.x"):
        field_test("spec.x=1", "pods", "v1")
    assert field_test("spec.colour=red", "boxes.x", "x/v1", ("spec.colour",))(
        {"metadata": {}, "spec": {"colour": "red"}}
    )


def test_selectors_of_objects() -> None:
    expressions = [
        {"key": "app", "operator": "In", "values": ["web"]},
        {"key": "gone", "operator": "DoesNotExist"},
    ]

    assert object_selector_test({"matchLabels": {"tier": "front"}, "matchExpressions": expressions})(LABELS)
    assert object_selector_test({})(LABELS)
    assert not object_selector_test(None)(LABELS)
    assert not object_selector_test(
        {"matchExpressions": [{"key": "app", "operator": "NotIn", "values": ["web"]}]}
    )(LABELS)
