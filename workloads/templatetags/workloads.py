"""{% workload_actions record as actions %}: what the person may ask of a row, with one query a permission and page."""

from django.template import Context, Library

from access.checks import Person, scopes_with
from access.permissions import Permission
from access.scopes import covers
from workloads.models import Workload
from workloads.priorities import label_of
from workloads.queries import Actions, actions_in

register = Library()
_KEPT = "_workload_scopes"


@register.simple_tag(takes_context=True)
def workload_actions(context: Context, workload: Workload) -> Actions:
    request = context["request"]
    scopes: dict[str, list[str]] | None = getattr(request, _KEPT, None)
    if scopes is None:
        scopes = _scopes_of(request.user)
        setattr(request, _KEPT, scopes)

    def may(permission: Permission) -> bool:
        return any(covers(scope, workload.project.scope) for scope in scopes[permission])

    return actions_in(
        workload,
        edits=may(Permission.EDIT_WORKLOADS),
        deletes=may(Permission.DELETE_WORKLOADS),
        submits=may(Permission.SUBMIT_WORKLOADS),
    )


@register.filter
def priority_words(name: str) -> str:
    return label_of(name)


def _scopes_of(person: Person) -> dict[str, list[str]]:
    wanted = (Permission.EDIT_WORKLOADS, Permission.DELETE_WORKLOADS, Permission.SUBMIT_WORKLOADS)
    return {permission: scopes_with(person, permission) for permission in wanted}
