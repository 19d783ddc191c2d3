"""What a pod is given because of its service account: the account must exist; its token is mounted unless someone said no."""

import hashlib
from typing import Any

from cluster.simulator.kinds.rules import Document, Surroundings
from cluster.simulator.problems import forbidden

TOKEN_FOLDER = "/var/run/secrets/kubernetes.io/serviceaccount"  # noqa: S105  (a path)
VOLUME_PREFIX = "kube-api-access-"
_LETTERS = "bcdfghjklmnpqrstvwxz2456789"


def admit_account(document: Document, around: Surroundings) -> None:
    """A second time only what is missing then. Changes fresh parts in place."""
    spec, metadata = document["spec"], document["metadata"]
    if "serviceAccountName" not in spec:
        spec["serviceAccountName"] = spec["serviceAccount"] = "default"
    name, namespace = spec["serviceAccountName"], metadata.get("namespace", "")
    found = around.store.get("serviceaccounts", namespace, name)
    if found is None:
        detail = f'error looking up service account {namespace}/{name}: serviceaccount "{name}" not found'
        raise forbidden("pods", "", metadata.get("name", ""), detail)
    account = found.document
    if not spec.get("imagePullSecrets") and account.get("imagePullSecrets"):
        spec["imagePullSecrets"] = [dict(one) for one in account["imagePullSecrets"]]
    if spec.get("automountServiceAccountToken", account.get("automountServiceAccountToken", True)):
        _mount_token(spec, metadata)


def _mount_token(spec: dict[str, Any], metadata: dict[str, Any]) -> None:
    volumes = spec.get("volumes") or []
    present = next((one["name"] for one in volumes if str(one.get("name")).startswith(VOLUME_PREFIX)), None)
    name = present or VOLUME_PREFIX + _suffix(metadata)
    mount = {"mountPath": TOKEN_FOLDER, "name": name, "readOnly": True}
    needed = False
    for listed in ("initContainers", "containers"):
        if listed not in spec:
            continue
        containers = []
        for container in spec[listed]:
            mounts = container.get("volumeMounts") or []
            if not any(one.get("mountPath") == TOKEN_FOLDER for one in mounts):
                container = {**container, "volumeMounts": [*mounts, mount]}
                needed = True
            containers.append(container)
        spec[listed] = containers
    if needed and present is None:
        spec["volumes"] = [*volumes, _volume(name)]


def _suffix(metadata: dict[str, Any]) -> str:
    """The same each time one request is looked at; two pods may share it."""
    text = f"{metadata.get('namespace')}/{metadata.get('name') or metadata.get('generateName')}"
    return "".join(_LETTERS[byte % len(_LETTERS)] for byte in hashlib.sha256(text.encode()).digest()[:5])


def _volume(name: str) -> dict[str, Any]:
    namespace = {"apiVersion": "v1", "fieldPath": "metadata.namespace"}
    sources = [
        {"serviceAccountToken": {"expirationSeconds": 3607, "path": "token"}},
        {"configMap": {"items": [{"key": "ca.crt", "path": "ca.crt"}], "name": "kube-root-ca.crt"}},
        {"downwardAPI": {"items": [{"fieldRef": namespace, "path": "namespace"}]}},
    ]
    return {"name": name, "projected": {"defaultMode": 420, "sources": sources}}
