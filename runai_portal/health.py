"""Health endpoints: livez says the process answers; readyz names each part and whether it works."""

from collections.abc import Callable

from django.core.cache import cache
from django.db import connection
from django.http import HttpRequest, JsonResponse


def livez(request: HttpRequest) -> JsonResponse:
    return JsonResponse({"status": "ok"})


def readyz(request: HttpRequest) -> JsonResponse:
    parts = {"database": tried(ask_database), "redis": tried(ask_redis)}
    ready = all(answer == "ok" for answer in parts.values())
    return JsonResponse(
        {"status": "ok" if ready else "unavailable", "parts": parts}, status=200 if ready else 503
    )


def ask_database() -> None:
    with connection.cursor() as cursor:
        cursor.execute("SELECT 1")


def ask_redis() -> None:
    cache.set("readyz", 1, 5)


def tried(ask: Callable[[], None]) -> str:
    """ "ok", or the kind of failure (never its text: addresses and credentials stay inside)."""
    try:
        ask()
    except Exception as error:  # noqa: BLE001  (whatever is wrong, the answer is: not ready)
        return type(error).__name__
    return "ok"
