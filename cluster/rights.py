"""The product's service accounts and roles (deploy/rbac), put into a cluster by whoever may."""

from pathlib import Path

import yaml

from cluster.client import ClusterClient
from cluster.documents import Document
from cluster.kinds import kind_named

FOLDER = Path(__file__).resolve().parents[1] / "deploy" / "rbac"
NAMESPACE = "runai"
FIELD_MANAGER = "runai-portal"


def documents() -> list[Document]:
    """All objects of deploy/rbac by file name, which is the order of `kubectl apply -f` too."""
    files = sorted(FOLDER.glob("*.yaml"))
    return [document for path in files for document in yaml.safe_load_all(path.read_text()) if document]


def install(client: ClusterClient) -> None:
    """Apply them; rights that a former version had and this one has not are taken away."""
    for document in documents():
        kind = kind_named(document["apiVersion"], document["kind"])
        if kind is None:
            raise ValueError(f"deploy/rbac: {document['kind']} is no kind that is known here")
        client.apply(kind, document, field_manager=FIELD_MANAGER, force=True)
