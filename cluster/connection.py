"""How a cluster is reached: address, TLS and credentials, read by the official library, and a pool of HTTP connections.

The only module that imports `kubernetes`, and only inside functions: the import costs a second.
"""

import socket
import threading
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any, Protocol

import urllib3

from cluster.errors import ClusterError
from cluster.wire import Wire

POOL_SIZE = 64
"""Connections kept open for later use, enough for a volley and the threads beside it; more are opened when needed and closed after use."""
UNACKNOWLEDGED_MILLISECONDS = 10_000
"""Sent bytes that the other side's system does not acknowledge as long: nobody is there any more. A slow server acknowledges."""
ASK_LIBRARY_SECONDS = 1.0
"""How long an Authorization header is used before the library is asked again, whose hook costs more than a small request."""


class ConfigurationUnusable(ClusterError):
    """The kubeconfig, or the environment inside a pod, does not say how to reach a cluster."""


class Credentials(Protocol):
    """Says who we are, for each request anew, because tokens are rotated."""

    def authorization(self) -> str | None:
        """The Authorization header, refreshed when it has expired; None when the client certificate is enough."""

    def renew(self, refused: str | None) -> bool:
        """After a 401 for that header: True when there are other credentials by now, read again if need be."""


class FixedToken:
    """A bearer token that never changes, or no token at all."""

    def __init__(self, token: str | None) -> None:
        self._token = token

    def authorization(self) -> str | None:
        return f"Bearer {self._token}" if self._token else None

    def renew(self, refused: str | None) -> bool:
        return False


class LibraryCredentials:
    """Whatever the official library finds: token, token file, exec plug-in, OIDC, user name; with its refresh hook."""

    def __init__(
        self,
        configuration: Any,
        load: Callable[[], Any],
        monotonic: Callable[[], float] = time.monotonic,
    ) -> None:
        self._configuration = configuration
        self._load = load
        self._monotonic = monotonic
        self._lock = threading.Lock()
        self._said: str | None = None
        self._asked_at: float | None = None

    def authorization(self) -> str | None:
        now = self._monotonic()
        if self._asked_at is None or now - self._asked_at >= ASK_LIBRARY_SECONDS:
            self._ask()
        return self._said

    def renew(self, refused: str | None) -> bool:
        if self._ask() != refused:
            return True  # another thread was quicker, or the library's own hook
        fresh = self._load()
        with self._lock:
            self._configuration = fresh
        return self._ask() != refused

    def _ask(self) -> str | None:
        with self._lock:  # the hook writes into the configuration
            self._said = self._configuration.get_api_key_with_prefix("BearerToken", "authorization")
            self._asked_at = self._monotonic()
            return self._said


class Connection:
    """One cluster's address, pool and credentials; safe to share between threads."""

    def __init__(self, host: str, pool: urllib3.PoolManager, credentials: Credentials) -> None:
        self.host = host.rstrip("/")
        self.pool = pool
        self.credentials = credentials
        self._wire: Wire | None = None
        self._lock = threading.Lock()

    def wire(self) -> Wire | None:
        """The short way for single requests; None behind an HTTP proxy, which only the pool knows how to talk to."""
        if self._wire is None and not isinstance(self.pool, urllib3.ProxyManager):
            with self._lock:
                if self._wire is None:
                    self._wire = Wire(self.pool.connection_from_url(self.host), POOL_SIZE)
        return self._wire

    def close(self) -> None:
        self.pool.clear()
        if self._wire is not None:
            self._wire.close()


def connect_with_token(host: str, token: str | None, *, ca_file: Path | None = None) -> Connection:
    """A connection from the plain facts, without the official library (and its second of import)."""
    pool = urllib3.PoolManager(
        maxsize=POOL_SIZE,
        cert_reqs="CERT_REQUIRED",
        ca_certs=str(ca_file) if ca_file else None,
        socket_options=_keep_alive(),
    )
    return Connection(host, pool, FixedToken(token))


def connect_with_kubeconfig(path: Path, context: str | None = None) -> Connection:
    """As kubectl would reach it; raises ConfigurationUnusable with the library's reason."""

    def load() -> Any:
        from kubernetes.client import Configuration
        from kubernetes.config import load_kube_config

        configuration = Configuration()
        # the file may be a person's own: refreshed tokens are not written back
        read: Callable[..., None] = load_kube_config  # the library's own hints are partial
        read(str(path), context=context, client_configuration=configuration, persist_config=False)
        return configuration

    return _from_library(load, f"kubeconfig {path}")


def connect_inside_pod() -> Connection:
    """As a pod reaches its own cluster: service account token (re-read as it is rotated) and CA."""

    def load() -> Any:
        from kubernetes.client import Configuration
        from kubernetes.config import load_incluster_config

        configuration = Configuration()
        read: Callable[..., None] = load_incluster_config
        read(client_configuration=configuration)
        return configuration

    return _from_library(load, "in-cluster configuration")


def _from_library(load: Callable[[], Any], source: str) -> Connection:
    from kubernetes.client.rest import RESTClientObject
    from kubernetes.config import ConfigException

    def checked_load() -> Any:
        try:
            return load()
        except (ConfigException, OSError, ValueError) as error:
            raise ConfigurationUnusable(f"{source}: {error}") from error

    configuration = checked_load()
    configuration.connection_pool_maxsize = POOL_SIZE
    configuration.socket_options = _keep_alive()
    pool = RESTClientObject(configuration).pool_manager  # proxies, SNI, CA data
    return Connection(configuration.host, pool, LibraryCredentials(configuration, checked_load))


def _keep_alive() -> list[tuple[int, int, int]]:
    """Socket options that let a silent watch notice a dead peer within a minute, a request that nobody acknowledges
    well before its deadline, and small writes go at once."""
    options = [(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1), (socket.SOL_SOCKET, socket.SO_KEEPALIVE, 1)]
    for name, value in (
        ("TCP_KEEPIDLE", 30),
        ("TCP_KEEPINTVL", 5),
        ("TCP_KEEPCNT", 3),
        ("TCP_USER_TIMEOUT", UNACKNOWLEDGED_MILLISECONDS),
    ):
        if hasattr(socket, name):  # not on every system
            options.append((socket.IPPROTO_TCP, getattr(socket, name), value))
    return options
