"""Writes the audit row of an intention, in the transaction of the change."""

from typing import Any

import structlog
from django.contrib.auth.models import AnonymousUser, User

from access.models import AuditEvent, AuditOutcome


def record(
    actor: User | AnonymousUser | None,
    action: str,
    *,
    entity_type: str,
    entity_id: object = "",
    entity_name: str = "",
    scope: str = "",
    before: Any = None,
    after: Any = None,
    outcome: AuditOutcome = AuditOutcome.SUCCEEDED,
    message: str = "",
) -> AuditEvent:
    """`before` and `after` are JSON values without secrets; the request's id and address come from the log context."""
    context = structlog.contextvars.get_contextvars()
    person = actor if actor is not None and actor.is_authenticated else None
    return AuditEvent.objects.create(
        actor=person,
        actor_name=(person.get_username() if person else context.get("actor_name", "system")),
        source_ip=context.get("ip") or None,
        request_id=str(context.get("request_id", ""))[:64],
        action=action,
        entity_type=entity_type,
        entity_id=str(entity_id),
        entity_name=entity_name,
        scope=scope,
        before=before,
        after=after,
        outcome=outcome,
        message=message[:500],
    )
