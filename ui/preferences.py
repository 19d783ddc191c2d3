"""What a person chose about the looks: theme (a cookie, so that the sign-in page has it too), density, columns, single keys."""

from typing import Any

from django.apps import apps
from django.conf import settings
from django.db.models import Manager
from django.http import HttpRequest

THEMES = ("light", "dark")
DENSITIES = ("comfortable", "compact")
COOKIE_SECONDS = 365 * 24 * 3600


def rows() -> Manager[Any]:
    """The table of preferences (user, key, value); it belongs to another app, as the user does."""
    manager: Manager[Any] = apps.get_model(
        getattr(settings, "UI_PREFERENCE_MODEL", "access.Preference")
    ).objects
    return manager


def all_of(request: HttpRequest) -> dict[str, Any]:
    """One query a request, kept on it."""
    found: dict[str, Any] | None = getattr(request, "ui_preferences", None)
    if found is None:
        signed_in = hasattr(request, "user") and request.user.is_authenticated
        found = dict(rows().filter(user=request.user).values_list("key", "value")) if signed_in else {}
        request.ui_preferences = found  # type: ignore[attr-defined]  # kept for the rest of this request
    return found


def save(request: HttpRequest, key: str, value: Any) -> None:
    rows().update_or_create(user=request.user, key=key, defaults={"value": value})
    all_of(request)[key] = value


def forget(request: HttpRequest, key: str) -> None:
    rows().filter(user=request.user, key=key).delete()
    all_of(request).pop(key, None)


def density(request: HttpRequest) -> str:
    chosen = all_of(request).get("density")
    return chosen if chosen in DENSITIES else DENSITIES[0]


def single_keys(request: HttpRequest) -> bool:
    return all_of(request).get("single_keys", True) is not False


def columns(request: HttpRequest, table: str) -> list[str] | None:
    """The columns chosen for a table; None where the person chose none."""
    chosen = all_of(request).get(f"columns.{table}")
    return [str(name) for name in chosen] if isinstance(chosen, list) else None
