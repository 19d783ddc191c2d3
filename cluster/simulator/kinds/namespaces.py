"""Namespaces: kept by the finalizer `kubernetes` until their contents are gone."""

from cluster.simulator.kinds.rules import Document, KindRules, Surroundings
from cluster.simulator.problems import Cause, Problem, forbidden

NAME_LABEL = "kubernetes.io/metadata.name"
FINALIZER = "kubernetes"


def _fill(document: Document) -> None:
    metadata = document["metadata"]
    metadata["labels"] = {**metadata.get("labels", {}), NAME_LABEL: metadata["name"]}


def _on_create(document: Document, around: Surroundings) -> None:
    document["spec"] = {"finalizers": [FINALIZER]}
    document["status"] = {"phase": "Active"}


def _on_update(new: Document, old: Document, around: Surroundings) -> None:
    new["spec"] = old.get("spec", {})
    metadata = new["metadata"]
    metadata["labels"] = {**metadata.get("labels", {}), NAME_LABEL: metadata["name"]}


def terminating(document: Document) -> Document:
    """The same namespace, on its way out."""
    return {**document, "status": {**document.get("status", {}), "phase": "Terminating"}}


def refuse_terminating(namespace: str, plural: str, group: str, name: str) -> Problem:
    """What a create in a namespace that is being deleted is told."""
    detail = f"unable to create new content in namespace {namespace} because it is being terminated"
    cause = Cause("metadata.namespace", "NamespaceTerminating", f"namespace {namespace} is being terminated")
    return forbidden(plural, group, name, detail, [cause])


RULES = KindRules(fill=_fill, on_create=_on_create, on_update=_on_update, returns_deleted=True)
