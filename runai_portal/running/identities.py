"""Who each part is in a cluster of our own: a service account with the rights of deploy/rbac and a token that is renewed."""

import base64
import time
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import yaml

from cluster import rights
from cluster.client import ClusterClient
from cluster.connection import connect_with_token
from workloads.definitions import ensure_crds

ACCOUNTS: Mapping[str, Sequence[str]] = {
    "scheduler": ("scheduler",),
    "worker": ("controller", "collectors"),
    "admission": ("admission",),
}
"""Part -> its accounts: a context each in its kubeconfig, the first one current. Web and beat have none."""
TOKEN_SECONDS = 3600
RENEW_SECONDS = 1200
"""Real time, by the wall clock: a computer that slept renews as soon as it wakes."""


class Identities:
    """Kubeconfigs and tokens in `folder`; `administrator` is the kubeconfig of the cluster we run ourselves."""

    def __init__(self, administrator: Path, folder: Path) -> None:
        self._administrator = administrator
        self._folder = folder
        self._renewed_at = 0.0

    def prepare(self) -> None:
        """Accounts, rights, custom resource definitions, tokens, kubeconfigs. Raises ClusterError, OSError."""
        client = self._client()
        try:
            rights.install(client)
            ensure_crds(client)
            self._write_tokens(client)
        finally:
            client.close()
        for part in ACCOUNTS:
            self._write_kubeconfig(part)

    def renew_if_due(self) -> None:
        """New tokens long before the old ones run out; clients read the file again when theirs has (401)."""
        if 0 <= time.time() - self._renewed_at < RENEW_SECONDS:
            return
        client = self._client()
        try:
            self._write_tokens(client)
        finally:
            client.close()

    def _client(self) -> ClusterClient:
        """The administrator's, without the official library: it would stay in the memory of `up` for nothing."""
        document = yaml.safe_load(self._administrator.read_text())
        cluster, user = document["clusters"][0]["cluster"], document["users"][0]["user"]
        self._folder.mkdir(parents=True, exist_ok=True, mode=0o700)
        authority = self._folder / "ca.crt"
        authority.write_bytes(base64.b64decode(cluster["certificate-authority-data"]))
        connection = connect_with_token(cluster["server"], user["token"], ca_file=authority)
        return ClusterClient(connection, user_agent="runai-portal-up")

    def _write_tokens(self, client: ClusterClient) -> None:
        for accounts in ACCOUNTS.values():
            for account in accounts:
                token = client.request_token(rights.NAMESPACE, account, seconds=TOKEN_SECONDS)
                _write_private(self._folder / f"{account}.token", token)
        self._renewed_at = time.time()

    def _write_kubeconfig(self, part: str) -> None:
        server = yaml.safe_load(self._administrator.read_text())["clusters"][0]["cluster"]["server"]
        cluster = {"server": server, "certificate-authority": "ca.crt"}
        document = kubeconfig_of(cluster, ACCOUNTS[part])
        _write_private(kubeconfig_path(self._folder, part), yaml.safe_dump(document, sort_keys=False))


def kubeconfig_path(folder: Path, part: str) -> Path:
    return folder / f"{part}.kubeconfig"


def kubeconfig_of(cluster: Mapping[str, str], accounts: Sequence[str]) -> dict[str, Any]:
    """One context for each account; tokens stand in files beside it, so that they can be renewed."""
    return {
        "apiVersion": "v1",
        "kind": "Config",
        "clusters": [{"name": "cluster", "cluster": dict(cluster)}],
        "users": [{"name": name, "user": {"tokenFile": f"{name}.token"}} for name in accounts],
        "contexts": [{"name": name, "context": {"cluster": "cluster", "user": name}} for name in accounts],
        "current-context": accounts[0],
    }


def _write_private(path: Path, text: str) -> None:
    """Whole or not at all; readable by its owner only; left alone when it says so already."""
    if path.exists() and path.read_text() == text:
        return
    unfinished = path.with_name(f".{path.name}")
    unfinished.touch(mode=0o600)
    unfinished.write_text(text)
    unfinished.replace(path)
