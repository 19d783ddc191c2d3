"""{{ event|changes }}: what an audited event changed."""

from typing import Any

from django import template

from access.events import changes_of
from access.models import AuditEvent

register = template.Library()


@register.filter
def changes(event: AuditEvent) -> list[tuple[str, Any, Any]]:
    return changes_of(event)
