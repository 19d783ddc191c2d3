"""The Celery app: queues, what beat starts when, and the watch threads of each worker.

Queue `scheduling` has one worker with one thread (a cycle never overlaps the next); `cluster` is what talks to Kubernetes; `default` the rest.
"""

import gc
import os
from importlib import import_module
from importlib.util import find_spec
from pathlib import Path
from typing import Any

from celery import Celery, signals
from celery.worker import WorkController
from kombu.entity import Queue

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "runai_portal.settings.development")

APPS = ("access", "organization", "workloads", "scheduling", "monitoring")
WATCHERS = {"scheduling": "scheduling.watching", "cluster": "workloads.watching"}
"""Queue -> module whose start() and stop() frame the life of the worker that consumes it (list-then-watch caches)."""
_started: list[Any] = []

app = Celery("runai_portal")
app.config_from_object("django.conf:settings", namespace="CELERY")
app.autodiscover_tasks(related_name="tasks")
app.autodiscover_tasks(related_name="periodic")
app.conf.task_queues = [Queue(name) for name in ("scheduling", "cluster", "default")]  # type: ignore[no-untyped-call]  # kombu has no types


def beat_schedule() -> dict[str, dict[str, Any]]:
    """Every app's periodic.SCHEDULE: name -> (seconds, task, queue). A message expires when its next one is due."""
    schedule = {}
    for name in APPS:
        if find_spec(f"{name}.periodic") is None:
            continue
        for entry, (seconds, task, queue) in import_module(f"{name}.periodic").SCHEDULE.items():
            options = {"queue": queue, "expires": max(1.0, seconds)}
            schedule[entry] = {"task": task, "schedule": seconds, "options": options}
    return schedule


@signals.beat_init.connect
def plan_the_beat(sender: Any, **_: Any) -> None:
    """Before the first tick; Django is set up by then."""
    sender.scheduler.merge_inplace(beat_schedule())
    say_ready()


def _watchers_of(worker: WorkController) -> list[Any]:
    consumed = set(worker.app.amqp.queues.consume_from)
    modules = (module for queue, module in WATCHERS.items() if queue in consumed)
    return [import_module(module) for module in modules if find_spec(module)]


@signals.worker_ready.connect
def worker_is_ready(sender: Any, **_: Any) -> None:
    """Watch threads start here, in the process that runs the tasks: a prefork pool would not see their caches."""
    for module in _watchers_of(sender.controller):
        module.start()
        _started.append(module)
    if _started:
        collect_seldom()
    say_ready()


@signals.worker_shutting_down.connect
def worker_stops(**_: Any) -> None:
    while _started:
        _started.pop().stop()


def collect_seldom() -> None:
    """For a process that keeps whole clusters in memory: their documents are trees without cycles, which the collector of cycles
    would walk again and again while hundreds of watch events a second are decoded."""
    gc.collect()
    gc.freeze()
    gc.set_threshold(50_000, 20, 20)


def say_ready() -> None:
    """For the supervisor of `manage.py up`."""
    file = os.environ.get("RUNAI_READY_FILE")
    if file:
        Path(file).write_text("ready")
