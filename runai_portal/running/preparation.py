"""What must be true before the parts start: database migrated, static files collected, the clock set, the demo's people known."""

import hashlib
import json
from datetime import UTC, datetime
from pathlib import Path

from django.conf import settings
from django.contrib.staticfiles.finders import get_finders
from django.core.management import call_command
from django.db import connection
from django.db.migrations.executor import MigrationExecutor

from cluster import clock
from runai_portal.demo import company
from runai_portal.running.data_folder import DataFolder

DEMO_PEOPLE = {person.email: person.name for person in company.PEOPLE}
"""Sign-in -> name of the demo's system administrator, project administrator, researcher and viewer."""


class DatabaseIsNewer(Exception):
    """The database was migrated by a newer version of the product."""


def migrate_database() -> str:
    """Applies what is missing; refuses a database with migrations that this version does not know."""
    executor = MigrationExecutor(connection)
    unknown = sorted(
        f"{app}.{name}"
        for app, name in executor.loader.applied_migrations
        if (app, name) not in executor.loader.disk_migrations and app in executor.loader.migrated_apps
    )
    if unknown:
        raise DatabaseIsNewer(
            f"The database was written by a newer version of the product (it has {unknown[-1]}). "
            "Use that version, another --data folder, or --reset to start anew."
        )
    plan = executor.migration_plan(executor.loader.graph.leaf_nodes())
    if plan:
        call_command("migrate", verbosity=0, interactive=False)
    connection.close()
    return f"{len(plan)} migrations applied" if plan else "up to date"


def collect_static_files() -> str:
    """Only when a file changed since the last time: the stamp is a digest of names, sizes and times."""
    stamp = Path(settings.STATIC_ROOT) / ".stamp"
    digest = _static_digest()
    if stamp.exists() and stamp.read_text() == digest:
        return "up to date"
    call_command("collectstatic", verbosity=0, interactive=False, clear=stamp.exists())
    stamp.write_text(digest)
    return "collected"


def _static_digest() -> str:
    seen = hashlib.sha256()
    for finder in get_finders():
        for path, storage in finder.list([]):
            status = Path(storage.path(path)).stat()
            seen.update(f"{path} {status.st_size} {status.st_mtime_ns}\n".encode())
    return seen.hexdigest()


def start_clock(file: Path, speed: float) -> None:
    """A new installation starts at the present; an old one goes on, at the asked speed."""
    if not file.exists():
        present = datetime.now(UTC).isoformat()
        file.write_text(json.dumps({"epoch": present, "start": present, "speed": 1.0}))
    if clock.speed() != speed:
        clock.set_speed(speed)


def demo_people(folder: DataFolder) -> dict[str, str]:
    """Sign-in -> password of the demo's people."""
    passwords = folder.demo_passwords(list(DEMO_PEOPLE.values()))
    return {email: passwords[name] for email, name in DEMO_PEOPLE.items()}
