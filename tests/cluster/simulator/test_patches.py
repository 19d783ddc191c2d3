"""The patches do what their specifications say."""

import copy
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from cluster.simulator.openapi.builtin import type_names, type_schema
from cluster.simulator.patching.json_patch import apply_json_patch
from cluster.simulator.patching.merge import merge
from cluster.simulator.patching.strategic import strategic_merge
from cluster.simulator.problems import Problem

POD = type_schema(type_names()["", "v1", "Pod"])
json_values = st.recursive(
    st.none() | st.booleans() | st.integers() | st.text(max_size=5),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=3), inner, max_size=3),
    max_leaves=10,
)
without_nulls = st.recursive(
    st.booleans() | st.integers() | st.text(max_size=5),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=3), inner, max_size=3),
    max_leaves=10,
)


@pytest.mark.parametrize(
    ("original", "patch", "result"),
    [
        ({"a": "b"}, {"a": "c"}, {"a": "c"}),
        ({"a": "b"}, {"b": "c"}, {"a": "b", "b": "c"}),
        ({"a": "b", "b": "c"}, {"a": None}, {"b": "c"}),
        ({"a": ["b"]}, {"a": "c"}, {"a": "c"}),
        ({"a": {"b": "c"}}, {"a": {"b": "d", "c": None}}, {"a": {"b": "d"}}),
        ({"a": [{"b": "c"}]}, {"a": [1]}, {"a": [1]}),
        (["a", "b"], ["c", "d"], ["c", "d"]),
        ({"a": "foo"}, None, None),
        ({"e": None}, {"a": 1}, {"e": None, "a": 1}),
        ({}, {"a": {"bb": {"ccc": None}}}, {"a": {"bb": {}}}),
    ],
)
def test_merge_patch_as_in_rfc_7386(original: Any, patch: Any, result: Any) -> None:
    assert merge(original, patch) == result


@given(json_values, json_values)
def test_merging_twice_changes_nothing_more(original: Any, patch: Any) -> None:
    before = copy.deepcopy(original)
    once = merge(original, patch)

    assert merge(once, patch) == once
    assert original == before


@given(
    st.dictionaries(st.text(max_size=3), without_nulls, max_size=4),
    st.dictionaries(st.text(max_size=3), without_nulls, max_size=4),
)
def test_without_nulls_a_merge_only_adds(original: dict[str, Any], patch: dict[str, Any]) -> None:
    assert set(merge(original, patch)) == {*original, *patch}


@pytest.mark.parametrize(
    ("original", "operations", "result"),
    [
        ({"foo": "bar"}, [{"op": "add", "path": "/baz", "value": "qux"}], {"baz": "qux", "foo": "bar"}),
        (
            {"foo": ["bar", "baz"]},
            [{"op": "add", "path": "/foo/1", "value": "q"}],
            {"foo": ["bar", "q", "baz"]},
        ),
        ({"foo": ["bar"]}, [{"op": "add", "path": "/foo/-", "value": ["x"]}], {"foo": ["bar", ["x"]]}),
        ({"baz": "q", "foo": "b"}, [{"op": "remove", "path": "/baz"}], {"foo": "b"}),
        ({"foo": [1, 2, 3]}, [{"op": "remove", "path": "/foo/1"}], {"foo": [1, 3]}),
        (
            {"foo": {"bar": 1}, "q": {}},
            [{"op": "move", "from": "/foo/bar", "path": "/q/x"}],
            {"foo": {}, "q": {"x": 1}},
        ),
        (
            {"a/b": 1, "m~n": 8},
            [{"op": "test", "path": "/a~1b", "value": 1}, {"op": "replace", "path": "/m~0n", "value": 9}],
            {"a/b": 1, "m~n": 9},
        ),
        ({"a": {"b": 1}}, [{"op": "copy", "from": "/a", "path": "/c"}], {"a": {"b": 1}, "c": {"b": 1}}),
        ({"a": 1}, [{"op": "replace", "path": "", "value": {"b": 2}}], {"b": 2}),
    ],
)
def test_json_patch_as_in_rfc_6902(original: Any, operations: Any, result: Any) -> None:
    before = copy.deepcopy(original)

    assert apply_json_patch(original, operations) == result
    assert original == before


