"""Secrets: `stringData` is written and never read; it becomes `data`."""

import base64
import binascii

from cluster.simulator.kinds.rules import Document, KindRules
from cluster.simulator.problems import Cause, missing, wrong

IMMUTABLE_DETAIL = "field is immutable when `immutable` is set"
NEEDED = {
    "kubernetes.io/dockerconfigjson": [".dockerconfigjson"],
    "kubernetes.io/dockercfg": [".dockercfg"],
    "kubernetes.io/tls": ["tls.crt", "tls.key"],
    "kubernetes.io/ssh-auth": ["ssh-privatekey"],
}
LARGEST_BYTES = 1024 * 1024


def _fill(document: Document) -> None:
    written = document.pop("stringData", None)
    if written:
        encoded = {key: base64.b64encode(value.encode()).decode() for key, value in written.items()}
        document["data"] = {**document.get("data", {}), **encoded}


def _causes(new: Document, old: Document | None) -> list[Cause]:
    data = new.get("data") or {}
    kind = new.get("type", "Opaque")
    causes = [missing(f"data[{key}]") for key in NEEDED.get(kind, []) if key not in data]
    size = 0
    for key, value in data.items():
        try:
            size += len(base64.b64decode(value, validate=True))
        except (binascii.Error, ValueError):
            causes.append(wrong(f"data[{key}]", value, "must be base64"))
    if size > LARGEST_BYTES:
        causes.append(
            Cause("data", "FieldValueTooLong", f"Too long: may not be more than {LARGEST_BYTES} bytes")
        )
    if old is not None:
        if old.get("type", "Opaque") != kind:
            causes.append(wrong("type", kind, "field is immutable"))
        if old.get("immutable") and data != (old.get("data") or {}):
            causes.append(Cause("data", "FieldValueForbidden", f"Forbidden: {IMMUTABLE_DETAIL}"))
    return causes


RULES = KindRules(fill=_fill, causes=_causes)
