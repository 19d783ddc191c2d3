"""The webhook server in a thread of the test, for one API server."""

import asyncio
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import UTC, datetime
from pathlib import Path

import uvloop

from cluster.admission_server.registration import Address, unregister
from cluster.admission_server.running import AdmissionServer, Settings
from cluster.client import ClusterClient
from cluster.control_plane.running import free_ports
from tests.cluster.waiting import eventually


class Webhooks:
    """Can be taken down and brought up again at the same address, as after a crash: the registration stays."""

    def __init__(
        self,
        client: ClusterClient,
        folder: Path,
        now: Callable[[], datetime],
        *,
        port: int | None = None,
        registers: bool = True,
    ) -> None:
        port = port or free_ports(1)[0]
        self._client, self._now, self._registers = client, now, registers
        self.url = f"https://127.0.0.1:{port}"
        self.port = port
        self._settings = Settings(folder, "127.0.0.1", port, Address(self.url), ("127.0.0.1",))
        self._server: AdmissionServer | None = None
        self._thread: threading.Thread | None = None

    def up(self) -> None:
        server = self._server = AdmissionServer(
            self._client, self._settings, now=self._now, look_again_seconds=0.2
        )
        if not self._registers:
            server._register = lambda: setattr(server.application, "registered", True)  # type: ignore[method-assign]

        def run() -> None:
            with asyncio.Runner(loop_factory=uvloop.new_event_loop) as runner:
                runner.run(server.serve())

        self._thread = threading.Thread(target=run, name="admission", daemon=True)
        self._thread.start()
        assert eventually(lambda: server.application.registered and server.application.projects.ready, 30)

    def down(self) -> None:
        if self._server is not None and self._thread is not None:
            self._server.stop()
            self._thread.join(20)
            assert not self._thread.is_alive()
        self._server = self._thread = None


@contextmanager
def webhooks_for(
    client: ClusterClient, folder: Path, now: Callable[[], datetime] = lambda: datetime.now(UTC)
) -> Iterator[Webhooks]:
    webhooks = Webhooks(client, folder, now)
    try:
        webhooks.up()
        yield webhooks
    finally:
        webhooks.down()
        unregister(client)
