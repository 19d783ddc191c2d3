"""Registers the app with Django and starts to listen for people who sign in."""

from django.apps import AppConfig


class AccessConfig(AppConfig):
    name = "access"

    def ready(self) -> None:
        from access import sign_in_audit  # noqa: F401  (its receivers connect on import; tables can be imported only now)
