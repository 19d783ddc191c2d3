"""`manage.py replay_snapshot FILE`: run a captured cluster through the engine, offline, and explain each decision."""

import json
from argparse import ArgumentParser
from dataclasses import replace
from pathlib import Path
from typing import Any

from django.core.management.base import BaseCommand, CommandError

from scheduling.engine import run_cycle
from scheduling.retelling import plan_json, plan_text
from scheduling.snapshots import UnreadableSnapshot, from_json


class Command(BaseCommand):
    help = "Run a captured cluster through the engine and explain each decision, as text or as JSON."
    requires_system_checks: list[str] = []

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("file", type=Path, help="what capture_snapshot wrote")
        parser.add_argument("--json", action="store_true", help="JSON instead of text")
        parser.add_argument(
            "--brief", action="store_true", help="without looking for what would help who waits"
        )

    def handle(self, *, file: Path, **options: Any) -> None:
        try:
            captured = from_json(file.read_text(encoding="utf-8"))
        except OSError as error:
            raise CommandError(f"{file} cannot be read: {error.strerror}") from error
        except UnreadableSnapshot as error:
            raise CommandError(f"{file}: {error}") from error
        snapshot = captured.snapshot()
        config = replace(captured.config, explain=not options["brief"])
        plan = run_cycle(snapshot, config, captured.now)
        if options["json"]:
            self.stdout.write(json.dumps(plan_json(plan), indent=1, sort_keys=True))
        else:
            self.stdout.write(plan_text(plan, snapshot), ending="")
