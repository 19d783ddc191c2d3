"""Events live once and are read in two dialects: core/v1 and events.k8s.io/v1; stored as core/v1."""

from cluster.simulator.kinds.rules import Document, KindRules

NEWER_NAMES = {
    "involvedObject": "regarding",
    "message": "note",
    "source": "deprecatedSource",
    "firstTimestamp": "deprecatedFirstTimestamp",
    "lastTimestamp": "deprecatedLastTimestamp",
    "count": "deprecatedCount",
    "reportingComponent": "reportingController",
}
CORE_NAMES = {newer: core for core, newer in NEWER_NAMES.items()}


def to_core(document: Document) -> Document:
    """An event of either dialect as core/v1."""
    if document.get("apiVersion") == "v1":
        return document
    renamed = {CORE_NAMES.get(key, key): value for key, value in document.items()}
    renamed.setdefault("involvedObject", {})
    return {**renamed, "apiVersion": "v1", "kind": "Event", "source": renamed.get("source", {})}


def to_newer(document: Document) -> Document:
    """A stored event as events.k8s.io/v1."""
    renamed = {NEWER_NAMES.get(key, key): value for key, value in document.items()}
    return {**renamed, "apiVersion": "events.k8s.io/v1"}


RULES = KindRules(creates_on_update=True)
