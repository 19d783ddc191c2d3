"""Starts etcd, kube-apiserver and, if wanted, kube-controller-manager on free ports, and stops them cleanly."""

import base64
import ctypes
import logging
import os
import secrets
import shutil
import signal
import socket
import ssl
import subprocess
import tempfile
import time
import urllib.error
import urllib.request
from pathlib import Path
from types import TracebackType
from typing import Self

import yaml
from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric import rsa

from cluster.control_plane.building import build

logger = logging.getLogger(__name__)

ADDRESS = "127.0.0.1"
START_SECONDS = 90.0
STOP_SECONDS = 5.0
"""Then it is killed: the API server would wait a minute for open watches, and what it has answered is in etcd."""
_PR_SET_PDEATHSIG = 1
_LONGEST_SOCKET_PATH = 108


class DidNotStart(Exception):
    """A part ended or did not answer in time; the message has the end of its log."""


class ControlPlane:
    """One control plane with its data in `folder`; a context manager. `kubeconfig` is the administrator's.

    Nodes and pods are reached through the unix socket `tunnel` (`python -m cluster.simulator --target … --tunnel …`).
    """

    def __init__(self, folder: Path, *, controller_manager: bool = True) -> None:
        self.folder = folder
        self.kubeconfig = folder / "kubeconfig"
        self.tunnel = self._tunnel_path()
        self.url = ""
        self._controller_manager = controller_manager
        self._processes: list[tuple[str, subprocess.Popen[bytes]]] = []

    def start(self) -> None:
        """Builds what is missing first. Raises CannotBuild, DidNotStart."""
        binaries = build()
        self.folder.mkdir(parents=True, exist_ok=True, mode=0o700)
        try:
            etcd = self._start_etcd()
            self._start_api_server(binaries, etcd)
            if self._controller_manager:
                self._start_controller_manager(binaries)
        except BaseException:
            self.stop()
            raise

    def stop(self) -> None:
        """In the reverse order, each with time to end by itself."""
        while self._processes:
            name, process = self._processes.pop()
            process.terminate()
            try:
                process.wait(STOP_SECONDS)
            except subprocess.TimeoutExpired:
                logger.warning("%s does not end; killing it", name)
                process.kill()
                process.wait()

    def __enter__(self) -> Self:
        self.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.stop()

    # --- the parts ------------------------------------------------------------------------------------------------

    def _start_etcd(self) -> str:
        etcd = shutil.which("etcd")
        if etcd is None:
            raise DidNotStart("etcd is not installed (Debian: apt-get install etcd-server)")
        client, peer = (f"http://{ADDRESS}:{port}" for port in free_ports(2))
        self._run(
            "etcd",
            [
                etcd,
                f"--data-dir={self.folder / 'etcd'}",
                f"--listen-client-urls={client}",
                f"--advertise-client-urls={client}",
                f"--listen-peer-urls={peer}",
                f"--initial-advertise-peer-urls={peer}",
                f"--initial-cluster=default={peer}",
                "--quota-backend-bytes=2147483648",
            ],
        )
        self._wait("etcd", f"{client}/health")
        return client

    def _start_api_server(self, binaries: Path, etcd: str) -> None:
        (port,) = free_ports(1)
        key, public = self._service_account_keys()
        token = self._token()
        certificates = self.folder / "certificates"
        self.url = f"https://{ADDRESS}:{port}"
        self._run(
            "kube-apiserver",
            [
                str(binaries / "kube-apiserver"),
                f"--etcd-servers={etcd}",
                f"--secure-port={port}",
                f"--bind-address={ADDRESS}",
                f"--cert-dir={certificates}",
                f"--service-account-key-file={public}",
                f"--service-account-signing-key-file={key}",
                "--service-account-issuer=https://kubernetes.default.svc.cluster.local",
                f"--token-auth-file={self.folder / 'tokens.csv'}",
                "--authorization-mode=RBAC",
                "--service-cluster-ip-range=10.0.0.0/16",
                "--allow-privileged=true",
                # simulated nodes have addresses that no network knows, and no names
                "--kubelet-preferred-address-types=InternalIP",
                f"--egress-selector-config-file={self._write_egress()}",
            ],
        )
        certificate = certificates / "apiserver.crt"
        self._wait("kube-apiserver", f"{self.url}/readyz", certificate, token)
        write_kubeconfig(self.kubeconfig, self.url, certificate.read_bytes(), token)

    def _start_controller_manager(self, binaries: Path) -> None:
        (port,) = free_ports(1)
        key, _ = self._service_account_keys()
        self._run(
            "kube-controller-manager",
            [
                str(binaries / "kube-controller-manager"),
                f"--kubeconfig={self.kubeconfig}",
                f"--service-account-private-key-file={key}",
                f"--root-ca-file={self.folder / 'certificates' / 'apiserver.crt'}",
                f"--cert-dir={self.folder / 'certificates'}",
                f"--bind-address={ADDRESS}",
                f"--secure-port={port}",
                "--leader-elect=false",
                "--kube-api-qps=500",
                "--kube-api-burst=1000",
            ],
        )
        self._wait(
            "kube-controller-manager",
            f"https://{ADDRESS}:{port}/healthz",
            self.folder / "certificates" / "kube-controller-manager.crt",
        )

    # --- files ----------------------------------------------------------------------------------------------------

    def _tunnel_path(self) -> Path:
        """In the data folder, unless that makes the path too long for a unix socket."""
        path = self.folder / "kubelets.sock"
        if len(str(path).encode()) < _LONGEST_SOCKET_PATH:
            return path
        return Path(tempfile.mkdtemp(prefix="kubelets-")) / "kubelets.sock"

    def _write_egress(self) -> Path:
        transport = {"uds": {"udsName": str(self.tunnel)}}
        document = {
            "apiVersion": "apiserver.k8s.io/v1beta1",
            "kind": "EgressSelectorConfiguration",
            "egressSelections": [
                {"name": "cluster", "connection": {"proxyProtocol": "HTTPConnect", "transport": transport}}
            ],
        }
        path = self.folder / "egress.yaml"
        path.write_text(yaml.safe_dump(document))
        return path

    def _service_account_keys(self) -> tuple[Path, Path]:
        key, public = self.folder / "service-accounts.key", self.folder / "service-accounts.pub"
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

    def _token(self) -> str:
        """The administrator's token, made once per data folder."""
        path = self.folder / "tokens.csv"
        if not path.exists():
            path.touch(mode=0o600)
            path.write_text(f'{secrets.token_hex(24)},admin,admin,"system:masters"\n')
        return path.read_text().partition(",")[0]

    # --- processes ------------------------------------------------------------------------------------------------

    def _run(self, name: str, command: list[str]) -> None:
        with (self.folder / f"{name}.log").open("ab") as log:
            process = subprocess.Popen(
                command,
                stdout=log,
                stderr=log,
                stdin=subprocess.DEVNULL,
                cwd=self.folder,
                env=_without_proxies(),
                preexec_fn=_end_with_parent,
            )
        self._processes.append((name, process))

    def _wait(self, name: str, url: str, certificate: Path | None = None, token: str | None = None) -> None:
        give_up_at = time.monotonic() + START_SECONDS
        process = next(process for known, process in self._processes if known == name)
        while not _answers(url, certificate, token):
            if process.poll() is not None:
                raise DidNotStart(f"{name} ended with {process.returncode}: {self._end_of_log(name)}")
            if time.monotonic() > give_up_at:
                raise DidNotStart(
                    f"{name} does not answer after {START_SECONDS:g} s: {self._end_of_log(name)}"
                )
            time.sleep(0.1)

    def _end_of_log(self, name: str) -> str:
        return (self.folder / f"{name}.log").read_text(errors="replace")[-1500:]


