"""What a control plane reads and writes in its folder: keys, tokens, the way to nodes, the audit policy, the kubeconfig."""

import base64
import hashlib
import os
import secrets
import tempfile
from pathlib import Path

import yaml
from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric import rsa

AUDITED_GROUP = "system:serviceaccounts:runai"
"""The product's own accounts (deploy/rbac): what they ask for is written down, nobody else's requests are."""
_LONGEST_SOCKET_PATH = 108


def tunnel_path(folder: Path) -> Path:
    """In the data folder; for a long path in a private folder of the temporary one, the same at each start."""
    path = folder / "kubelets.sock"
    if len(os.fsencode(path)) < _LONGEST_SOCKET_PATH:
        return path
    digest = hashlib.sha256(os.fsencode(folder)).hexdigest()[:16]
    private = Path(tempfile.gettempdir()) / f"runai-{os.getuid()}-{digest}"
    private.mkdir(mode=0o700, exist_ok=True)
    if private.is_symlink() or private.stat().st_uid != os.getuid():
        raise PermissionError(f"{private} belongs to somebody else; choose a data folder with a shorter path")
    return private / "kubelets.sock"


def write_egress(folder: Path, tunnel: Path) -> Path:
    """The API server reaches nodes and pods through the tunnel."""
    transport = {"uds": {"udsName": str(tunnel)}}
    document = {
        "apiVersion": "apiserver.k8s.io/v1beta1",
        "kind": "EgressSelectorConfiguration",
        "egressSelections": [
            {"name": "cluster", "connection": {"proxyProtocol": "HTTPConnect", "transport": transport}}
        ],
    }
    path = folder / "egress.yaml"
    path.write_text(yaml.safe_dump(document))
    return path


def write_audit_policy(folder: Path) -> Path:
    """Who of the product asked for what, without contents."""
    document = {
        "apiVersion": "audit.k8s.io/v1",
        "kind": "Policy",
        "omitStages": ["RequestReceived"],
        "rules": [{"level": "Metadata", "userGroups": [AUDITED_GROUP]}, {"level": "None"}],
    }
    path = folder / "audit-policy.yaml"
    path.write_text(yaml.safe_dump(document))
    return path


def service_account_keys(folder: Path) -> tuple[Path, Path]:
    """(private, public) with which tokens of service accounts are signed and checked; made once."""
    key, public = folder / "service-accounts.key", folder / "service-accounts.pub"
    if not public.exists():
        pair = rsa.generate_private_key(public_exponent=65537, key_size=2048)
        key.touch(mode=0o600)
        key.write_bytes(
            pair.private_bytes(
                serialization.Encoding.PEM,
                serialization.PrivateFormat.PKCS8,
                serialization.NoEncryption(),
            )
        )
        public.write_bytes(
            pair.public_key().public_bytes(
                serialization.Encoding.PEM, serialization.PublicFormat.SubjectPublicKeyInfo
            )
        )
    return key, public


def administrator_token(folder: Path) -> str:
    """Made once, into the token table."""
    path = folder / "tokens.csv"
    if not path.exists():
        path.touch(mode=0o600)
        path.write_text(f'{secrets.token_hex(24)},admin,admin,"system:masters"\n')
    return path.read_text().partition(",")[0]


def write_kubeconfig(path: Path, url: str, authority: bytes, token: str) -> None:
    """A kubeconfig that its owner alone may read; one that says the same already is left as it is."""
    document = {
        "apiVersion": "v1",
        "kind": "Config",
        "clusters": [
            {
                "name": "control-plane",
                "cluster": {
                    "server": url,
                    "certificate-authority-data": base64.b64encode(authority).decode(),
                },
            }
        ],
        "users": [{"name": "admin", "user": {"token": token}}],
        "contexts": [{"name": "control-plane", "context": {"cluster": "control-plane", "user": "admin"}}],
        "current-context": "control-plane",
    }
    text = yaml.safe_dump(document, sort_keys=False)
    if path.exists() and path.read_text() == text:
        return  # clients look at its time to know whether to connect anew
    path.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
    unfinished = path.with_name(f".{path.name}")
    unfinished.touch(mode=0o600)
    unfinished.write_text(text)
    unfinished.replace(path)  # whoever waits for the file finds it whole
