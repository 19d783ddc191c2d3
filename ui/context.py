"""What base.html needs on every page. The project names who knows: ui itself knows no menu, right or cluster."""

from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, datetime
from functools import cache
from importlib import import_module
from typing import Any

from django.conf import settings
from django.http import HttpRequest
from django.utils.functional import SimpleLazyObject

from ui import preferences
from ui.navigation import MenuGroup, assemble

# Settings that name a function by its dotted path, and what stands there when the project says nothing.
NAVIGATION = ("UI_NAVIGATION", "runai_portal.navigation.items")
PERMISSIONS = ("UI_PERMISSIONS", "access.checks.permissions_anywhere")
NOW = ("UI_NOW", "cluster.clock.now")
CLUSTER_STATE = ("UI_CLUSTER_STATE", "")
COUNTS = ("UI_MENU_COUNTS", "")


@dataclass(frozen=True)
class ClusterState:
    """The slot at the left of the bar. `notice` is a sentence when the cluster is away, else ""."""

    name: str
    state: str = "Connected"
    url: str = ""
    notice: str = ""


@dataclass(frozen=True)
class Shell:
    menu: Callable[[], list[MenuGroup]]
    cluster: ClusterState | None
    theme: str
    density: str
    single_keys: bool
    now: datetime


def shell(request: HttpRequest) -> dict[str, Any]:
    """Context processor; lazy, so that fragments without the frame cost no query."""
    return {"shell": SimpleLazyObject(lambda: build(request)), "now": now()}


def build(request: HttpRequest) -> Shell:
    signed_in = request.user.is_authenticated if hasattr(request, "user") else False
    state = named(CLUSTER_STATE)
    theme = request.COOKIES.get("theme", "")
    return Shell(
        menu=cache(lambda: menu(request)),  # drawn in the rail, its foot and the palette
        cluster=state(request) if state and signed_in else None,
        theme=theme if theme in preferences.THEMES else "",
        density=preferences.density(request),
        single_keys=preferences.single_keys(request),
        now=now(),
    )


def now() -> datetime:
    clock = named(NOW)
    return clock() if clock else datetime.now(UTC)


def menu(request: HttpRequest) -> list[MenuGroup]:
    """What this person may open, in groups; empty before signing in."""
    if not (hasattr(request, "user") and request.user.is_authenticated):
        return []
    items, permissions, counts = named(NAVIGATION), named(PERMISSIONS), named(COUNTS)
    held = {"", *(permissions(request.user) if permissions else ())}
    shown = [item for item in (items() if items else []) if item.permission in held]
    return assemble(shown, path=request.path, counts=counts(request) if counts else {})


def named(setting: tuple[str, str]) -> Callable[..., Any] | None:
    """The function a setting names, or its default; None where neither names one."""
    path = getattr(settings, *setting)
    return load(path) if path else None


@cache
def load(path: str) -> Callable[..., Any]:
    module, _, name = path.rpartition(".")
    found: Callable[..., Any] = getattr(import_module(module), name)
    return found
