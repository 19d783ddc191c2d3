"""The lists of rights, people and audited events: columns and filters."""

from typing import Any

import django_filters
from django.contrib.auth.models import User
from django.db.models import QuerySet
from django.http import HttpRequest

from access import scope_names
from access.events import as_json
from access.models import AccessRule, AuditEvent, AuditOutcome
from access.roles import ROLES
from ui.tables import CellColumn, ListTable, NameColumn, StatusColumn, TextColumn


def iso(moment: Any) -> str:
    return moment.isoformat() if moment else ""


class RuleTable(ListTable):
    """Who may do what where."""

    person = NameColumn(
        "access/_person_cell.html", accessor="user__email", verbose_name="Person", csv=lambda r: r.user.email
    )
    role = TextColumn(verbose_name="Role", minor=False)
    scope = CellColumn(
        "access/_scope_cell.html",
        verbose_name="Where",
        csv=lambda r: scope_names.names_of([r.scope])[r.scope],
    )
    given_by = TextColumn(accessor="created_by__email", verbose_name="Given by")
    created_at = CellColumn("access/_moment_cell.html", verbose_name="Since", csv=lambda r: iso(r.created_at))
    locked, row_actions = ("person",), "access/_rule_actions.html"

    class Meta(ListTable.Meta):
        order_by = "person"

    def render_role(self, value: str) -> str:
        return ROLES[value].label if value in ROLES else value

    def row_name(self, record: AccessRule) -> str:
        return f"{record.user.email}, {record.role}"


class RuleFilters(django_filters.FilterSet):  # type: ignore[misc]  # django-filter is untyped
    role = django_filters.MultipleChoiceFilter(
        choices=[(r.key, r.label) for r in ROLES.values()], label="Role"
    )


class PersonTable(ListTable):
    email = NameColumn("access/_account_cell.html", verbose_name="Person", csv=lambda u: u.email)
    state = StatusColumn(
        "access/_account_state.html",
        accessor="is_active",
        verbose_name="Account",
        csv=lambda u: "Open" if u.is_active else "Closed",
    )
    rights = TextColumn(accessor="rule_count", verbose_name="Rights", css="n")
    last_login = CellColumn(
        "access/_moment_cell.html", verbose_name="Last sign-in", csv=lambda u: iso(u.last_login)
    )
    date_joined = CellColumn(
        "access/_moment_cell.html", verbose_name="Made", csv=lambda u: iso(u.date_joined)
    )
    locked, row_actions = ("email",), "access/_account_actions.html"

    class Meta(ListTable.Meta):
        order_by = "email"

    def row_name(self, record: User) -> str:
        return record.email


class AuditFilters(django_filters.FilterSet):  # type: ignore[misc]  # django-filter is untyped
    """Dates are whole days in UTC, both ends included."""

    action = django_filters.MultipleChoiceFilter(label="Event")
    entity_type = django_filters.MultipleChoiceFilter(label="Kind")
    outcome = django_filters.ChoiceFilter(choices=AuditOutcome.choices, label="Outcome")
    actor_name = django_filters.CharFilter(lookup_expr="icontains", label="Person")
    since = django_filters.DateFilter(field_name="at", lookup_expr="date__gte", label="From")
    until = django_filters.DateFilter(field_name="at", lookup_expr="date__lte", label="Until")

    def __init__(self, data: Any, queryset: QuerySet[AuditEvent], request: HttpRequest) -> None:
        super().__init__(data, queryset=queryset, request=request)
        for column in ("action", "entity_type"):
            # what the person sees, not all there is: a kind of event would tell of others' deeds
            values = queryset.order_by(column).values_list(column, flat=True).distinct()
            self.filters[column].extra["choices"] = [(value, value) for value in values]


class AuditTable(ListTable):
    """Newest first. The rows of the CSV carry before and after as JSON."""

    at = CellColumn("access/_moment_cell.html", verbose_name="When", minor=False, csv=lambda e: iso(e.at))
    actor_name = TextColumn(verbose_name="Person", minor=False)
    action = TextColumn(verbose_name="Event", minor=False)
    entity_type = TextColumn(verbose_name="Kind")
    entity_name = NameColumn("access/_event_cell.html", verbose_name="Of what", csv=lambda e: e.entity_name)
    change = CellColumn(
        "access/_change_cell.html", verbose_name="Change", empty_values=(), orderable=False, csv=lambda e: ""
    )
    outcome = StatusColumn("access/_outcome_cell.html", verbose_name="Outcome", csv=lambda e: e.outcome)
    source_ip = TextColumn(verbose_name="Address")
    message = TextColumn(verbose_name="Message")
    before = CellColumn("access/_json_cell.html", verbose_name="Before", csv=lambda e: as_json(e.before))
    after = CellColumn("access/_json_cell.html", verbose_name="After", csv=lambda e: as_json(e.after))
    request_id = TextColumn(verbose_name="Request")
    locked = ("at", "entity_name")
    optional = ("source_ip", "message", "before", "after", "request_id")

    class Meta(ListTable.Meta):
        order_by = "-at"

    def row_name(self, record: AuditEvent) -> str:
        return f"{record.action} {record.entity_name}"
