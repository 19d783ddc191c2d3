"""Runs the server: certificates first, then HTTPS, then the registration; and keeps all three in order."""

import asyncio
import logging
import socket
import ssl
from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path

import uvicorn

from cluster.admission.trust import Trust
from cluster.admission_server.application import Application
from cluster.admission_server.certificates import Certificates
from cluster.admission_server.projects import Projects
from cluster.admission_server.registration import Address, register
from cluster.client import ClusterClient
from cluster.errors import ClusterError

logger = logging.getLogger(__name__)

LOOK_AGAIN_SECONDS = 30.0
"""Between two looks at the certificates and the registration."""
AFTER_FAILURE_SECONDS = 2.0
KEEP_ALIVE_SECONDS = 120
MOST_CONNECTIONS = 500


def _real_now() -> datetime:
    return datetime.now(UTC)


@dataclass(frozen=True)
class Settings:
    """`hosts` are the names and addresses under which the API server reaches us; `ready_file` appears once it was told of us."""

    folder: Path
    bind: str
    port: int
    address: Address
    hosts: tuple[str, ...]
    ready_file: Path | None = None
    trust: Trust = field(default_factory=Trust)


class AdmissionServer:
    """One server; `serve()` returns after `stop()` or a signal. Answers are given also while the API server is away."""

    def __init__(
        self,
        client: ClusterClient,
        settings: Settings,
        *,
        now: Callable[[], datetime] = _real_now,
        look_again_seconds: float = LOOK_AGAIN_SECONDS,
    ) -> None:
        self._client = client
        self._settings = settings
        self._now = now
        self._look_again = look_again_seconds
        self._projects = Projects(client)
        self._certificates = Certificates(settings.folder, settings.hosts)
        self.application = Application(self._projects, settings.trust)
        self._server: uvicorn.Server | None = None
        self._registered: bytes | None = None

    async def serve(self) -> None:
        """Raises CertificatesUnusable; what the cluster does wrong is logged and tried again."""
        self._certificates.renew(self._now())
        config = self._configuration()
        config.load()
        server = self._server = _Server(config)
        self._projects.start()
        keeper = asyncio.create_task(self._keep(config.ssl), name="admission keeper")
        try:
            await server.serve()
        finally:
            keeper.cancel()
            await asyncio.gather(keeper, return_exceptions=True)
            await asyncio.to_thread(self._projects.stop)

    def stop(self) -> None:
        """From any thread."""
        if self._server is not None:
            self._server.should_exit = True

    def _configuration(self) -> uvicorn.Config:
        return uvicorn.Config(
            self.application,
            host=self._settings.bind,
            port=self._settings.port,
            loop="uvloop",
            http="httptools",
            ws="none",
            lifespan="off",
            interface="asgi3",
            access_log=False,
            log_config=None,
            proxy_headers=False,
            server_header=False,
            ssl_certfile=str(self._certificates.serving_certificate),
            ssl_keyfile=str(self._certificates.serving_key),
            timeout_keep_alive=KEEP_ALIVE_SECONDS,
            timeout_graceful_shutdown=3,
            limit_concurrency=MOST_CONNECTIONS,
        )

    async def _keep(self, context: ssl.SSLContext | None) -> None:
        """Certificates and registration, again and again; new connections get the new certificate."""
        assert self._server is not None  # noqa: S101 (made by the caller)
        while not self._server.started:
            await asyncio.sleep(0.02)
        while True:
            try:
                if await asyncio.to_thread(self._renew) and context is not None:
                    files = self._certificates.serving_certificate, self._certificates.serving_key
                    context.load_cert_chain(*files)
                    logger.info("certificates were renewed")
                await asyncio.to_thread(self._register)
                pause = self._look_again
            except ClusterError as error:
                logger.warning("the API server could not be told of the webhooks: %s", error.message)
                pause = AFTER_FAILURE_SECONDS
            except Exception:
                # whatever it is, answering goes on, and the next look may find it mended
                logger.exception("looking after certificates and registration failed")
                pause = AFTER_FAILURE_SECONDS
            await asyncio.sleep(pause)

    def _renew(self) -> bool:
        """A new CA signs only once the API server was told of it."""
        return self._certificates.renew(self._now(), told=self._registered == self._certificates.bundle())

    def _register(self) -> None:
        """Also when nothing of ours has changed: someone may have edited or deleted the objects."""
        bundle = self._certificates.bundle()
        register(self._client, self._settings.address, bundle)
        if self._registered != bundle:
            self._registered = bundle
            logger.info("the API server was told of the webhooks")
        self.application.registered = True
        if self._settings.ready_file is not None:
            self._settings.ready_file.touch()


class _Server(uvicorn.Server):
    """Cuts idle connections when it ends: a polite end of TLS would wait half a minute for an API server that has nothing to say."""

    async def shutdown(self, sockets: list[socket.socket] | None = None) -> None:
        self._cut(only_idle=True)
        await super().shutdown(sockets)
        self._cut(only_idle=False)
        await asyncio.sleep(0)

    def _cut(self, *, only_idle: bool) -> None:
        for connection in list(self.server_state.connections):
            cycle, transport = getattr(connection, "cycle", None), getattr(connection, "transport", None)
            idle = cycle is None or cycle.response_complete
            if transport is not None and (idle or not only_idle):
                transport.abort()