def write_kubeconfig(path: Path, url: str, authority: bytes, token: str) -> None:
    """A kubeconfig that its owner alone may read."""
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
    unfinished = path.with_name(f".{path.name}")
    unfinished.touch(mode=0o600)
    unfinished.write_text(yaml.safe_dump(document, sort_keys=False))
    unfinished.replace(path)  # whoever waits for the file finds it whole


def free_ports(count: int) -> list[int]:
    """Ports nobody listens on now; held together, so that they differ."""
    sockets = [socket.create_server((ADDRESS, 0)) for _ in range(count)]
    ports = [int(one.getsockname()[1]) for one in sockets]
    for one in sockets:
        one.close()
    return ports


def _answers(url: str, certificate: Path | None, token: str | None) -> bool:
    context = None
    if url.startswith("https"):
        if certificate is None or not certificate.exists():
            return False  # made by the server itself in its first second
        context = ssl.create_default_context(cafile=str(certificate))
    request = urllib.request.Request(url, headers={"Authorization": f"Bearer {token}"} if token else {})  # noqa: S310 (our own address)
    try:
        with urllib.request.urlopen(request, timeout=5, context=context) as answer:  # noqa: S310 (as above)
            return bool(answer.status == 200)
    except (OSError, urllib.error.URLError, ssl.SSLError):
        return False


def _without_proxies() -> dict[str, str]:
    """Nodes and pods are on this machine: a proxy of the surroundings could not reach them."""
    return {name: value for name, value in os.environ.items() if not name.lower().endswith("_proxy")}


def _end_with_parent() -> None:
    """In the child: be killed when the parent dies, however it dies, so that nothing is left running."""
    ctypes.CDLL(None).prctl(_PR_SET_PDEATHSIG, signal.SIGKILL)
