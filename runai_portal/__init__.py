"""Composition root: the only place that knows every app."""

from runai_portal.celery import app as celery_app

__all__ = ["celery_app"]
