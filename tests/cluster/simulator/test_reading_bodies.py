"""Bodies become documents: unknown fields are named, wrong types refused, defaults set; protobuf says the same as JSON."""

import json
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from cluster.simulator.openapi.builtin import type_documents, type_names, type_schema
from cluster.simulator.openapi.decoding import Decoding, WrongType
from cluster.simulator.problems import Problem
from cluster.simulator.protobuf.reader import MAGIC, read_document
from cluster.simulator.server.bodies import Strictness, read_json

POD = type_schema(type_names()["", "v1", "Pod"])


def pod(**container: Any) -> dict[str, Any]:
    return {"metadata": {"name": "p"}, "spec": {"containers": [{"name": "c", **container}]}}


def test_every_type_compiles() -> None:
    shapes = {type_schema(name).shape for name in type_documents()}

    assert {"object", "map"} & shapes
    assert len(type_documents()) > 400


def test_unknown_fields_are_left_out_and_named() -> None:
    decoding = Decoding()
    document = decoding.decode(POD, {**pod(imge="x"), "zzz": 1})

    assert decoding.unknown == ["spec.containers[0].imge", "zzz"]
    assert "zzz" not in document
    assert "imge" not in document["spec"]["containers"][0]


@pytest.mark.parametrize(
    ("document", "place"),
    [
        (pod(image=1), "Container.spec.containers.image of type string"),
        ({"spec": {"containers": {}}}, "cannot unmarshal object"),
        ({"spec": {"priority": "x"}}, "PodSpec.spec.priority of type int32"),
        ({"spec": {"priority": 2**31}}, "number 2147483648"),
        ({"spec": {"hostNetwork": 1}}, "of type bool"),
        ({"metadata": []}, "cannot unmarshal array"),
    ],
)
def test_a_wrong_type_is_refused_with_its_place(document: Any, place: str) -> None:
    with pytest.raises(WrongType) as caught:
        Decoding().decode(POD, document)
    assert place in str(caught.value)


def test_decoding_again_changes_nothing() -> None:
    once = Decoding().decode(
        POD, pod(ports=[{"containerPort": 80}], readinessProbe={"httpGet": {"port": "http"}})
    )

    assert Decoding().decode(POD, once) == once
    assert once["spec"]["containers"][0]["ports"][0]["protocol"] == "TCP"
    assert once["spec"]["containers"][0]["readinessProbe"]["periodSeconds"] == 10
    assert once["spec"]["restartPolicy"] == "Always"


def test_parts_that_are_known_are_shared() -> None:
    once = Decoding().decode(POD, pod())
    changed = {**once, "status": {"phase": "Running"}}

    again = Decoding().decode(POD, changed, known=once)
    assert again["spec"] is once["spec"]
    assert again["status"]["phase"] == "Running"


def test_defaults_are_not_shared_between_objects() -> None:
    one, other = Decoding().decode(POD, pod()), Decoding().decode(POD, pod())
    one["spec"]["securityContext"]["x"] = 1

    assert other["spec"]["securityContext"] == {}


def test_fields_given_twice_are_named_with_their_path() -> None:
    strictness = Strictness("Strict")
    read_json(b'{"a":{"b":1,"b":2},"c":[{"d":1,"d":1}]}', strictness)

    assert strictness.found == ['duplicate field "a.b"', 'duplicate field "c[0].d"']


def varint(number: int) -> bytes:
    number &= (1 << 64) - 1
    result = bytearray()
    while number >= 0x80:
        result.append(number & 0x7F | 0x80)
        number >>= 7
    return bytes([*result, number])


def part(number: int, value: bytes | str | int) -> bytes:
    """One field of a message."""
    if isinstance(value, int):
        return varint(number << 3) + varint(value)
    data = value.encode() if isinstance(value, str) else value
    return varint(number << 3 | 2) + varint(len(data)) + data


def envelope(api_version: str, kind: str, raw: bytes) -> bytes:
    return MAGIC + part(1, part(1, api_version) + part(2, kind)) + part(2, raw)


def test_a_deployment_in_protobuf_is_the_same_document() -> None:
    metadata = part(1, "web") + part(2, "") + part(11, part(1, "app") + part(2, "web"))
    resources = part(1, part(1, "cpu") + part(2, part(1, "500m")))
    probe = part(1, part(2, part(1, "/ok") + part(2, part(1, 1) + part(3, "http"))))
    container = part(1, "c") + part(2, "image") + part(8, resources) + part(11, probe)
    template = part(1, b"") + part(2, part(2, container))
    spec = part(1, 0) + part(2, part(1, part(1, "app") + part(2, "web"))) + part(3, template) + part(5, 0)
    body = envelope("apps/v1", "Deployment", part(1, metadata) + part(2, spec))

    assert read_document(body) == {
        "apiVersion": "apps/v1",
        "kind": "Deployment",
        "metadata": {"name": "web", "labels": {"app": "web"}},
        "spec": {
            "replicas": 0,
            "selector": {"matchLabels": {"app": "web"}},
            "template": {
                "metadata": {},
                "spec": {
                    "containers": [
                        {
                            "name": "c",
                            "image": "image",
                            "resources": {"limits": {"cpu": "500m"}},
                            "readinessProbe": {"httpGet": {"path": "/ok", "port": "http"}},
                        }
                    ]
                },
            },
        },
    }


def answered(body: bytes) -> int:
    """200 when it was read and is JSON, else the code of the refusal."""
    try:
        json.dumps(read_document(body))
    except Problem as problem:
        return problem.code
    return 200


@given(st.integers(0, 60))
def test_a_cut_protobuf_body_is_a_bad_request_not_a_crash(kept: int) -> None:
    whole = envelope("v1", "ConfigMap", part(1, part(1, "name")) + part(2, part(1, "key") + part(2, "value")))
    assert answered(whole[: len(MAGIC) + kept]) in (200, 400)


@given(st.binary(max_size=40))
def test_noise_is_never_more_than_a_bad_request(noise: bytes) -> None:
    assert answered(envelope("v1", "Pod", noise)) in (200, 400)
