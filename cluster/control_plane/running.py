"""Starts etcd, kube-apiserver and, if wanted, kube-controller-manager on ports of their own, and stops them cleanly."""

from pathlib import Path
from types import TracebackType
from typing import Self

from cluster.control_plane.building import API_SERVER, CONTROLLER_MANAGER, ETCD, build, etcd_version
from cluster.control_plane.files import (
    administrator_token,
    service_account_keys,
    tunnel_path,
    write_audit_policy,
    write_egress,
    write_kubeconfig,
)
from cluster.control_plane.ports import ADDRESS, free_ports, lasting_ports
from cluster.control_plane.processes import DidNotStart, Processes

__all__ = ["ControlPlane", "DidNotStart", "free_ports"]

AUDIT_LOG_MEGABYTES = 50


class ControlPlane:
    """One control plane with its data in `folder`; a context manager. `kubeconfig` is the administrator's.

    Nodes and pods are reached through the unix socket `tunnel` (`python -m cluster.simulator --target … --tunnel …`).
    `audit_log` has one line of JSON for each request of the product's service accounts.
    """

    def __init__(
        self, folder: Path, *, controller_manager: bool = True, kubeconfig: Path | None = None
    ) -> None:
        self.folder = folder
        self.kubeconfig = kubeconfig or folder / "kubeconfig"
        self.tunnel = tunnel_path(folder)
        self.audit_log = folder / "audit.log"
        self.url = ""
        self._controller_manager = controller_manager
        self._processes = Processes(folder)

    def start(self) -> None:
        """Builds what is missing first. Raises CannotBuild, DidNotStart."""
        wanted = (ETCD, API_SERVER, CONTROLLER_MANAGER) if self._controller_manager else (ETCD, API_SERVER)
        binaries = build(wanted)
        self.folder.mkdir(parents=True, exist_ok=True, mode=0o700)
        self._check_data()
        names = (ETCD, "etcd-peer", API_SERVER, CONTROLLER_MANAGER)
        ports = lasting_ports(self.folder / "ports.json", names)
        try:
            self._start_etcd(binaries, ports[ETCD], ports["etcd-peer"])
            self._start_api_server(binaries, ports[API_SERVER], ports[ETCD])
            if self._controller_manager:
                self._start_controller_manager(binaries, ports[CONTROLLER_MANAGER])
        except BaseException:
            self.stop()
            raise

    def stop(self) -> None:
        """In the reverse order, each with time to end by itself."""
        self._processes.stop()

    def ended(self) -> str:
        """Which part has ended by itself, and how; "" while all run."""
        return self._processes.ended()

    def __enter__(self) -> Self:
        self.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.stop()

    # --- the parts ------------------------------------------------------------------------------------------------

    def _check_data(self) -> None:
        """etcd reads what its own minor version and the one before it wrote; ours has had no other so far but Debian's 3.4."""
        data, written_by = self.folder / "etcd", self.folder / "etcd.version"
        series = etcd_version().rpartition(".")[0]
        found = written_by.read_text().strip() if written_by.is_file() else "an earlier version"
        if data.is_dir() and found.rpartition(".")[0] != series:
            raise DidNotStart(
                f"{data} was written by etcd {found}, which etcd {etcd_version()} cannot read: choose another data folder, or delete this one."
            )
        written_by.write_text(f"{etcd_version()}\n")

    def _start_etcd(self, binaries: Path, port: int, peer_port: int) -> None:
        client, peer = f"http://{ADDRESS}:{port}", f"http://{ADDRESS}:{peer_port}"
        self._processes.run(
            ETCD,
            [
                str(binaries / ETCD),
                f"--data-dir={self.folder / 'etcd'}",
                f"--listen-client-urls={client}",
                f"--advertise-client-urls={client}",
                f"--listen-peer-urls={peer}",
                f"--initial-advertise-peer-urls={peer}",
                f"--initial-cluster=default={peer}",
                "--quota-backend-bytes=2147483648",
            ],
        )
        self._processes.wait(ETCD, f"{client}/health")

    def _start_api_server(self, binaries: Path, port: int, etcd_port: int) -> None:
        key, public = service_account_keys(self.folder)
        token = administrator_token(self.folder)
        certificates = self.folder / "certificates"
        self.url = f"https://{ADDRESS}:{port}"
        self._processes.run(
            API_SERVER,
            [
                str(binaries / API_SERVER),
                f"--etcd-servers=http://{ADDRESS}:{etcd_port}",
                f"--secure-port={port}",
                f"--bind-address={ADDRESS}",
                f"--cert-dir={certificates}",
                f"--service-account-key-file={public}",
                f"--service-account-signing-key-file={key}",
                "--service-account-issuer=https://kubernetes.default.svc.cluster.local",
                f"--token-auth-file={self.folder / 'tokens.csv'}",
                "--authorization-mode=RBAC",
                # some distributions ask for this right too: whoever names an owner may also hold up its deletion
                "--enable-admission-plugins=OwnerReferencesPermissionEnforcement",
                "--service-cluster-ip-range=10.0.0.0/16",
                "--allow-privileged=true",
                # simulated nodes have addresses that no network knows, and no names
                "--kubelet-preferred-address-types=InternalIP",
                f"--egress-selector-config-file={write_egress(self.folder, self.tunnel)}",
                f"--audit-policy-file={write_audit_policy(self.folder)}",
                f"--audit-log-path={self.audit_log}",
                f"--audit-log-maxsize={AUDIT_LOG_MEGABYTES}",
                "--audit-log-maxbackup=1",
            ],
        )
        certificate = certificates / "apiserver.crt"
        self._processes.wait(API_SERVER, f"{self.url}/readyz", certificate, token)
        write_kubeconfig(self.kubeconfig, self.url, certificate.read_bytes(), token)

    def _start_controller_manager(self, binaries: Path, port: int) -> None:
        key, _ = service_account_keys(self.folder)
        certificates = self.folder / "certificates"
        self._processes.run(
            CONTROLLER_MANAGER,
            [
                str(binaries / CONTROLLER_MANAGER),
                f"--kubeconfig={self.kubeconfig}",
                f"--service-account-private-key-file={key}",
                f"--root-ca-file={certificates / 'apiserver.crt'}",
                f"--cert-dir={certificates}",
                f"--bind-address={ADDRESS}",
                f"--secure-port={port}",
                "--leader-elect=false",
                "--kube-api-qps=500",
                "--kube-api-burst=1000",
            ],
        )
        certificate = certificates / f"{CONTROLLER_MANAGER}.crt"
        self._processes.wait(CONTROLLER_MANAGER, f"https://{ADDRESS}:{port}/healthz", certificate)
