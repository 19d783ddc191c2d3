"""The webhooks that are configured, and which of them a write concerns. Reads the store."""

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

from cluster.simulator.problems import not_found
from cluster.simulator.resources import Resource
from cluster.simulator.selectors import object_selector_test
from cluster.simulator.server.api import Api
from cluster.simulator.webhooks.attributes import Attributes, equivalents

GROUP = "admissionregistration.k8s.io"
MUTATING, VALIDATING = "mutatingwebhookconfigurations", "validatingwebhookconfigurations"
NEVER_ASKED = frozenset({f"{MUTATING}.{GROUP}", f"{VALIDATING}.{GROUP}"})
"""Nobody may lock the cluster by refusing to have a webhook taken away."""


@dataclass(frozen=True)
class Webhook:
    """One entry of a configuration."""

    configuration: str
    settings: dict[str, Any]
    mutating: bool

    @property
    def name(self) -> str:
        return str(self.settings["name"])

    @property
    def key(self) -> str:
        return f"{self.configuration}/{self.name}"

    @property
    def may_be_ignored(self) -> bool:
        return self.settings.get("failurePolicy") == "Ignore"

    @property
    def may_be_asked_again(self) -> bool:
        return self.settings.get("reinvocationPolicy") == "IfNeeded"


@dataclass(frozen=True)
class Invocation:
    """A webhook that is to be asked, and the version of the resource its rule names."""

    webhook: Webhook
    resource: Resource


def configured(api: Api, plural: str) -> Iterator[Webhook]:
    """By the name of their configuration, then in its order."""
    for stored in api.store.listed(f"{plural}.{GROUP}"):
        for settings in stored.document.get("webhooks") or []:
            yield Webhook(stored.name, settings, plural == MUTATING)


def invocation_of(api: Api, webhook: Webhook, attributes: Attributes) -> Invocation | None:
    """How the webhook is to be asked about a write, or None. Raises 404 when the write's namespace is missing."""
    if attributes.resource.storage in NEVER_ASKED:
        return None
    if not _object_selected(webhook, attributes):
        return None
    resource = _matching_resource(api, webhook, attributes)
    if resource is None or not _namespace_selected(api, webhook, attributes):
        return None
    return Invocation(webhook, resource)


def _matching_resource(api: Api, webhook: Webhook, attributes: Attributes) -> Resource | None:
    rules = webhook.settings.get("rules") or []
    if any(rule_fits(rule, attributes) for rule in rules):
        return attributes.resource
    if webhook.settings.get("matchPolicy") == "Exact":
        return None
    others = equivalents(api.registry, attributes.resource)
    fitting = (other for rule in rules for other in others if rule_fits(rule, attributes.as_resource(other)))
    return next(fitting, None)


def rule_fits(rule: dict[str, Any], attributes: Attributes) -> bool:
    """Whether a RuleWithOperations names this write."""
    resource = attributes.resource
    return (
        _named(rule.get("operations"), attributes.operation)
        and _named(rule.get("apiGroups"), resource.group)
        and _named(rule.get("apiVersions"), resource.version)
        and any(
            _resource_named(text, resource.plural, attributes.subresource)
            for text in rule.get("resources") or []
        )
        and _in_scope(rule.get("scope", "*"), attributes)
    )


def _named(listed: list[str] | None, wanted: str) -> bool:
    return listed is not None and ("*" in listed or wanted in listed)


def _resource_named(text: str, plural: str, subresource: str) -> bool:
    """`pods`, `pods/status`, `pods/*`, `*`, `*/scale`, `*/*`."""
    wanted, _, below = text.partition("/")
    return wanted in ("*", plural) and below in ("*", subresource)


def _in_scope(scope: str, attributes: Attributes) -> bool:
    """A namespace itself is of the whole cluster."""
    if scope == "*":
        return True
    return (scope == "Namespaced") is attributes.resource.namespaced


def _object_selected(webhook: Webhook, attributes: Attributes) -> bool:
    """The old object counts as well: a label that is being taken away does not hide the change."""
    selector = webhook.settings.get("objectSelector") or {}
    if not selector:
        return True
    test = object_selector_test(selector)
    documents = [document for document in (attributes.document, attributes.old) if document is not None]
    return any(test((document.get("metadata") or {}).get("labels") or {}) for document in documents)


def _namespace_selected(api: Api, webhook: Webhook, attributes: Attributes) -> bool:
    """Objects of the whole cluster are never left out by the labels of a namespace."""
    selector = webhook.settings.get("namespaceSelector") or {}
    if not selector or not (attributes.namespace or attributes.is_namespace):
        return True
    return object_selector_test(selector)(_namespace_labels(api, attributes))


def _namespace_labels(api: Api, attributes: Attributes) -> dict[str, str]:
    document = attributes.document
    own = attributes.is_namespace and not attributes.subresource and attributes.operation != "DELETE"
    if not own:
        name = attributes.shown_namespace
        stored = api.store.get("namespaces", "", name)
        if stored is None:
            raise not_found("namespaces", "", name)
        document = stored.document
    return ((document or {}).get("metadata") or {}).get("labels") or {}
