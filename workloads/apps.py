"""Registers the app with Django."""

from django.apps import AppConfig


class WorkloadsConfig(AppConfig):
    name = "workloads"

    def ready(self) -> None:
        from organization.usage import provide  # tables can be imported only now
        from workloads.usage import WorkloadUsage

        provide(WorkloadUsage())
