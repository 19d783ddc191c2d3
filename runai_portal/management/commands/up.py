"""Runs everything on this machine: Redis, a cluster, web, workers and beat; one log, clean stop on Ctrl-C."""

import asyncio
import contextlib
import os
import signal
import sys
import time
from argparse import ArgumentParser
from pathlib import Path
from typing import Any

from django.conf import settings
from django.core.management import call_command
from django.core.management.base import BaseCommand, CommandError

from cluster.control_plane.building import CannotBuild
from cluster.control_plane.running import DidNotStart
from cluster.errors import ClusterError
from runai_portal.running.clusters import ask_for_binaries, chosen_cluster
from runai_portal.running.data_folder import DataFolder, DataFolderRefused
from runai_portal.running.identities import Identities
from runai_portal.running.parts import (
    CLUSTER_AND_WEB,
    CONTROL_PLANE,
    DEMO_NODES,
    FOREIGN,
    REDIS,
    SIMULATOR,
    Place,
    parts_of,
)
from runai_portal.running.ports import PortInUse, free_port, require_free
from runai_portal.running.preparation import (
    DatabaseIsNewer,
    collect_static_files,
    demo_people,
    migrate_database,
    start_clock,
)
from runai_portal.running.redis_server import NoRedisServer
from runai_portal.running.supervisor import PartNotReady, Supervisor

REFUSALS = (
    DataFolderRefused,
    PortInUse,
    DatabaseIsNewer,
    NoRedisServer,
    PartNotReady,
    CannotBuild,
    DidNotStart,
    ClusterError,
)
LOOK_AT_TOKENS_SECONDS = 30.0


class Command(BaseCommand):
    help = __doc__
    requires_system_checks = []

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("--port", type=int, default=8000, help="of the web page (default: %(default)s)")
        parser.add_argument(
            "--data",
            type=Path,
            help="folder of the database, Redis and the cluster (default: data)",
        )
        parser.add_argument(
            "--reset", action="store_true", help="forget everything in the data folder and start anew"
        )
        parser.add_argument("--no-demo", action="store_true", help="do not make the demo company")
        parser.add_argument(
            "--cluster",
            help="`simulator` (default), `control-plane` (a genuine one with simulated nodes), or the path of a kubeconfig",
        )
        parser.add_argument(
            "--nodes", default=DEMO_NODES, help="simulated nodes of our own cluster (default: %(default)s)"
        )
        parser.add_argument(
            "--speed",
            type=float,
            default=1.0,
            help="product seconds in a real second, up to 600 (default: 1)",
        )

    def handle(self, **options: Any) -> None:
        if not settings.EMBEDDED:
            raise CommandError(
                "`up` runs embedded parts and refuses production settings; start web, workers and beat as services there."
            )
        if options["data"] and options["data"].resolve() != settings.DATA_DIR:
            self._again_with(options["data"].resolve())
        self.began = time.monotonic()
        try:
            require_free(options["port"])
            folder = DataFolder(settings.DATA_DIR)
            folder.open(reset=options["reset"])
            place = self._place(folder, options)
            if place.cluster == CONTROL_PLANE:
                ask_for_binaries(lambda line: self.say("up", line))
            start_clock(folder.path / "clock.json", options["speed"])
            self.say("up", "database: " + migrate_database())
            self.say("up", "static files: " + collect_static_files())
            asyncio.run(self._run(folder, place, demo=not options["no_demo"]))
        except REFUSALS as error:
            raise CommandError(str(error)) from error
        except ValueError as error:
            raise CommandError(str(error)) from error

    def _again_with(self, data: Path) -> None:
        """Settings read the data folder when they load: start once more with the wanted one."""
        data.mkdir(parents=True, exist_ok=True, mode=0o700)
        os.environ["RUNAI_DATA"] = str(data)
        os.environ.pop("RUNAI_CLOCK_FILE", None)
        os.execv(sys.executable, [sys.executable, *sys.argv])  # noqa: S606

    def _place(self, folder: DataFolder, options: dict[str, Any]) -> Place:
        cluster, kubeconfig = chosen_cluster(folder, options["cluster"])
        ports = folder.remembered("ports.json")
        simulator_port = free_port(ports.get("simulator")) if cluster == SIMULATOR else None
        admission_port = None if cluster == FOREIGN else free_port(ports.get("admission"))
        used = {"simulator": simulator_port, "admission": admission_port}
        folder.remember("ports.json", ports | {name: port for name, port in used.items() if port})
        embedded_redis = settings.REDIS_URL.startswith("unix://")
        return Place(
            data=folder.path,
            port=options["port"],
            redis_url=settings.REDIS_URL,
            redis_socket=Path(settings.REDIS_URL.removeprefix("unix://")) if embedded_redis else None,
            cluster=cluster,
            simulator_port=simulator_port,
            admission_port=admission_port,
            kubeconfig=kubeconfig,
            nodes=options["nodes"],
        )

    async def _run(self, folder: DataFolder, place: Place, *, demo: bool) -> None:
        supervisor = Supervisor(parts_of(place), cwd=settings.BASE_DIR, say=self.say)
        loop = asyncio.get_running_loop()
        for one in (signal.SIGINT, signal.SIGTERM):
            loop.add_signal_handler(one, supervisor.stop)
        people: dict[str, str] = {}
        ours = (
            None if place.cluster == FOREIGN else Identities(place.administrator, folder.path / "identities")
        )

        async def after_stage(stage: int) -> None:
            if stage == REDIS and demo:
                people.update(demo_people(folder))
                await asyncio.to_thread(call_command, "seed_demo", verbosity=0)
            if stage == CLUSTER_AND_WEB:
                self._greet(place, people)
                if ours:
                    await asyncio.to_thread(ours.prepare)

        if place.redis_socket is None:
            await after_stage(REDIS)
        renewing = asyncio.create_task(self._keep_tokens(ours)) if ours else None
        try:
            await supervisor.run(
                lambda: self.say(
                    "up",
                    f"all parts are ready after {time.monotonic() - self.began:.1f} s; Ctrl-C stops them",
                ),
                on_stage=after_stage,
            )
        finally:
            if renewing:
                renewing.cancel()
                with contextlib.suppress(asyncio.CancelledError):
                    await renewing
        self.say("up", "stopped")

    async def _keep_tokens(self, ours: Identities) -> None:
        """A cluster that is away now is asked again soon; the tokens in use last much longer than that."""
        while True:
            await asyncio.sleep(LOOK_AT_TOKENS_SECONDS)
            try:
                await asyncio.to_thread(ours.renew_if_due)
            except (ClusterError, OSError) as error:
                self.say("up", f"tokens could not be renewed yet: {error}")

    def _greet(self, place: Place, people: dict[str, str]) -> None:
        self.say(
            "up",
            f"Runai Portal: http://127.0.0.1:{place.port}/  (first page after {time.monotonic() - self.began:.1f} s)",
        )
        for email, password in people.items():
            self.say("up", f"  sign in as {email:<24} {password}")
        self.say("up", f"  kubectl --kubeconfig {place.administrator} get pods -A -o wide")

    def say(self, name: str, line: str) -> None:
        self.stdout.write(f"{time.strftime('%H:%M:%S')} {name:<9} {line}")
        self.stdout.flush()
