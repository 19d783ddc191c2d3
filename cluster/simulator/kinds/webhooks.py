"""Webhook configurations: the defaults of their entries, and what makes them unusable."""

from typing import Any
from urllib.parse import urlsplit

from cluster.simulator.kinds.rules import Document, KindRules
from cluster.simulator.kinds.webhook_conditions import condition_causes
from cluster.simulator.problems import Cause, missing, unsupported, wrong
from cluster.simulator.validation.metadata import SUBDOMAIN, SUBDOMAIN_DETAIL

OPERATIONS = ("*", "CONNECT", "CREATE", "DELETE", "UPDATE")
REVIEWS = "v1"
FORM = "; desired format: https://host[/path]"
CHOICES = {
    "failurePolicy": ["Fail", "Ignore"],
    "matchPolicy": ["Equivalent", "Exact"],
    "reinvocationPolicy": ["IfNeeded", "Never"],
}


def _fill(document: Document) -> None:
    for hook in document.get("webhooks") or []:
        hook.setdefault("failurePolicy", "Fail")
        hook.setdefault("matchPolicy", "Equivalent")
        hook.setdefault("namespaceSelector", {})
        hook.setdefault("objectSelector", {})
        hook.setdefault("timeoutSeconds", 10)
        if document["kind"].startswith("Mutating"):
            hook.setdefault("reinvocationPolicy", "Never")
        for rule in hook.get("rules") or []:
            rule.setdefault("scope", "*")
        service = (hook.get("clientConfig") or {}).get("service")
        if service is not None:
            service.setdefault("port", 443)


def _causes(new: Document, old: Document | None) -> list[Cause]:
    causes: list[Cause] = []
    names: set[str] = set()
    for index, hook in enumerate(new.get("webhooks") or []):
        place = f"webhooks[{index}]"
        causes += _hook_causes(hook, place)
        name = hook.get("name", "")
        if name and name in names:
            causes.append(Cause(f"{place}.name", "FieldValueDuplicate", f'Duplicate value: "{name}"'))
        names.add(name)
    return causes


def _hook_causes(hook: dict[str, Any], place: str) -> list[Cause]:
    causes = _name_causes(hook.get("name", ""), f"{place}.name")
    for number, rule in enumerate(hook.get("rules") or []):
        causes += _rule_causes(rule, f"{place}.rules[{number}]")
    causes += [
        unsupported(f"{place}.{key}", hook[key], allowed)
        for key, allowed in CHOICES.items()
        if key in hook and hook[key] not in allowed
    ]
    effects = hook.get("sideEffects")
    if effects is None:
        causes.append(missing(f"{place}.sideEffects", "must specify one of None, NoneOnDryRun"))
    elif effects not in ("None", "NoneOnDryRun"):
        causes.append(unsupported(f"{place}.sideEffects", effects, ["None", "NoneOnDryRun"]))
    if not 1 <= hook.get("timeoutSeconds", 10) <= 30:
        detail = "the timeout value must be between 1 and 30 seconds"
        causes.append(wrong(f"{place}.timeoutSeconds", hook["timeoutSeconds"], detail))
    causes += _client_causes(hook.get("clientConfig") or {}, f"{place}.clientConfig")
    causes += condition_causes(hook.get("matchConditions") or [], f"{place}.matchConditions")
    return causes + _version_causes(hook.get("admissionReviewVersions") or [], place)


def _name_causes(name: str, place: str) -> list[Cause]:
    if not name:
        return [missing(place)]
    if not SUBDOMAIN.fullmatch(name):
        return [wrong(place, name, SUBDOMAIN_DETAIL)]
    if name.count(".") < 2:
        return [wrong(place, name, "should be a domain with at least three segments separated by dots")]
    return []


def _version_causes(versions: list[str], place: str) -> list[Cause]:
    field = f"{place}.admissionReviewVersions"
    if not versions:
        return [missing(field, "must specify one of v1, v1beta1")]
    if REVIEWS not in versions:
        return [wrong(field, versions, "must include v1, the only version that the simulator speaks")]
    return []


def _rule_causes(rule: dict[str, Any], place: str) -> list[Cause]:
    operations = rule.get("operations") or []
    causes = [] if operations else [missing(f"{place}.operations")]
    if len(operations) > 1 and "*" in operations:
        detail = "if '*' is present, must not specify other operations"
        causes.append(wrong(f"{place}.operations", operations, detail))
    causes += [
        unsupported(f"{place}.operations[{number}]", name, list(OPERATIONS))
        for number, name in enumerate(operations)
        if name not in OPERATIONS
    ]
    for key, words in (("apiGroups", "API groups"), ("apiVersions", "API versions")):
        listed = rule.get(key) or []
        if not listed:
            causes.append(missing(f"{place}.{key}"))
        elif len(listed) > 1 and "*" in listed:
            detail = f"if '*' is present, must not specify other {words}"
            causes.append(wrong(f"{place}.{key}", listed, detail))
    if not rule.get("resources"):
        causes.append(missing(f"{place}.resources"))
    if rule.get("scope", "*") not in ("*", "Cluster", "Namespaced"):
        causes.append(unsupported(f"{place}.scope", rule["scope"], ["*", "Cluster", "Namespaced"]))
    return causes


def _client_causes(config: dict[str, Any], place: str) -> list[Cause]:
    url, service = config.get("url"), config.get("service")
    if (url is None) == (service is None):
        return [missing(place, "exactly one of url or service is required")]
    if url is not None:
        return _url_causes(url, f"{place}.url")
    named = service or {}
    return [missing(f"{place}.service.{key}") for key in ("name", "namespace") if not named.get(key)]


def _url_causes(url: str, place: str) -> list[Cause]:
    try:
        parts = urlsplit(url)
    except ValueError as error:
        return [missing(place, f"url must be a valid URL: {error}{FORM}")]
    causes = []
    if parts.scheme != "https":
        causes.append(wrong(place, parts.scheme, f"'https' is the only allowed URL scheme{FORM}"))
    if not parts.netloc:
        causes.append(wrong(place, parts.netloc, f"host must be specified{FORM}"))
    if "@" in parts.netloc:
        user = parts.netloc.rpartition("@")[0]
        causes.append(wrong(place, user, "user information is not permitted in the URL"))
    if parts.fragment:
        causes.append(wrong(place, parts.fragment, "fragments are not permitted in the URL"))
    if parts.query:
        causes.append(wrong(place, parts.query, "query parameters are not permitted in the URL"))
    return causes


RULES = KindRules(has_generation=True, needs_version_on_update=True, fill=_fill, causes=_causes)
