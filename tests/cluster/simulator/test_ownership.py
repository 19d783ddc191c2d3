"""Who owns a field: the laws of field sets, and what comparing, merging and pruning do with them."""

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from cluster.simulator.openapi.builtin import type_names, type_schema
from cluster.simulator.patching.comparing import compare
from cluster.simulator.patching.field_sets import (
    covers,
    difference,
    from_fields_v1,
    intersection,
    paths,
    set_of,
    to_fields_v1,
    touches,
    union,
)
from cluster.simulator.patching.typed_merge import REMOVED, DuplicateItem, prune, typed_merge

POD = type_schema(type_names()["", "v1", "Pod"])
names = st.sampled_from(["f:a", "f:b", 'k:{"name":"x"}', 'v:"1"'])
leaves = st.just({".": {}})
nodes = st.recursive(
    leaves, lambda inner: st.dictionaries(names, inner, min_size=1, max_size=3), max_leaves=8
)
sets = st.dictionaries(names, nodes, max_size=3)


def members(node: dict[str, Any]) -> set[str]:
    return set(paths(node))


@given(sets, sets)
def test_sets_of_fields_behave_like_sets(one: dict[str, Any], other: dict[str, Any]) -> None:
    assert members(union(one, other)) == members(one) | members(other)
    assert members(difference(one, other)) == members(one) - members(other)
    assert members(intersection(one, other)) == members(one) & members(other)


@given(sets, sets)
def test_reading_without_converting_says_the_same(one: dict[str, Any], other: dict[str, Any]) -> None:
    written = to_fields_v1(one)

    assert covers(written, other) == (members(other) <= members(one))
    assert touches(written, other) == bool(members(other) & members(one))


@given(sets)
def test_what_is_written_is_read_again(one: dict[str, Any]) -> None:
    assert members(from_fields_v1(to_fields_v1(one))) == members(one)


def pod(**spec: Any) -> dict[str, Any]:
    return {"apiVersion": "v1", "kind": "Pod", "metadata": {"name": "p", "labels": {"a": "b"}}, "spec": spec}


def test_a_configuration_owns_its_leaves_and_the_items_of_keyed_lists() -> None:
    config = pod(
        containers=[{"name": "x", "image": "i", "args": ["1", "2"]}],
        nodeSelector={"k": "v"},
        securityContext={},
    )

    assert members(set_of(POD, config)) >= {
        ".metadata.labels.a",
        '.spec.containers[name="x"]',
        '.spec.containers[name="x"].image',
        '.spec.containers[name="x"].args',
        ".spec.nodeSelector",
        ".spec.securityContext",
    }


def test_ports_are_told_apart_by_number_and_protocol() -> None:
    config = pod(containers=[{"name": "x", "ports": [{"containerPort": 80}]}])

    assert '.spec.containers[name="x"].ports[containerPort=80,protocol="TCP"].containerPort' in members(
        set_of(POD, config)
    )


def test_comparing_names_what_changed_and_what_went() -> None:
    old = pod(containers=[{"name": "x", "image": "1"}, {"name": "y", "image": "1"}], hostname="h")
    new = pod(containers=[{"name": "x", "image": "2"}], nodeName="n")
    found = compare(POD, old, new)

    assert members(found.changed) == {'.spec.containers[name="x"].image', ".spec.nodeName"}
    assert {'.spec.containers[name="y"]', ".spec.hostname"} <= members(found.removed)


def test_nobody_owns_what_the_server_sets() -> None:
    old = pod()
    new = {**old, "metadata": {**old["metadata"], "resourceVersion": "5", "uid": "u", "generation": 2}}

    assert compare(POD, old, new).changed == {}


@pytest.mark.parametrize(
    ("live", "config", "merged"),
    [
        ("abc", "b", "abc"),
        ("abc", "cb", "acb"),
        ("ab", "xb", "axb"),
        ("ab", "bx", "abx"),
        ("abc", "cba", "cba"),
        ("", "ab", "ab"),
        ("ab", "", "ab"),
    ],
)
def test_merged_lists_keep_the_order_of_the_configuration(live: str, config: str, merged: str) -> None:
    result = typed_merge(
        POD,
        pod(containers=[{"name": name, "image": "live"} for name in live]),
        pod(containers=[{"name": name} for name in config]),
    )
    assert sorted(c["name"] for c in result["spec"]["containers"]) == sorted(merged)
    order = [c["name"] for c in result["spec"]["containers"] if c["name"] in config]
    assert order == list(config)


def test_an_item_given_twice_is_refused() -> None:
    with pytest.raises(DuplicateItem, match="duplicate entries"):
        typed_merge(POD, pod(), pod(containers=[{"name": "a"}, {"name": "a"}]))


def test_what_is_no_longer_applied_goes_unless_someone_else_owns_it() -> None:
    applied_before = set_of(
        POD, pod(hostname="h", containers=[{"name": "x", "image": "i"}, {"name": "y", "image": "i"}])
    )
    owned_now = union(
        set_of(POD, pod(containers=[{"name": "x", "image": "i"}])), set_of(POD, {"spec": {"hostname": "h"}})
    )
    live = pod(
        hostname="h", containers=[{"name": "x", "image": "i"}, {"name": "y", "image": "i", "tty": True}]
    )

    pruned = prune(POD, live, applied_before, owned_now)
    assert pruned["spec"] == {"hostname": "h", "containers": [{"name": "x", "image": "i"}]}
    assert prune(POD, {"spec": {"hostname": "h"}}, set_of(POD, {"spec": {"hostname": "h"}}), {}) is REMOVED
