"""What a person may see of rights, people and the audit log."""

from django.contrib.auth.models import User
from django.db.models import Q, QuerySet

from access.checks import Person, scopes_with, within
from access.models import AccessRule, AuditEvent, PersonalToken
from access.permissions import Permission
from access.scopes import is_tenant


def visible_rules(person: Person) -> QuerySet[AccessRule]:
    """Those on scopes whose rights the person may see, and always their own."""
    own = Q(user_id=person.pk) if person.is_authenticated else Q(pk__in=[])
    seen = within(scopes_with(person, Permission.VIEW_ACCESS))
    return AccessRule.objects.filter(own | seen).select_related("user", "created_by")


def rules_on(scopes: list[str]) -> QuerySet[AccessRule]:
    """Rights given on exactly these scopes, narrow ones first. For callers that have checked who asks."""
    return (
        AccessRule.objects.filter(scope__in=scopes).select_related("user").order_by("-scope", "user__email")
    )


def rules_of(person: User) -> list[AccessRule]:
    """One's own rights, wide ones first."""
    return list(AccessRule.objects.filter(user=person).order_by("scope", "role"))


def visible_people(person: Person) -> QuerySet[User]:
    """Everyone with a right in the person's scopes; for those over a whole tenant also who has none yet."""
    scopes = scopes_with(person, Permission.VIEW_USERS)
    rules = AccessRule.objects.filter(within(scopes))
    condition = Q(pk=person.pk) | Q(pk__in=rules.values("user_id"))
    if any(is_tenant(scope) for scope in scopes):
        condition |= Q(access_rules__isnull=True)
    return User.objects.filter(condition).distinct()


def visible_events(person: Person) -> QuerySet[AuditEvent]:
    """Events on the person's scopes; sign-ins and accounts have no scope and are for those over a whole tenant."""
    scopes = scopes_with(person, Permission.VIEW_AUDIT)
    condition = within(scopes)
    if any(is_tenant(scope) for scope in scopes):
        condition |= Q(scope="")
    return AuditEvent.objects.filter(condition)


def own_tokens(person: User) -> QuerySet[PersonalToken]:
    return PersonalToken.objects.filter(user=person)
