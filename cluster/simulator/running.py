"""Starts a server on a data folder: certificates, store, HTTPS; and writes the kubeconfig."""

import asyncio
import base64
import logging
import socket
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from pathlib import Path

import uvicorn
import uvloop
import yaml

from cluster.simulator.certificates import ensure_certificates
from cluster.simulator.identities import Identities
from cluster.simulator.server.api import Api
from cluster.simulator.server.application import Application
from cluster.simulator.server.bootstrap import fill_new_cluster
from cluster.simulator.server.cleanup import clean_up
from cluster.simulator.server.upgrading import Upgrade
from cluster.simulator.store.objects import Store

ADDRESS = "127.0.0.1"
KEEP_ALIVE_SECONDS = 600
"""Clients keep idle connections for minutes; closing earlier than they do makes requests fail at random."""
STOP_SECONDS = 2


@dataclass(frozen=True)
class ServerSettings:
    """`history_length` is how many changes of a resource a watch can go back."""

    port: int
    data: Path
    kubeconfig: Path | None = None
    history_length: int = 10_000


class SimulatedServer:
    """One API server; `url` is known before it serves."""

    def __init__(self, settings: ServerSettings) -> None:
        folder = settings.data
        folder.mkdir(parents=True, exist_ok=True, mode=0o700)
        self.settings = settings
        self.url = f"https://{ADDRESS}:{settings.port}"
        self._authority, self._certificate, self._key = ensure_certificates(folder, [ADDRESS, "::1"])
        identities = Identities(folder)
        self._store = Store(folder / "cluster.sqlite3", history_length=settings.history_length)
        self.api = Api(self._store, identities, self._authority.read_text())
        fill_new_cluster(self.api)
        self._store.commit()
        if settings.kubeconfig is not None:
            write_kubeconfig(
                settings.kubeconfig, self.url, self._authority.read_text(), identities.administrator_token
            )
        logging.getLogger("httpx").setLevel(logging.WARNING)  # it would tell of each log that is read
        self._server: _Server | None = None

    async def serve(
        self,
        *background: Callable[[Api], Awaitable[None]],
        on_ready: Callable[[], None] | None = None,
        before_stop: Callable[[], None] | None = None,
    ) -> None:
        """Serve until `stop()` or a signal; then `before_stop` while we still answer; then commit and close the store."""
        application = Application(self.api)
        config = uvicorn.Config(
            application,
            host=ADDRESS,
            port=self.settings.port,
            loop="uvloop",
            http="httptools",
            ws=Upgrade,
            lifespan="off",
            interface="asgi3",
            access_log=False,
            log_level="warning",
            proxy_headers=False,
            server_header=False,
            ssl_certfile=str(self._certificate),
            ssl_keyfile=str(self._key),
            timeout_keep_alive=KEEP_ALIVE_SECONDS,
            timeout_graceful_shutdown=STOP_SECONDS,
            backlog=512,
        )
        server = self._server = _Server(config, self.api, before_stop)
        tasks = [asyncio.ensure_future(start(self.api)) for start in (clean_up, *background)]
        if on_ready is not None:
            tasks.append(asyncio.ensure_future(_when_started(server, on_ready)))
        try:
            await server.serve()
        finally:
            for task in tasks:
                task.cancel()
            await asyncio.gather(*tasks, return_exceptions=True)
            await application.close()
            self._store.close()

    def run(
        self, *, on_ready: Callable[[], None] | None = None, before_stop: Callable[[], None] | None = None
    ) -> None:
        """`serve()` on a loop of its own, in the calling thread."""
        with asyncio.Runner(loop_factory=uvloop.new_event_loop) as runner:
            runner.run(self.serve(on_ready=on_ready, before_stop=before_stop))

    def stop(self) -> None:
        """End `serve()`; open watches are closed after a short while. May be called from any thread."""
        if self._server is not None:
            self._server.should_exit = True


class _Server(uvicorn.Server):
    """Ends the open watches before it waits for its connections."""

    def __init__(self, config: uvicorn.Config, api: Api, before_stop: Callable[[], None] | None) -> None:
        super().__init__(config)
        self._api = api
        self._before_stop = before_stop

    async def shutdown(self, sockets: list[socket.socket] | None = None) -> None:
        """Idle connections are cut: a polite end of TLS would wait for clients that have nothing to say."""
        if self._before_stop is not None:
            await asyncio.to_thread(self._before_stop)
        self._api.hub.end_all()
        await asyncio.sleep(0.1)  # the streams send their last chunks
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


async def _when_started(server: uvicorn.Server, on_ready: Callable[[], None]) -> None:
    while not server.started:
        await asyncio.sleep(0.02)
    on_ready()


def write_kubeconfig(path: Path, url: str, authority: str, token: str) -> None:
    """A kubeconfig for the administrator, readable by its owner only."""
    cluster = {"server": url, "certificate-authority-data": base64.b64encode(authority.encode()).decode()}
    document = {
        "apiVersion": "v1",
        "kind": "Config",
        "clusters": [{"name": "simulated", "cluster": cluster}],
        "users": [{"name": "simulated-admin", "user": {"token": token}}],
        "contexts": [{"name": "simulated", "context": {"cluster": "simulated", "user": "simulated-admin"}}],
        "current-context": "simulated",
    }
    path.parent.mkdir(parents=True, exist_ok=True)
    path.touch(mode=0o600)
    path.write_text(yaml.safe_dump(document, sort_keys=False))
