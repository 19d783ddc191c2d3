"""Writes: rights, people and personal tokens. One function is one intention of one person."""

import secrets
from datetime import timedelta

from django.conf import settings
from django.contrib.auth.models import User
from django.core.exceptions import ValidationError
from django.core.validators import validate_email
from django.db import transaction
from django.utils import timezone
from knox.models import AuthToken

from access import audit
from access.checks import require, scopes_with, within
from access.errors import InvalidInput, NameTaken, NotAllowed
from access.models import AccessRule, AuditEvent, PersonalToken
from access.permissions import Permission
from access.roles import ROLES, SYSTEM_ADMINISTRATOR
from access.scopes import ancestors, is_tenant

TOKENS_AT_MOST = 100
TOKEN_DAYS_AT_MOST = 365
TOKEN_NAME_AT_MOST = 80
NAME_AT_MOST = 150
"""Of Django's user table, where the address is the user name too."""


# --- rights ------------------------------------------------------------------------------------------------------------------------


def person_with(email: str) -> User:
    """The account of that address, in any case of letters; raises InvalidInput."""
    person = (
        User.objects.filter(email__iexact=email.strip(), is_active=True).first() if email.strip() else None
    )
    if person is None:
        raise InvalidInput(
            {"email": [f"Nobody with the address {email.strip() or '(empty)'} has an account."]}
        )
    return person


@transaction.atomic
def give_role(*, actor: User, person: User, role: str, scope: str, place: str = "") -> AccessRule:
    """Only roles whose every permission the giver holds there too. `place` is the name of the scope, for the audit log."""
    require(actor, Permission.EDIT_ACCESS, on=scope)
    if role not in ROLES:
        raise InvalidInput({"role": [f"There is no role {role}; there are {', '.join(ROLES)}."]})
    _refuse_more_than_own(actor, role, scope)
    rule, is_new = AccessRule.objects.get_or_create(
        user=person, role=role, scope=scope, defaults={"created_by": actor}
    )
    if not is_new:
        raise InvalidInput({"email": [f"{person.email} is {ROLES[role].label} here already."]})
    _record_rule(actor, "Create", rule, place)
    return rule


def _refuse_more_than_own(actor: User, role: str, scope: str) -> None:
    held: set[Permission] = set()
    for own in AccessRule.objects.filter(user=actor, scope__in=ancestors(scope)):
        held |= ROLES[own.role].permissions
    missing = ROLES[role].permissions - held
    if missing:
        raise NotAllowed(
            f"You may give only what you have here: {ROLES[role].label} may also {', '.join(sorted(missing))}.",
            missing=min(missing),
            roles=(SYSTEM_ADMINISTRATOR.key,),
        )


@transaction.atomic
def take_role(*, actor: User, rule: AccessRule, place: str = "") -> None:
    """The last system administrator of a scope keeps the role: somebody must be able to give it again."""
    require(actor, Permission.EDIT_ACCESS, on=rule.scope)
    _refuse_more_than_own(actor, rule.role, rule.scope)
    _refuse_last_administrator(rule.user, [rule])
    _record_rule(actor, "Delete", rule, place)
    rule.delete()


def _refuse_last_administrator(person: User, rules: list[AccessRule]) -> None:
    for rule in rules:
        if rule.role != SYSTEM_ADMINISTRATOR.key or not person.is_active:
            continue
        others = AccessRule.objects.select_for_update().filter(
            role=rule.role, scope__in=ancestors(rule.scope), user__is_active=True
        )
        if not others.exclude(pk=rule.pk).exists():
            raise InvalidInput(
                {"": [f"{person.email} is the last system administrator: name another one first."]}
            )


def _record_rule(actor: User, action: str, rule: AccessRule, place: str) -> None:
    document = {"person": rule.user.email, "role": rule.role, "scope": rule.scope, "place": place}
    audit.record(
        actor,
        action,
        entity_type="access-rule",
        entity_id=rule.pk,
        entity_name=f"{rule.user.email} {ROLES[rule.role].label}",
        scope=rule.scope,
        before=document if action == "Delete" else None,
        after=document if action == "Create" else None,
    )


# --- people ------------------------------------------------------------------------------------------------------------------------


@transaction.atomic
def create_person(*, actor: User, email: str, first_name: str = "", last_name: str = "") -> tuple[User, str]:
    """The account and its first password, which is shown once and stored nowhere."""
    _require_people(actor)
    email = email.strip().lower()
    try:
        validate_email(email)
    except ValidationError as error:
        raise InvalidInput({"email": list(error.messages)}) from error
    if len(email) > NAME_AT_MOST:
        raise InvalidInput({"email": [f"At most {NAME_AT_MOST} characters."]})
    for field, value in (("first_name", first_name), ("last_name", last_name)):
        if len(value) > NAME_AT_MOST:
            raise InvalidInput({field: [f"At most {NAME_AT_MOST} characters."]})
    if User.objects.filter(email__iexact=email).exists():
        raise NameTaken({"email": [f"{email} has an account already."]})
    password = new_password()
    person = User.objects.create_user(email, email, password, first_name=first_name, last_name=last_name)
    _record_person(actor, "Create", person, after={"email": email, "name": person.get_full_name()})
    return person, password


