"""An installation of the portal for the benchmark: a migrated database with one cluster, one project and no other load."""

from __future__ import annotations

import os
from datetime import datetime
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from scheduling.models import Cycle


def prepare(data: Path, kubeconfig: Path, *, gpus: int) -> None:
    """Sets Django up in this process on `data`; call once, before anything else imports models."""
    for name in ("DATABASE_URL", "REDIS_URL", "CELERY_BROKER_URL"):
        os.environ.pop(name, None)
    os.environ["DJANGO_SETTINGS_MODULE"] = "runai_portal.settings.development"
    os.environ["RUNAI_DATA"] = str(data)
    os.environ["RUNAI_CLOCK_FILE"] = str(data / "clock.json")
    os.environ["RUNAI_KUBECONFIG"] = str(kubeconfig)
    import django

    django.setup()
    from runai_portal.running.preparation import migrate_database, start_clock

    start_clock(data / "clock.json", 1.0)
    migrate_database()
    from tests import factories
    from tests.benchmarks.binding.objects import PROJECT

    cluster = factories.make_cluster("bench")
    department = factories.make_department("research", cluster=cluster, gpus=gpus)
    factories.make_project(PROJECT, department=department, gpus=gpus)


def cycles_since(moment: datetime) -> list[Cycle]:
    """The cycles that the running scheduler has recorded since."""
    from scheduling.models import Cycle

    return list(Cycle.objects.filter(at__gte=moment))
