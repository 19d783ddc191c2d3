"""Conversations about a CustomResourceDefinition and its objects. `{ns}` also makes the group, so that each test has its own."""

from typing import Any

from tests.cluster.api.steps import APPLY, JSON_PATCH, STRATEGIC, TABLE, Step, delete, get, patch, post, put

GROUP = "{ns}.test"
DEFINITIONS = "/apis/apiextensions.k8s.io/v1/customresourcedefinitions"
WIDGETS = "/apis/{ns}.test/v1/namespaces/{ns}/widgets"

KEYED = {
    "type": "array",
    "x-kubernetes-list-type": "map",
    "x-kubernetes-list-map-keys": ["id"],
    "items": {
        "type": "object",
        "required": ["id"],
        "properties": {"id": {"type": "string"}, "v": {"type": "string", "default": "q"}},
    },
}
SPEC = {
    "type": "object",
    "required": ["size"],
    "properties": {
        "size": {"type": "string", "enum": ["small", "large"]},
        "count": {"type": "integer", "minimum": 0, "maximum": 10, "default": 1},
        "replicas": {"type": "integer"},
        "name": {"type": "string", "pattern": "^[a-z]+$", "maxLength": 5},
        "note": {"type": "string", "nullable": True},
        "port": {"x-kubernetes-int-or-string": True},
        "list": KEYED,
        "free": {"type": "object", "x-kubernetes-preserve-unknown-fields": True},
        "map": {"type": "object", "additionalProperties": {"type": "integer"}},
    },
}
STATUS = {"type": "object", "properties": {"replicas": {"type": "integer"}, "phase": {"type": "string"}}}
VERSION = {
    "name": "v1",
    "served": True,
    "storage": True,
    "subresources": {
        "status": {},
        "scale": {"specReplicasPath": ".spec.replicas", "statusReplicasPath": ".status.replicas"},
    },
    "additionalPrinterColumns": [
        {"name": "Size", "type": "string", "jsonPath": ".spec.size"},
        {"name": "Count", "type": "integer", "jsonPath": ".spec.count", "priority": 1},
    ],
    "schema": {
        "openAPIV3Schema": {
            "type": "object",
            "required": ["spec"],
            "properties": {"spec": SPEC, "status": STATUS},
        }
    },
}


def definition(name: str = "widgets", **version: Any) -> dict[str, Any]:
    kind = name.removesuffix("s").capitalize()
    return {
        "apiVersion": "apiextensions.k8s.io/v1",
        "kind": "CustomResourceDefinition",
        "metadata": {"name": f"{name}.{GROUP}"},
        "spec": {
            "group": GROUP,
            "scope": "Namespaced",
            "names": {"plural": name, "singular": kind.lower(), "kind": kind, "categories": ["all"]},
            "versions": [{**VERSION, **version}],
        },
    }


def widget(called: str = "one", /, **spec: Any) -> dict[str, Any]:
    document = {"apiVersion": f"{GROUP}/v1", "kind": "Widget", "metadata": {"name": called}}
    return {**document, "spec": {"size": "small", **spec}}


def refused(**spec: Any) -> Step:
    return post(WIDGETS, widget("two", **spec))


READY = Step("WAIT", WIDGETS)
"""Not sent: the test waits until the path answers, which the real server needs some seconds for."""

CUSTOM: dict[str, list[Step]] = {
    "custom resources": [
        post(DEFINITIONS, definition()),
        READY,
        post(WIDGETS, widget(list=[{"id": "a"}])),
        get(WIDGETS),
        get(WIDGETS, **TABLE),
        get("/apis/{ns}.test/v1"),
        get("/apis/{ns}.test"),
        patch(WIDGETS + "/one", {"spec": {"count": 3}}),
        patch(WIDGETS + "/one", {"spec": {"count": 3}}, STRATEGIC),
        patch(WIDGETS + "/one", [{"op": "replace", "path": "/spec/size", "value": "large"}], JSON_PATCH),
        patch(
            WIDGETS + "/one/status",
            {"status": {"phase": "x"}, "spec": {"count": 9}, "metadata": {"labels": {"a": "b"}}},
        ),
        patch(WIDGETS + "/one", {"status": {"phase": "y"}}),
        patch(WIDGETS + "/one/scale", {"spec": {"replicas": 4}}),
        put(WIDGETS + "/one", widget()),
        patch(WIDGETS + "/one?fieldManager=m", widget(list=[{"id": "b", "v": "z"}]), APPLY),
        patch(WIDGETS + "/one?fieldManager=m&force=true", widget(list=[{"id": "b", "v": "z"}]), APPLY),
        patch(WIDGETS + "/one?fieldManager=m&force=true", widget(list=[{"id": "c"}]), APPLY),
        patch(WIDGETS + "/new?fieldManager=m", widget("new"), APPLY),
        patch(WIDGETS + "/new/status?fieldManager=n", {**widget("new"), "status": {"phase": "x"}}, APPLY),
        get(WIDGETS + "/none"),
        delete(WIDGETS + "/one"),
        delete(WIDGETS),
        get(WIDGETS),
    ],
    "custom resources that are not right": [
        post(DEFINITIONS, definition()),
        READY,
        refused(size="huge"),
        post(WIDGETS, {**widget("two"), "spec": {}}),
        refused(size=1),
        refused(count="x"),
        refused(count=-1),
        refused(count=11),
        refused(name="A"),
        refused(name="aaaaaaaa"),
        refused(size=None),
        refused(list=[{"id": "a"}, {"id": "a"}]),
        refused(list=[{"v": "a"}]),
        refused(map={"a": "b"}),
        post(WIDGETS + "?fieldValidation=Strict", widget("two", zzz=1)),
        post(WIDGETS + "?dryRun=All", widget("two", zzz=1)),
        post(
            WIDGETS + "?dryRun=All",
            widget("two", note=None, count=None, free={"x": {"y": 1}}, map={"a": 1}, port="http"),
        ),
        post(WIDGETS, {**widget("two"), "spec": None}),
        post(DEFINITIONS, {**definition("gadgets"), "metadata": {"name": "x"}}),
        post(DEFINITIONS, definition("gadgets", schema=None)),
    ],
}
