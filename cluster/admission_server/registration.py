"""Tells the API server of the webhooks: deploy/admission with our address and the CA it should trust."""

import base64
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import yaml

from cluster.client import ClusterClient
from cluster.documents import Document, name_of
from cluster.errors import NotFound
from cluster.kinds import MUTATING_WEBHOOKS, VALIDATING_WEBHOOKS, Kind

FOLDER = Path(__file__).resolve().parents[2] / "deploy" / "admission"
FIELD_MANAGER = "runai-admission"
FILES: tuple[tuple[Kind, str], ...] = (
    (VALIDATING_WEBHOOKS, "validating.yaml"),  # first: what is not mutated is refused, never let through
    (MUTATING_WEBHOOKS, "mutating.yaml"),
)


@dataclass(frozen=True)
class Address:
    """Where the API server finds us: `url` (https://127.0.0.1:9443) outside the cluster, else our Service."""

    url: str = ""
    namespace: str = "runai"
    service: str = "runai-admission"
    port: int = 443

    def client_config(self, path: str, bundle: bytes) -> dict[str, Any]:
        trusted = {"caBundle": base64.b64encode(bundle).decode()}
        if self.url:
            return {"url": f"{self.url}{path}", **trusted}
        service = {"namespace": self.namespace, "name": self.service, "path": path, "port": self.port}
        return {"service": service, **trusted}


def configurations(address: Address, bundle: bytes) -> list[tuple[Kind, Document]]:
    """The two objects, in the order in which they are written."""
    found: list[tuple[Kind, Document]] = []
    for kind, file in FILES:
        document: Document = yaml.safe_load((FOLDER / file).read_text())
        for webhook in document["webhooks"]:
            path = str(webhook["clientConfig"]["service"]["path"])
            webhook["clientConfig"] = address.client_config(path, bundle)
        found.append((kind, document))
    return found


def register(client: ClusterClient, address: Address, bundle: bytes) -> None:
    """Write both, also over what someone has changed in them; nothing changes when they are in order."""
    for kind, document in configurations(address, bundle):
        client.apply(kind, document, field_manager=FIELD_MANAGER, force=True)


def unregister(client: ClusterClient) -> None:
    """Take both away, the refusing half last; from then on the API server does not ask us."""
    for kind, document in reversed(configurations(Address(), b"")):
        try:
            client.delete(kind, name_of(document))
        except NotFound:
            continue
