"""Registers the app with Django."""

from django.apps import AppConfig


class SchedulingConfig(AppConfig):
    name = "scheduling"

    def ready(self) -> None:
        from organization.usage import provide_shares  # tables can be imported only now
        from scheduling.queries import fair_shares

        provide_shares(fair_shares)
