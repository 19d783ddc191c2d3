"""Pages of rights, people, the audit log and one's own account."""

from typing import Any, cast

from django.conf import settings
from django.contrib import messages
from django.contrib.auth.decorators import login_required
from django.contrib.auth.models import User
from django.db.models import Count, QuerySet
from django.http import HttpRequest, HttpResponse, HttpResponseRedirect, JsonResponse
from django.http.response import HttpResponseBase
from django.shortcuts import get_object_or_404, redirect, render
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_GET, require_http_methods, require_POST

from access import queries, scope_names, services
from access.checks import may_anywhere, require_anywhere
from access.errors import InvalidInput
from access.events import changes_of, document_of
from access.forms import PersonForm, RuleForm, TokenForm, accepted, posted
from access.models import AuditEvent
from access.permissions import Permission
from access.roles import ROLES
from access.tables import AuditFilters, AuditTable, PersonTable, RuleFilters, RuleTable
from ui.list_pages import ListPage

INVALID = 422


def person_of(request: HttpRequest) -> User:
    return cast(User, request.user)  # login_required has seen to it


# --- rights ------------------------------------------------------------------------------------------------------------------------


@login_required
@require_GET
def rule_list(request: HttpRequest) -> HttpResponseBase:
    require_anywhere(request.user, Permission.VIEW_ACCESS)
    page = ListPage(
        request,
        key="rules",
        table=RuleTable,
        rows=queries.visible_rules(request.user),
        noun="right",
        filters=RuleFilters,
        search=("user__email", "user__first_name", "user__last_name"),
        placeholder="Search person",
    )
    editable = {place.scope for place in scope_names.where(request.user, Permission.EDIT_ACCESS)}
    shown = {rule.scope for rule in page.found}
    context = {
        "may_give": bool(editable),
        "may_see_people": may_anywhere(request.user, Permission.VIEW_USERS),
        "section": "rules",
    }
    page.scope_names, page.editable = scope_names.names_of(shown), editable  # type: ignore[attr-defined]  # for the cells
    return page.response("access/rules.html", context)


@login_required
@require_http_methods(["GET", "POST"])
def give_rule(request: HttpRequest) -> HttpResponse:
    require_anywhere(request.user, Permission.EDIT_ACCESS)
    form = RuleForm(posted(request), giver=person_of(request), initial=request.GET.dict())
    if request.method == "POST" and accepted(form, lambda data: _give(request, data)):
        return redirect("access:rules")
    return render(request, "access/give_rule.html", {"form": form}, status=INVALID if form.errors else 200)


def _give(request: HttpRequest, data: dict[str, Any]) -> None:
    person = services.person_with(data["email"])
    place = scope_names.names_of([data["scope"]])[data["scope"]]
    services.give_role(
        actor=person_of(request), person=person, role=data["role"], scope=data["scope"], place=place
    )
    messages.success(request, f"{person.email} is now {ROLES[data['role']].label} of the {place}.")


@login_required
@require_POST
def take_rule(request: HttpRequest, rule_id: int) -> HttpResponse:
    rule = get_object_or_404(queries.visible_rules(request.user), pk=rule_id)
    place = scope_names.names_of([rule.scope])[rule.scope]
    try:
        services.take_role(actor=person_of(request), rule=rule, place=place)
    except InvalidInput as refusal:
        messages.warning(request, str(refusal))
    else:
        messages.success(request, f"{rule.user.email} is no longer {ROLES[rule.role].label} of the {place}.")
    return redirect("access:rules")


# --- people ------------------------------------------------------------------------------------------------------------------------


@login_required
@require_GET
def people(request: HttpRequest) -> HttpResponseBase:
    require_anywhere(request.user, Permission.VIEW_USERS)
    page = ListPage(
        request,
        key="people",
        table=PersonTable,
        rows=queries.visible_people(request.user).annotate(rule_count=Count("access_rules", distinct=True)),
        noun="person",
        search=("email", "first_name", "last_name"),
    )
    may_edit = may_anywhere(request.user, Permission.EDIT_USERS)
    page.may_edit = may_edit  # type: ignore[attr-defined]  # for the cells
    return page.response("access/people.html", {"may_edit": may_edit, "section": "people"})