@transaction.atomic
def set_active(*, actor: User, person: User, is_active: bool) -> User:
    """An account is closed, not deleted: what its person did stays readable. Closing ends sessions and tokens at once."""
    _require_people(actor, person)
    if not is_active:
        if person.pk == actor.pk:
            raise InvalidInput({"": ["You cannot close your own account."]})
        _refuse_last_administrator(person, list(AccessRule.objects.filter(user=person)))
        end_tokens(person)
    before = person.is_active
    person.is_active = is_active
    person.save(update_fields=["is_active"])
    _record_person(actor, "Update", person, before={"active": before}, after={"active": is_active})
    return person


@transaction.atomic
def reset_password(*, actor: User, person: User) -> str:
    """A new password, shown once. The person's sessions and tokens end."""
    _require_people(actor, person)
    password = new_password()
    person.set_password(password)
    person.save(update_fields=["password"])
    end_tokens(person)
    _record_person(actor, "Password reset", person)
    return password


@transaction.atomic
def change_password(*, person: User, password: str) -> None:
    """One's own; the caller has seen the old one and that the new one is good enough. Tokens stay: they may be the client asking."""
    person.set_password(password)
    person.save(update_fields=["password"])
    _record_person(person, "Password change", person)


def new_password() -> str:
    return secrets.token_urlsafe(15)


def _require_people(actor: User, person: User | None = None) -> None:
    """Accounts are for administrators of a whole tenant; one with rights elsewhere too is not theirs alone."""
    scopes = [scope for scope in scopes_with(actor, Permission.EDIT_USERS) if is_tenant(scope)]
    if not scopes:
        raise NotAllowed(
            f"This needs the role {SYSTEM_ADMINISTRATOR.label}.",
            missing=Permission.EDIT_USERS,
            roles=(SYSTEM_ADMINISTRATOR.key,),
        )
    if person and AccessRule.objects.filter(user=person).exclude(within(scopes)).exists():
        raise NotAllowed(
            f"{person.email} also has rights in another tenant.",
            missing=Permission.EDIT_USERS,
            roles=(SYSTEM_ADMINISTRATOR.key,),
        )


def _record_person(
    actor: User,
    action: str,
    person: User,
    *,
    before: dict[str, object] | None = None,
    after: dict[str, object] | None = None,
) -> None:
    audit.record(
        actor,
        action,
        entity_type="user",
        entity_id=person.pk,
        entity_name=person.email,
        before=before,
        after=after,
    )


# --- personal tokens ---------------------------------------------------------------------------------------------------------------


@transaction.atomic
def create_token(*, person: User, name: str, days: int) -> tuple[PersonalToken, str]:
    """A token with the person's own rights; its text is shown once and only its digest is stored."""
    name = name.strip()
    if not 1 <= len(name) <= TOKEN_NAME_AT_MOST:
        raise InvalidInput({"name": [f"From 1 to {TOKEN_NAME_AT_MOST} characters."]})
    if not 1 <= days <= TOKEN_DAYS_AT_MOST:
        raise InvalidInput({"days": [f"From 1 to {TOKEN_DAYS_AT_MOST} days."]})
    if PersonalToken.objects.filter(user=person).count() >= TOKENS_AT_MOST:
        raise InvalidInput(
            {"": [f"You have {TOKENS_AT_MOST} tokens, the most there may be: revoke one first."]}
        )
    if PersonalToken.objects.filter(user=person, name=name).exists():
        raise NameTaken({"name": [f"You have a token {name} already."]})
    stored, text = AuthToken.objects.create(user=person, expiry=timedelta(days=days))
    token = PersonalToken.objects.create(
        user=person, name=name, digest=stored.digest, expires_at=stored.expiry
    )
    _record_token(person, "Create", token, after={"name": name, "days": days})
    return token, text


@transaction.atomic
def revoke_token(*, person: User, token: PersonalToken) -> None:
    _record_token(person, "Delete", token, before={"name": token.name})
    AuthToken.objects.filter(digest=token.digest).delete()
    token.delete()


def end_tokens(person: User) -> None:
    """All of them, named or not."""
    AuthToken.objects.filter(user=person).delete()
    PersonalToken.objects.filter(user=person).delete()


def _record_token(
    person: User,
    action: str,
    token: PersonalToken,
    *,
    before: dict[str, object] | None = None,
    after: dict[str, object] | None = None,
) -> None:
    audit.record(
        person,
        action,
        entity_type="token",
        entity_id=token.pk,
        entity_name=token.name,
        before=before,
        after=after,
    )


@transaction.atomic
def sign_in_by_password(*, person: User, seconds: int) -> str:
    """A token for a client that has shown the person's password; the view has checked it."""
    _, text = AuthToken.objects.create(user=person, expiry=timedelta(seconds=seconds))
    audit.record(
        person,
        "Sign in",
        entity_type="user",
        entity_id=person.pk,
        entity_name=person.email,
        message="by API token",
    )
    return str(text)


# --- keeping house -----------------------------------------------------------------------------------------------------------------


def forget_old() -> None:
    """Events past their days and tokens past their end; the settings say how many days are promised."""
    now = timezone.now()
    AuditEvent.objects.filter(at__lt=now - timedelta(days=settings.AUDIT_KEPT_DAYS)).delete()
    AuthToken.objects.filter(expiry__lt=now).delete()
    PersonalToken.objects.filter(expires_at__lt=now - timedelta(days=settings.AUDIT_KEPT_DAYS)).delete()
