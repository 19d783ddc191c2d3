"""Rules of metadata: names, labels, annotations, owner references."""

import re
from typing import Any

from cluster.simulator.problems import Cause, forbidden_field, missing, wrong

SUBDOMAIN = re.compile(r"[a-z0-9]([-a-z0-9]*[a-z0-9])?(\.[a-z0-9]([-a-z0-9]*[a-z0-9])?)*")
LABEL = re.compile(r"[a-z0-9]([-a-z0-9]*[a-z0-9])?")
QUALIFIED = re.compile(r"([A-Za-z0-9][-A-Za-z0-9_.]*)?[A-Za-z0-9]")
LABEL_VALUE = re.compile(r"(([A-Za-z0-9][-A-Za-z0-9_.]*)?[A-Za-z0-9])?")
LONGEST_ANNOTATIONS = 256 * 1024

SUBDOMAIN_DETAIL = (
    "a lowercase RFC 1123 subdomain must consist of lower case alphanumeric characters, '-' or '.', and must start and end with an"
    " alphanumeric character (e.g. 'example.com', regex used for validation is"
    " '[a-z0-9]([-a-z0-9]*[a-z0-9])?(\\.[a-z0-9]([-a-z0-9]*[a-z0-9])?)*')"
)
LABEL_DETAIL = (
    "a lowercase RFC 1123 label must consist of lower case alphanumeric characters or '-', and must start and end with an"
    " alphanumeric character (e.g. 'my-name',  or '123-abc', regex used for validation is '[a-z0-9]([-a-z0-9]*[a-z0-9])?')"
)
VALUE_DETAIL = (
    "a valid label must be an empty string or consist of alphanumeric characters, '-', '_' or '.', and must start and end with an"
    " alphanumeric character (e.g. 'MyValue',  or 'my_value',  or '12345', regex used for validation is"
    " '(([A-Za-z0-9][-A-Za-z0-9_.]*)?[A-Za-z0-9])?')"
)
KEY_DETAIL = (
    "name part must consist of alphanumeric characters, '-', '_' or '.', and must start and end with an alphanumeric character"
    " (e.g. 'MyName',  or 'my.name',  or '123-abc', regex used for validation is '([A-Za-z0-9][-A-Za-z0-9_.]*)?[A-Za-z0-9]')"
)
LABEL_NAMED = frozenset({"namespaces", "services"})
FREE_NAMED_GROUP = "rbac.authorization.k8s.io"


def metadata_causes(metadata: dict[str, Any], storage: str) -> list[Cause]:
    """Every broken rule of an object's metadata."""
    causes = _name_causes(metadata.get("name", ""), storage)
    causes += _label_causes(metadata.get("labels") or {}, "metadata.labels")
    annotations = metadata.get("annotations") or {}
    for key in annotations:
        causes += qualified_name_causes(key.lower(), "metadata.annotations", key)
    size = sum(len(key) + len(value) for key, value in annotations.items() if isinstance(value, str))
    if size > LONGEST_ANNOTATIONS:
        causes.append(
            Cause(
                "metadata.annotations",
                "FieldValueTooLong",
                f"Too long: may not be more than {LONGEST_ANNOTATIONS} bytes",
            )
        )
    causes += _owner_causes(metadata.get("ownerReferences") or [])
    return causes


def _name_causes(name: str, storage: str) -> list[Cause]:
    place = "metadata.name"
    if not name:
        return [missing(place, "name or generateName is required")]
    if storage.endswith(FREE_NAMED_GROUP):
        bad = name in (".", "..") or "/" in name or "%" in name
        return [wrong(place, name, "may not contain '/' or '%'")] if bad else []
    if storage in LABEL_NAMED:
        return [] if len(name) <= 63 and LABEL.fullmatch(name) else [wrong(place, name, LABEL_DETAIL)]
    if len(name) > 253:
        return [wrong(place, name, "must be no more than 253 characters")]
    return [] if SUBDOMAIN.fullmatch(name) else [wrong(place, name, SUBDOMAIN_DETAIL)]


def _label_causes(labels: dict[str, Any], place: str) -> list[Cause]:
    causes: list[Cause] = []
    for key, value in labels.items():
        causes += qualified_name_causes(key, place, key)
        if len(value) > 63:
            causes.append(wrong(place, value, "must be no more than 63 characters"))
        elif not LABEL_VALUE.fullmatch(value):
            causes.append(wrong(place, value, VALUE_DETAIL))
    return causes


def qualified_name_causes(key: str, place: str, shown: str) -> list[Cause]:
    """Of a name that may have a domain before it, as labels' keys have."""
    prefix, slash, name = key.rpartition("/")
    if slash and (not prefix or len(prefix) > 253 or not SUBDOMAIN.fullmatch(prefix)):
        return [wrong(place, shown, f"prefix part {SUBDOMAIN_DETAIL}")]
    if len(name) > 63:
        return [wrong(place, shown, "name part must be no more than 63 characters")]
    if not QUALIFIED.fullmatch(name):
        return [wrong(place, shown, KEY_DETAIL)]
    return []


def _owner_causes(owners: list[dict[str, Any]]) -> list[Cause]:
    causes = []
    controllers = 0
    for index, owner in enumerate(owners):
        place = f"metadata.ownerReferences[{index}]"
        causes += [
            missing(f"{place}.{key}", "must not be empty")
            for key in ("apiVersion", "kind", "name", "uid")
            if not owner.get(key)
        ]
        controllers += bool(owner.get("controller"))
    if controllers > 1:
        causes.append(
            wrong("metadata.ownerReferences", owners, "Only one reference can have Controller set to true")
        )
    return causes


IMMUTABLE = ("uid", "creationTimestamp")


def changed_metadata_causes(new: dict[str, Any], old: dict[str, Any]) -> list[Cause]:
    """What may not change between two versions; absent server-set fields were filled in before."""
    causes = [
        wrong(f"metadata.{key}", new.get(key), "field is immutable")
        for key in IMMUTABLE
        if new.get(key) != old.get(key)
    ]
    if old.get("deletionTimestamp"):
        added = [entry for entry in new.get("finalizers", []) if entry not in old.get("finalizers", [])]
        if added:
            listed = ",".join(f'"{entry}"' for entry in added)
            causes.append(
                forbidden_field(
                    "metadata.finalizers",
                    f"no new finalizers can be added if the object is being deleted, found new finalizers []string{{{listed}}}",
                )
            )
    return causes
