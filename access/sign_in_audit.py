"""Puts signing in, signing out, failing to, and changing one's password into the audit log."""

from typing import Any

import structlog
from allauth.account.signals import password_changed
from django.contrib.auth.models import User
from django.contrib.auth.signals import user_logged_in, user_logged_out, user_login_failed
from django.dispatch import receiver

from access import audit
from access.models import AuditOutcome


@receiver(user_logged_in, dispatch_uid="audit.signed_in")
def signed_in(sender: Any, user: User, **_: Any) -> None:
    _record(user, "Sign in")


@receiver(user_logged_out, dispatch_uid="audit.signed_out")
def signed_out(sender: Any, user: User | None, **_: Any) -> None:
    if user is not None:
        _record(user, "Sign out")


@receiver(user_login_failed, dispatch_uid="audit.failed")
def failed(sender: Any, credentials: dict[str, Any], **_: Any) -> None:
    """Nobody is known yet: the address that was tried stands as the actor's name. The password is never in `credentials` here."""
    tried = str(credentials.get("email") or credentials.get("username") or "")[:254]
    with structlog.contextvars.bound_contextvars(actor_name=tried):
        audit.record(
            None,
            "Sign in",
            entity_type="user",
            entity_name=tried[:253],
            outcome=AuditOutcome.FAILED,
            message="wrong address or password",
        )


@receiver(password_changed, dispatch_uid="audit.password")
def changed_password(sender: Any, user: User, **_: Any) -> None:
    _record(user, "Password change")


def _record(user: User, action: str) -> None:
    audit.record(user, action, entity_type="user", entity_id=user.pk, entity_name=user.email)
