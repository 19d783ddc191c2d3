"""Runs everything on this machine: Redis, simulated cluster, web, workers and beat; one log, clean stop on Ctrl-C."""

import asyncio
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

from runai_portal.running.data_folder import DataFolder, DataFolderRefused
from runai_portal.running.parts import CLUSTER_AND_WEB, DEMO_NODES, REDIS, Place, parts_of
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

REFUSALS = (DataFolderRefused, PortInUse, DatabaseIsNewer, NoRedisServer, PartNotReady)


class Command(BaseCommand):
    help = __doc__
    requires_system_checks = []

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("--port", type=int, default=8000, help="of the web page (default: %(default)s)")
        parser.add_argument(
            "--data",
            type=Path,
            help="folder of the database, Redis and the simulated cluster (default: data)",
        )
        parser.add_argument(
            "--reset", action="store_true", help="forget everything in the data folder and start anew"
        )
        parser.add_argument("--no-demo", action="store_true", help="do not make the demo company")
        parser.add_argument(
            "--cluster", default="simulator", help="`simulator` (default) or the path of a kubeconfig"
        )
        parser.add_argument(
            "--nodes", default=DEMO_NODES, help="of the simulated cluster (default: %(default)s)"
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
        simulated = options["cluster"] == "simulator"
        if not simulated and not Path(options["cluster"]).is_file():
            raise CommandError(f"--cluster {options['cluster']}: neither `simulator` nor a kubeconfig file")
        ports = folder.remembered("ports.json")
        simulator_port = free_port(ports.get("simulator")) if simulated else None
        folder.remember("ports.json", {**ports, "simulator": simulator_port or ports.get("simulator")})
        embedded_redis = settings.REDIS_URL.startswith("unix://")
        return Place(
            data=folder.path,
            port=options["port"],
            redis_url=settings.REDIS_URL,
            redis_socket=Path(settings.REDIS_URL.removeprefix("unix://")) if embedded_redis else None,
            simulator_port=simulator_port,
            kubeconfig=None if simulated else Path(options["cluster"]).resolve(),
            nodes=options["nodes"],
        )

    async def _run(self, folder: DataFolder, place: Place, *, demo: bool) -> None:
        supervisor = Supervisor(parts_of(place), cwd=settings.BASE_DIR, say=self.say)
        loop = asyncio.get_running_loop()
        for one in (signal.SIGINT, signal.SIGTERM):
            loop.add_signal_handler(one, supervisor.stop)
        people: dict[str, str] = {}

        async def after_stage(stage: int) -> None:
            if stage == REDIS and demo:
                people.update(demo_people(folder))
                await asyncio.to_thread(call_command, "seed_demo", verbosity=0)
            if stage == CLUSTER_AND_WEB:
                self._greet(place, people)

        if place.redis_socket is None:
            await after_stage(REDIS)
        await supervisor.run(
            lambda: self.say(
                "up", f"all parts are ready after {time.monotonic() - self.began:.1f} s; Ctrl-C stops them"
            ),
            on_stage=after_stage,
        )
        self.say("up", "stopped")

    def _greet(self, place: Place, people: dict[str, str]) -> None:
        self.say(
            "up",
            f"Runai Portal: http://127.0.0.1:{place.port}/  (first page after {time.monotonic() - self.began:.1f} s)",
        )
        for email, password in people.items():
            self.say("up", f"  sign in as {email:<24} {password}")
        kubeconfig = place.kubeconfig or place.data / "cluster" / "kubeconfig"
        self.say("up", f"  kubectl --kubeconfig {kubeconfig} get pods -A -o wide")

    def say(self, name: str, line: str) -> None:
        self.stdout.write(f"{time.strftime('%H:%M:%S')} {name:<9} {line}")
        self.stdout.flush()
