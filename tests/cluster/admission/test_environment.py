"""What reaches a container's environment from elsewhere: maps of variables, and their prefixes."""

import base64

import pytest

from tests.cluster.admission.reviewing import CONTROLLER, container, gpus, ours, refusals

NAME = "NVIDIA_VISIBLE_DEVICES"


def encoded(value):
    return base64.b64encode(value.encode()).decode()


@pytest.mark.parametrize("resource", ["configmaps", "secrets"])
@pytest.mark.parametrize(("value", "passes"), [("all", False), ("0", False), ("void", True), ("", True)])
def test_a_map_gives_nobody_devices(resource, value, passes):
    written = encoded(value) if resource == "secrets" else value
    document = {"metadata": {"name": "m"}, "data": {NAME: written, "A": encoded("b")}}
    told = [] if passes else [f"data[{NAME}]"]

    for user in (CONTROLLER, {"username": "ada"}):
        found = refusals(document, resource=resource, user=user)
        assert [one.split(":")[0] for one in found] == told
    # what stood there before may keep its other fields up to date
    labelled = {**document, "metadata": {"name": "m", "labels": {"a": "b"}}}
    assert refusals(labelled, old=document, operation="UPDATE", resource=resource) == []
    assert len(refusals(document, old={"data": {}}, operation="UPDATE", resource=resource)) == len(told)
    assert refusals({"data": {"A": written}}, old=document, operation="UPDATE", resource=resource) == []


@pytest.mark.parametrize("data", [None, [], {NAME: 1}, {NAME: "not base64"}, {NAME: "/w=="}])
def test_what_is_no_text_is_no_permission(data):
    assert len(refusals({"data": data}, resource="secrets")) == (1 if data else 0)


@pytest.mark.parametrize(("prefix", "passes"), [("", True), ("N", False), ("NVIDIA_", False), ("MY_", True)])
def test_a_prefix_makes_no_variable_of_ours(prefix, passes):
    source = {"configMapRef": {"name": "settings"}} | ({"prefix": prefix} if prefix else {})
    other = {"secretRef": {"name": "keys"}}

    found = refusals(ours(containers=[gpus(1, envFrom=[other, source])]))

    assert [one.split(":")[0] for one in found] == (
        [] if passes else ["spec.containers[0].envFrom[1].prefix"]
    )
    # without GPUs the container is told `void`, which wins
    assert refusals(ours(containers=[container(envFrom=[source])])) == []
