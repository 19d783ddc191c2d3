"""Audited events as others read them: what changed, JSON for downloads and the API."""

import json
from typing import Any

from access.models import AuditEvent


def as_json(value: Any) -> str:
    return "" if value is None else json.dumps(value, ensure_ascii=False)


def changes_of(event: AuditEvent) -> list[tuple[str, Any, Any]]:
    """(field, before, after) of what differs."""
    before, after = event.before or {}, event.after or {}
    if not isinstance(before, dict) or not isinstance(after, dict):
        return [("", event.before, event.after)]
    return [
        (key, before.get(key), after.get(key))
        for key in {**before, **after}
        if before.get(key) != after.get(key)
    ]


def document_of(event: AuditEvent) -> dict[str, Any]:
    """One event as the JSON download and the API say it."""
    return {
        "id": str(event.pk),
        "timestamp": event.at.isoformat(),
        "subject": event.actor_name,
        "subjectType": "user" if event.actor_id else "system",
        "sourceIp": event.source_ip,
        "event": event.action,
        "status": event.outcome,
        "entityType": event.entity_type,
        "entityName": event.entity_name,
        "entityId": event.entity_id,
        "scope": event.scope,
        "message": event.message,
        "before": event.before,
        "after": event.after,
        "requestId": event.request_id,
    }
