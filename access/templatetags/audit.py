"""{{ event|changes }}: what an audited event changed."""

from typing import Any

from django import template

from access.change_words import label_of, value_of
from access.events import changes_of
from access.models import AuditEvent

register = template.Library()


@register.filter
def changes(event: AuditEvent) -> list[tuple[str, str, str]]:
    return in_words(changes_of(event))


@register.filter
def in_words(found: list[tuple[str, Any, Any]]) -> list[tuple[str, str, str]]:
    return [
        (label_of(field), value_of(field, before), value_of(field, after)) for field, before, after in found
    ]