@pytest.mark.parametrize(
    ("operations", "code"),
    [
        ({"op": "add"}, 400),
        ([{"op": "add", "path": "/a"}], 400),
        ([{"op": "jump", "path": "/a"}], 400),
        ([{"op": "add", "path": "a", "value": 1}], 400),
        ([{"op": "test", "path": "/a", "value": 2}], 422),
        ([{"op": "remove", "path": "/zz"}], 422),
        ([{"op": "remove", "path": "/list/7"}], 422),
        ([{"op": "add", "path": "/a/b/c", "value": 1}], 422),
        ([{"op": "test", "path": "/a", "value": 1}] * 10_001, 413),
    ],
)
def test_a_json_patch_that_does_not_fit_is_refused(operations: Any, code: int) -> None:
    with pytest.raises(Problem) as caught:
        apply_json_patch({"a": 1, "list": []}, operations)
    assert caught.value.code == code


def containers(*names: str) -> dict[str, Any]:
    return {"spec": {"containers": [{"name": name, "image": f"{name}:1"} for name in names]}}


def named(document: dict[str, Any]) -> list[str]:
    return [container["name"] for container in document["spec"]["containers"]]


def test_a_strategic_patch_finds_containers_by_name() -> None:
    patched = strategic_merge(
        POD, containers("a", "b"), {"spec": {"containers": [{"name": "b", "image": "b:2"}]}}
    )

    assert named(patched) == ["a", "b"]
    assert [c["image"] for c in patched["spec"]["containers"]] == ["a:1", "b:2"]


def test_a_strategic_patch_deletes_replaces_and_orders() -> None:
    start = containers("a", "b", "c")
    without = {"spec": {"containers": [{"name": "b", "$patch": "delete"}]}}
    alone = {"spec": {"containers": [{"$patch": "replace"}, {"name": "z"}]}}
    ordered = {
        "spec": {
            "$setElementOrder/containers": [{"name": "c"}, {"name": "a"}, {"name": "b"}],
            "containers": [{"name": "a", "image": "x"}],
        }
    }

    assert named(strategic_merge(POD, start, without)) == ["a", "c"]
    assert named(strategic_merge(POD, start, alone)) == ["z"]
    assert named(strategic_merge(POD, start, ordered)) == ["c", "a", "b"]


def test_a_strategic_patch_merges_sets_and_replaces_plain_lists() -> None:
    start = {
        "metadata": {"finalizers": ["a", "b"]},
        "spec": {"containers": [{"name": "x", "args": ["1", "2"]}]},
    }
    patch = {
        "metadata": {"finalizers": ["c"], "$deleteFromPrimitiveList/finalizers": ["a"]},
        "spec": {"containers": [{"name": "x", "args": ["3"]}]},
    }

    patched = strategic_merge(POD, start, patch)
    assert sorted(patched["metadata"]["finalizers"]) == ["b", "c"]
    assert patched["spec"]["containers"][0]["args"] == ["3"]


def test_a_strategic_patch_keeps_only_the_keys_it_names() -> None:
    start = {"spec": {"volumes": [{"name": "v", "emptyDir": {}}]}}
    patch = {
        "spec": {"volumes": [{"name": "v", "$retainKeys": ["name", "secret"], "secret": {"secretName": "s"}}]}
    }

    assert strategic_merge(POD, start, patch)["spec"]["volumes"] == [
        {"name": "v", "secret": {"secretName": "s"}}
    ]


def test_a_strategic_patch_without_its_key_is_refused() -> None:
    with pytest.raises(Problem, match="merge key: name"):
        strategic_merge(POD, containers("a"), {"spec": {"containers": [{"image": "x"}]}})