@login_required
@never_cache
@require_http_methods(["GET", "POST"])
def add_person(request: HttpRequest) -> HttpResponse:
    """Answers with the first password, once: it is not stored and not in the address."""
    require_anywhere(request.user, Permission.EDIT_USERS)
    form = PersonForm(posted(request))
    made: dict[str, Any] = {}

    def create(data: dict[str, Any]) -> None:
        made["person"], made["password"] = services.create_person(actor=person_of(request), **data)

    if request.method == "POST" and accepted(form, create):
        return render(request, "access/new_password.html", {**made, "is_new": True})
    return render(request, "access/add_person.html", {"form": form}, status=INVALID if form.errors else 200)


@login_required
@require_POST
def open_or_close(request: HttpRequest, person_id: int) -> HttpResponse:
    person = get_object_or_404(queries.visible_people(request.user), pk=person_id)
    is_active = request.POST.get("active") == "yes"
    try:
        services.set_active(actor=person_of(request), person=person, is_active=is_active)
    except InvalidInput as refusal:
        messages.warning(request, str(refusal))
    else:
        messages.success(request, f"The account of {person.email} is {'open' if is_active else 'closed'}.")
    return redirect("access:people")


@login_required
@never_cache
@require_POST
def reset_password(request: HttpRequest, person_id: int) -> HttpResponse:
    person = get_object_or_404(queries.visible_people(request.user), pk=person_id)
    password = services.reset_password(actor=person_of(request), person=person)
    return render(request, "access/new_password.html", {"person": person, "password": password})


# --- the audit log -----------------------------------------------------------------------------------------------------------------


@login_required
@require_GET
def audit_log(request: HttpRequest) -> HttpResponseBase:
    require_anywhere(request.user, Permission.VIEW_AUDIT)
    page = ListPage(
        request,
        key="audit",
        table=AuditTable,
        rows=queries.visible_events(request.user),
        noun="event",
        filters=AuditFilters,
        search=("entity_name", "actor_name", "message", "request_id"),
        placeholder="Search name, person, request",
    )
    if request.GET.get("format") == "json":
        return _audit_json(request, page)
    return page.response("access/audit.html", {"json_link": page.link(format="json", page=None)})


def _audit_json(request: HttpRequest, page: ListPage) -> HttpResponse:
    most, rows = settings.CSV_ROWS_AT_MOST, cast("QuerySet[AuditEvent]", page.found)
    count = rows.count()
    if count > most:
        messages.warning(
            request, f"Downloads hold at most {most} events; this list has {count}. Add a filter."
        )
        return HttpResponseRedirect(page.link(format=None))
    answer = JsonResponse({"events": [document_of(event) for event in rows.order_by("-at", "-pk")]})
    answer["Content-Disposition"] = 'attachment; filename="audit.json"'
    return answer


@login_required
@require_GET
def audit_event(request: HttpRequest, event_id: int) -> HttpResponse:
    event = get_object_or_404(queries.visible_events(request.user), pk=event_id)
    return render(request, "access/event.html", {"event": event, "changes": changes_of(event)})


# --- one's own account -------------------------------------------------------------------------------------------------------------


@login_required
@never_cache
@require_http_methods(["GET", "POST"])
def account(request: HttpRequest) -> HttpResponse:
    """Who I am, what I may do where, and my tokens. A new token is shown in the answer to its form, once."""
    form = TokenForm(posted(request))
    shown: dict[str, Any] = {}

    def create(data: dict[str, Any]) -> None:
        shown["token"], shown["text"] = services.create_token(person=person_of(request), **data)

    if request.method == "POST" and accepted(form, create):
        form = TokenForm()
    person = person_of(request)
    rules = queries.rules_of(person)
    names = scope_names.names_of({rule.scope for rule in rules})
    context = {
        "form": form,
        "shown": shown,
        "rights": [(ROLES[rule.role], names[rule.scope], rule) for rule in rules],
        "tokens": queries.own_tokens(person),
    }
    return render(request, "access/account.html", context, status=INVALID if form.errors else 200)


@login_required
@require_POST
def revoke_token(request: HttpRequest, token_id: int) -> HttpResponse:
    token = get_object_or_404(queries.own_tokens(person_of(request)), pk=token_id)
    services.revoke_token(person=person_of(request), token=token)
    messages.success(request, f"The token {token.name} is revoked.")
    return redirect("access:account")
