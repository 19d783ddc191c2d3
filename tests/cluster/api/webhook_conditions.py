"""Conversations about webhooks' conditions. Nobody can reach the webhook: an answer of 500 says that it would have been asked."""

from typing import Any

from tests.cluster.api.steps import CORE, Step, config_map, delete, patch, post, put
from tests.cluster.webhook_server import configuration, hook

CONFIGURATIONS = "/apis/admissionregistration.k8s.io/v1/validatingwebhookconfigurations"
MUTATING = CONFIGURATIONS.replace("validating", "mutating")
MAPS = f"{CORE}/configmaps"
DEAD = {"url": "https://127.0.0.1:9/"}
ALL = {"operations": ["*"], "apiGroups": [""], "apiVersions": ["*"], "resources": ["configmaps", "pods/*"]}
HERE = {"matchLabels": {"kubernetes.io/metadata.name": "{ns}"}}


def condition(expression: str, name: str = "one") -> dict[str, str]:
    return {"name": name, "expression": expression}


def configured(
    *conditions: dict[str, str], name: str = "{ns}", kind: str = "Validating", **more: Any
) -> dict[str, Any]:
    entry = hook("a", DEAD, rules=[ALL], namespaceSelector=HERE, matchConditions=list(conditions), **more)
    return configuration(kind, name, entry)


def refused(*conditions: dict[str, str]) -> Step:
    return post(CONFIGURATIONS, configured(*conditions))


def under(conditions: list[dict[str, str]], *steps: Step, mutating: bool = False, **more: Any) -> list[Step]:
    """Steps while a webhook with these conditions is there; it is gone again afterwards."""
    place, kind = (MUTATING, "Mutating") if mutating else (CONFIGURATIONS, "Validating")
    mark = condition(
        "object == null || !has(object.metadata.labels) || !('quiet' in object.metadata.labels)", "mark"
    )
    probe = {"metadata": {"name": "probe", "labels": {"probe": "{ns}"}}}
    asked = condition("true", "asked")
    return [
        post(place, configured(*conditions, mark, kind=kind, **more)),
        post(
            place,
            configuration(
                kind,
                "{ns}-probe",
                hook(
                    "b",
                    DEAD,
                    rules=[ALL],
                    namespaceSelector=HERE,
                    objectSelector={"matchLabels": {"probe": "{ns}"}},
                    matchConditions=[asked],
                ),
            ),
        ),
        Step("REFUSED", f"{MAPS}?dryRun=All", {**config_map("probe"), **probe}),
        *steps,
        delete(f"{place}/{{ns}}"),
        delete(f"{place}/{{ns}}-probe"),
        Step("ACCEPTED", f"{MAPS}?dryRun=All", {**config_map("probe"), **probe}),
    ]


def tried(name: str = "a", data: dict[str, str] | None = None, **metadata: Any) -> Step:
    return post(f"{MAPS}?dryRun=All", config_map(name, data, **metadata))


CONDITIONS: dict[str, list[Step]] = {
    "conditions of webhooks that are not right": [
        refused(condition("")),
        refused(condition("true", "")),
        refused(condition("true", "a b")),
        refused(condition("true"), condition("false")),
        refused(condition("1")),
        refused(condition("'a'")),
        refused(condition("object.metadata.name")),
        refused(condition("object.metadata.name ==")),
        refused(condition("other == 1")),
        refused(condition("params == null")),
        refused(condition("request.weight == 1")),
        refused(condition("request.operation == 1")),
        refused(condition("request.userInfo.groups.exists(g, g == 1)")),
        refused(condition("namespaceObject.metadata.weight == 1")),
        refused(*(condition("true", f"c{index}") for index in range(65))),
        post(MUTATING, configured(condition("other == 1"), kind="Mutating")),
    ],
    "conditions of webhooks": [
        post(MAPS, config_map("stays", {"k": "1"}, labels={"a": "b"})),
        *under(
            [condition("object == null || object.metadata.name.startsWith('x')")],
            tried("x"),
            tried("a"),
            delete(f"{MAPS}/stays?dryRun=All"),
        ),
        *under(
            [
                condition("request.operation == 'UPDATE'"),
                condition("oldObject.data.k != object.data.k", "two"),
            ],
            tried(),
            patch(f"{MAPS}/stays?dryRun=All", {"data": {"k": "2"}}),
            patch(f"{MAPS}/stays?dryRun=All", {"metadata": {"labels": {"a": "c"}}}),
            put(f"{MAPS}/stays?dryRun=All", config_map("stays", {"k": "3"})),
        ),
        *under(
            [
                condition(
                    "request.resource.group == '' && request.resource.resource == 'configmaps' && request.kind.kind == 'ConfigMap'"
                ),
                condition(
                    "!has(request.subResource) && request.namespace == '{ns}' && request.dryRun", "two"
                ),
                condition(
                    "request.userInfo.username != 'nobody' && 'system:authenticated' in request.userInfo.groups",
                    "three",
                ),
                condition("request.options.kind == 'CreateOptions' && namespaceObject == null", "four"),
            ],
            tried(),
            patch(f"{MAPS}/stays?dryRun=All", {"data": {"k": "2"}}),
        ),
        *under([condition("object.data.k == '1'")], tried(), tried(data={"k": "1"}), tried(data={"k": "2"})),
        *under(
            [condition("object.data.k == '1'"), condition("object.metadata.name == 'b'", "two")],
            tried(),
            tried("b"),
        ),
        *under([condition("object.data.k == '1'")], tried(), tried(data={"k": "1"}), failurePolicy="Ignore"),
        *under(
            [condition("object.data.k.size() > 3"), condition("object.other.x", "two")],
            tried(),
            tried(data={"k": "1"}),
        ),
        *under([condition("object.metadata.name == 'x'")], tried(), tried("x"), mutating=True),
        *under([condition("object.data.k == '1'")], tried(), tried(data={"k": "1"}), mutating=True),
    ],
}
