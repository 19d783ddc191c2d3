"""Invented data for the style guide: every component in every state."""

from typing import Any

from django.http import HttpRequest


def examples(request: HttpRequest) -> dict[str, Any]:
    return {}
