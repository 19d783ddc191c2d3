"""Whether a person may: the one place that reads AccessRule to decide."""

from django.contrib.auth.models import AnonymousUser, User
from django.db.models import Q

from access.errors import NotAllowed
from access.models import AccessRule
from access.permissions import Permission
from access.roles import ROLES, roles_granting
from access.scopes import ancestors, widest

Person = User | AnonymousUser


def scopes_with(person: Person, permission: Permission) -> list[str]:
    """The widest scopes on which `person` holds `permission`, sorted; empty for strangers."""
    if not person.is_authenticated or not person.is_active:
        return []
    granted = AccessRule.objects.filter(user_id=person.pk, role__in=roles_granting(permission))
    return widest(granted.values_list("scope", flat=True))


def may(person: Person, permission: Permission, *, on: str) -> bool:
    if not person.is_authenticated or not person.is_active:
        return False
    return AccessRule.objects.filter(
        user_id=person.pk, role__in=roles_granting(permission), scope__in=ancestors(on)
    ).exists()


def permissions_anywhere(person: Person) -> frozenset[Permission]:
    """Everything the person may do somewhere, in one query: what the menu is drawn from."""
    if not person.is_authenticated or not person.is_active:
        return frozenset()
    held = AccessRule.objects.filter(user_id=person.pk).values_list("role", flat=True).distinct()
    return frozenset().union(*(ROLES[role].permissions for role in held if role in ROLES))


def may_anywhere(person: Person, permission: Permission) -> bool:
    return bool(scopes_with(person, permission))


def require(person: Person, permission: Permission, *, on: str, place: str = "here") -> None:
    """Raises NotAllowed, naming the roles that would allow it and, in words, the place where.

    For objects the person may not even see, use a query (404).
    """
    if may(person, permission, on=on):
        return
    roles = roles_granting(permission)
    names = " or ".join(ROLES[key].label for key in roles)
    raise NotAllowed(f"This needs the role {names} {place}.", missing=permission, roles=roles)


def require_anywhere(person: Person, permission: Permission) -> None:
    """For forms that ask where only later; raises NotAllowed."""
    if not may_anywhere(person, permission):
        roles = roles_granting(permission)
        names = " or ".join(ROLES[key].label for key in roles)
        raise NotAllowed(f"This needs the role {names}.", missing=permission, roles=roles)


def within(scopes: list[str], *, field: str = "scope") -> Q:
    """A filter for rows whose scope path lies in one of `scopes`; matches nothing for no scopes."""
    condition = Q(pk__in=[])
    for scope in scopes:
        condition |= Q(**{f"{field}__startswith": scope})
    return condition
