"""Custom resource definitions: put into the cluster, and waited for until they can be used."""

import time
from collections.abc import Mapping, Sequence
from typing import Any

from cluster.client import ClusterClient
from cluster.documents import Document, condition_of, name_of
from cluster.errors import ClusterUnavailable, NotFound
from cluster.kinds import CRDS

FIELD_MANAGER = "runai-portal"


def install_definitions(
    client: ClusterClient, definitions: Sequence[Mapping[str, Any]], *, timeout_seconds: float = 30
) -> None:
    """Apply the definitions (server-side) and wait until each is served; raises ClusterUnavailable naming one that is not."""
    for definition in definitions:
        client.apply(CRDS, definition, field_manager=FIELD_MANAGER, force=True)
    give_up_at = time.monotonic() + timeout_seconds
    for definition in definitions:
        _wait_until_served(client, name_of(definition), give_up_at)


def is_served(definition: Document) -> bool:
    """Whether objects of the definition can be written: Established, and its names accepted."""
    return all(
        (condition := condition_of(definition, kind)) is not None and condition["status"] == "True"
        for kind in ("NamesAccepted", "Established")
    )


def is_installed(client: ClusterClient, name: str) -> bool:
    """Whether that definition (plural.group) is there and served."""
    try:
        return is_served(client.get(CRDS, name))
    except NotFound:
        return False


def _wait_until_served(client: ClusterClient, name: str, give_up_at: float) -> None:
    while not is_installed(client, name):
        if time.monotonic() > give_up_at:
            raise ClusterUnavailable(
                f"custom resource definition {name} is not served yet", reason="NotEstablished"
            )
        time.sleep(0.05)
