"""The Celery app: queues, and what beat starts when.

Queue `scheduling` has one worker with one thread (a cycle never overlaps the next); `cluster` is what talks to Kubernetes; `default` the rest.
"""

import os
from typing import Any

from celery import Celery
from kombu import Queue

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "runai_portal.settings.development")

app = Celery("runai_portal")
app.config_from_object("django.conf:settings", namespace="CELERY")
app.autodiscover_tasks(related_name="tasks")
app.autodiscover_tasks(related_name="periodic")
app.conf.task_queues = [Queue("scheduling"), Queue("cluster"), Queue("default")]


def every(seconds: float, task: str, queue: str) -> dict[str, Any]:
    """A beat entry whose message is dropped when it could not start before the next one is due."""
    return {"task": task, "schedule": seconds, "options": {"queue": queue, "expires": max(1.0, seconds)}}


app.conf.beat_schedule = {}
