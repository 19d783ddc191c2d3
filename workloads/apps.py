"""Registers the app with Django."""

from django.apps import AppConfig


class WorkloadsConfig(AppConfig):
    name = "workloads"
