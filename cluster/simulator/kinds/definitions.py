"""CustomResourceDefinitions: names are checked, and a new definition is at once accepted and established."""

from typing import Any

from cluster.clock import now
from cluster.simulator.kinds.definition_rules import rule_causes
from cluster.simulator.kinds.rules import Document, KindRules, Surroundings
from cluster.simulator.problems import Cause, missing, unsupported, wrong

CLEANUP_FINALIZER = "customresourcecleanup.apiextensions.k8s.io"


def _fill_names(document: Document) -> None:
    names = document["spec"].setdefault("names", {})
    kind = names.get("kind", "")
    if kind:
        names.setdefault("singular", kind.lower())
        names.setdefault("listKind", f"{kind}List")
    document["spec"].setdefault("conversion", {"strategy": "None"})


def _on_create(document: Document, around: Surroundings) -> None:
    stored = [version["name"] for version in document["spec"].get("versions", []) if version.get("storage")]
    document["status"] = {
        "conditions": None,
        "acceptedNames": {"plural": "", "kind": ""},
        "storedVersions": stored,
    }
    document["status"].pop("conditions")


def _on_update(new: Document, old: Document, around: Surroundings) -> None:
    before = old.get("status", {}).get("storedVersions", [])
    storing = [version["name"] for version in new["spec"].get("versions", []) if version.get("storage")]
    status = new.get("status") or old.get("status") or {}
    new["status"] = {**status, "storedVersions": [*before, *(name for name in storing if name not in before)]}


def established(document: Document, around: Surroundings) -> Document:
    """The definition as the server's own controller leaves it: names accepted when free, then established."""
    moment = now().strftime("%Y-%m-%dT%H:%M:%SZ")
    spec, names = document["spec"], document["spec"]["names"]
    taken = _taken(document, around)
    conditions: list[dict[str, Any]] = []

    def condition(kind: str, status: str, reason: str, message: str) -> None:
        conditions.append(
            {
                "type": kind,
                "status": status,
                "lastTransitionTime": moment,
                "reason": reason,
                "message": message,
            }
        )

    if taken:
        condition("NamesAccepted", "False", f"{taken}Conflict", f"{taken} is already in use")
        condition("Established", "False", "NotAccepted", "not all names are accepted")
        accepted = {"plural": "", "kind": ""}
    else:
        condition("NamesAccepted", "True", "NoConflicts", "no conflicts found")
        condition("Established", "True", "InitialNamesAccepted", "the initial names have been accepted")
        accepted = {
            key: names[key]
            for key in ("plural", "singular", "shortNames", "kind", "listKind", "categories")
            if key in names
        }
    stored = document.get("status", {}).get("storedVersions") or [
        v["name"] for v in spec["versions"] if v.get("storage")
    ]
    return {
        **document,
        "status": {"conditions": conditions, "acceptedNames": accepted, "storedVersions": stored},
    }


def _taken(document: Document, around: Surroundings) -> str:
    spec, own = document["spec"], document["metadata"]["name"]
    for resource in around.registry:
        if resource.group == spec["group"] and resource.storage != own:
            if resource.plural == spec["names"]["plural"]:
                return "Plural"
            if resource.kind == spec["names"]["kind"]:
                return "Kind"
    return ""


def is_established(document: Document) -> bool:
    conditions = document.get("status", {}).get("conditions", [])
    return any(c["type"] == "Established" and c["status"] == "True" for c in conditions)


def _causes(new: Document, old: Document | None) -> list[Cause]:
    spec = new.get("spec", {})
    names = spec.get("names", {})
    causes = [missing(f"spec.{key}") for key in ("group", "scope") if not spec.get(key)]
    causes += [missing(f"spec.names.{key}") for key in ("plural", "kind") if not names.get(key)]
    if spec.get("scope") and spec["scope"] not in ("Cluster", "Namespaced"):
        causes.append(unsupported("spec.scope", spec["scope"], ["Cluster", "Namespaced"]))
    wanted = f"{names.get('plural')}.{spec.get('group')}"
    if new["metadata"]["name"] != wanted:
        detail = 'must be spec.names.plural+"."+spec.group'
        causes.append(wrong("metadata.name", new["metadata"]["name"], detail))
    versions = spec.get("versions", [])
    if sum(bool(version.get("storage")) for version in versions) != 1:
        causes.append(
            wrong(
                "spec.versions",
                [v.get("name") for v in versions],
                "must have exactly one version marked as storage version",
            )
        )
    for index, version in enumerate(versions):
        if not (version.get("schema") or {}).get("openAPIV3Schema"):
            causes.append(missing(f"spec.versions[{index}].schema.openAPIV3Schema"))
    causes += rule_causes(versions)
    if old is not None:
        causes += _immutable(spec, old["spec"])
    return causes


def _immutable(spec: Document, before: Document) -> list[Cause]:
    pairs = [("spec.group", "group"), ("spec.scope", "scope")]
    causes = [
        wrong(path, spec.get(key), "field is immutable")
        for path, key in pairs
        if spec.get(key) != before.get(key)
    ]
    for key in ("plural", "kind"):
        name = spec["names"].get(key)
        causes += (
            []
            if name == before["names"].get(key)
            else [wrong(f"spec.names.{key}", name, "field is immutable")]
        )
    return causes


RULES = KindRules(
    has_generation=True,
    fill=_fill_names,
    needs_version_on_update=True,
    on_create=_on_create,
    on_update=_on_update,
    causes=_causes,
    delete_finalizers=(CLEANUP_FINALIZER,),
)
