"""The list of decisions: its columns and filters."""

import django_filters
from django import forms

from scheduling.models import Decision, Outcome, Verdict
from ui.tables import CellColumn, ListTable, TextColumn


class DecisionTable(ListTable):
    """Newest first. In CSV moments are ISO 8601."""

    gang = CellColumn(
        "scheduling/_gang_cell.html", verbose_name="Workload", minor=False, csv=lambda row: row.gang
    )
    verdict = CellColumn(
        "scheduling/_verdict_cell.html",
        css="wide",
        verbose_name="Decision",
        minor=False,
        csv=lambda row: row.get_verdict_display(),
    )
    pool = TextColumn(accessor="cycle__pool", verbose_name="Pool")
    node = TextColumn(verbose_name="Node")
    outcome = TextColumn(verbose_name="Effect")
    at = CellColumn(
        "scheduling/_at_cell.html",
        css="n",
        accessor="cycle__at",
        verbose_name="At",
        csv=lambda row: row.cycle.at.isoformat(),
    )
    lease_transitions = TextColumn(verbose_name="Lease transition", css="n")
    error = TextColumn(verbose_name="Error")

    locked = ("gang", "verdict")
    optional = ("lease_transitions", "error")

    class Meta(ListTable.Meta):
        order_by = "-at"

    def row_name(self, record: Decision) -> str:
        return f"{record.get_verdict_display()} {record.gang}"


class DecisionFilters(django_filters.FilterSet):  # type: ignore[misc]  # django-filter is untyped
    """A row matches any of the values of a filter."""

    verdict = django_filters.MultipleChoiceFilter(
        label="Decision", choices=Verdict.choices, widget=forms.CheckboxSelectMultiple
    )
    outcome = django_filters.MultipleChoiceFilter(
        label="Effect", choices=Outcome.choices, widget=forms.CheckboxSelectMultiple
    )
    pool = django_filters.CharFilter(field_name="cycle__pool", label="Pool")
    project = django_filters.CharFilter(field_name="queue", label="Project")
    reason = django_filters.CharFilter(label="Reason")

    class Meta:
        model = Decision
        fields = ("verdict", "outcome", "pool", "project", "reason")
