"""The custom resource definitions of deploy/crds, put into a cluster by whoever sets it up."""

from pathlib import Path
from typing import Any

import yaml

from cluster.client import ClusterClient
from cluster.custom_resources import install_definitions

FOLDER = Path(__file__).resolve().parents[1] / "deploy" / "crds"


def definitions() -> list[dict[str, Any]]:
    """All of them, by file name."""
    return [yaml.safe_load(path.read_text()) for path in sorted(FOLDER.glob("*.yaml"))]


def ensure_crds(client: ClusterClient) -> None:
    """Install or update them and wait until they are served; raises ClusterUnavailable when one is not in time."""
    install_definitions(client, definitions())
