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
from ui.navigation import Item, MenuGroup, assemble

# Settings that name a function by its dotted path, and what stands there when the project says nothing.
NAVIGATION = ("UI_NAVIGATION", "runai_portal.navigation.items")
MAY_ANYWHERE = ("UI_MAY_ANYWHERE", "access.checks.may_anywhere")
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
    items, may, counts = named(NAVIGATION), named(MAY_ANYWHERE), named(COUNTS)
    allowed: dict[str, bool] = {"": True}

    def is_allowed(item: Item) -> bool:
        if item.permission not in allowed:
            allowed[item.permission] = bool(may and may(request.user, item.permission))
        return allowed[item.permission]

    shown = [item for item in (items() if items else []) if is_allowed(item)]
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
