"""Registers the app with Django and tells `access` the names of scopes."""

from django.apps import AppConfig


class OrganizationConfig(AppConfig):
    name = "organization"

    def ready(self) -> None:
        from access.scope_names import provide  # tables can be imported only now
        from organization.scope_names import OrganizationNames

        provide(OrganizationNames())
