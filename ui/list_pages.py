"""A list page: one table with views, search, filters, sort, columns, CSV and pages; its state is its address."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any, cast

from django.conf import settings
from django.contrib import messages
from django.core.exceptions import ValidationError
from django.core.paginator import Paginator
from django.db.models import QuerySet
from django.http import HttpRequest, HttpResponseRedirect
from django.http.response import HttpResponseBase
from django.shortcuts import render
from django.template import Context
from django.utils.functional import cached_property
from django_filters import FilterSet

from ui import csv_files, preferences
from ui.context import now
from ui.filters import Chip, chips_of, search_condition
from ui.pagination import ROWS_A_PAGE, AddressOf, Paging, describe
from ui.tables import ListTable
from ui.wording import number

Rows = QuerySet[Any] | Sequence[Any]


@dataclass(frozen=True)
class View:
    """A saved query as a tab; `narrow` takes all rows the person may see. `counted` shows how many there are."""

    key: str
    label: str
    narrow: Callable[[Any], Any] = lambda rows: rows
    counted: bool = True


@dataclass(frozen=True)
class Column:
    name: str
    label: str
    is_shown: bool
    is_locked: bool


class ListPage:
    """Built by a view, drawn by {% list_page page %}; `response` answers the page, its fragment, one row or the CSV.

    `rows` are what the person may see: a query set, or a sequence (then without `filters`; `search` names attributes).
    `noun` is what a row is called ("workload"), for the sentences.
    """

    def __init__(
        self,
        request: HttpRequest,
        *,
        key: str,
        table: type[ListTable],
        rows: Rows,
        noun: str,
        filters: type[FilterSet] | None = None,
        search: Sequence[str] = (),
        views: Sequence[View] = (),
        placeholder: str = "",
    ) -> None:
        self.request, self.key, self.rows, self.noun = request, key, rows, noun
        self.table_class, self.search_fields, self.views = table, search, views
        self.placeholder = placeholder or f"Search {noun}"
        self.query = request.GET.get("q", "").strip()
        self.filters = filters(request.GET, queryset=rows, request=request) if filters else None

    # --- which rows ------------------------------------------------------------------------------------------------------

    @cached_property
    def view(self) -> View | None:
        wanted = self.request.GET.get("view", "")
        return next((v for v in self.views if v.key == wanted), self.views[0] if self.views else None)

    @cached_property
    def found(self) -> Rows:
        """The rows of this view that match search and filters; none when a filter cannot be read."""
        if self.errors:
            return cast("QuerySet[Any]", self.rows).none()
        return self.searched(self.filtered(self.view.narrow(self.rows) if self.view else self.rows))

    def filtered(self, rows: Rows) -> Rows:
        if self.filters is None:
            return rows
        self.filters.form.is_valid()  # reads cleaned_data
        return cast(Rows, self.filters.filter_queryset(rows))

    def searched(self, rows: Rows) -> Rows:
        if not self.query:
            return rows
        if isinstance(rows, QuerySet):
            return rows.filter(search_condition(self.search_fields, self.query))
        words = self.query.lower().split()
        texts = [
            (" ".join(str(getattr(row, f, "")) for f in self.search_fields).lower(), row) for row in rows
        ]
        return [row for text, row in texts if all(word in text for word in words)]

    @cached_property
    def errors(self) -> list[str]:
        if self.filters is None or self.filters.form.is_valid():
            return []
        fields = self.filters.form.fields
        return [
            f"{fields[name].label or name}: {' '.join(e)}" for name, e in self.filters.form.errors.items()
        ]

    @property
    def chips(self) -> list[Chip]:
        return chips_of(self.filters, self.request.GET, self.request.path) if self.filters else []

    @property
    def is_selectable(self) -> bool:
        """For templates, which would call the table class itself."""
        return self.table_class.selectable

    @property
    def is_narrowed(self) -> bool:
        return bool(self.query or self.chips or self.errors)

    def relaxations(self) -> list[dict[str, Any]]:
        """For an empty list: which single filter, taken away, would give rows, and how many."""
        found: list[dict[str, Any]] = []
        if self.filters is None:
            return found
        rows = self.view.narrow(self.rows) if self.view else self.rows
        for chip in self.chips:
            query = self.request.GET.copy()
            query.pop(chip.name, None)
            again = type(self.filters)(query, queryset=self.rows, request=self.request)
            again.form.is_valid()
            count = size(self.searched(again.filter_queryset(rows)))
            if count:
                found.append({"text": f"without {chip.field.lower()}", "count": count, "url": chip.without})
        return found

    # --- how they are shown ----------------------------------------------------------------------------------------------

    def tabs(self) -> list[dict[str, Any]]:
        return [
            {
                "label": view.label,
                "url": self.request.path if i == 0 else f"{self.request.path}?view={view.key}",
                "count": size(view.narrow(self.rows)) if view.counted else None,
                "current": view == self.view,
            }
            for i, view in enumerate(self.views)
        ]

    @cached_property
    def columns(self) -> list[Column]:
        """In the table's order; chosen by the person, else the standard ones."""
        chosen = preferences.columns(self.request, self.key)
        named = self.table_class.base_columns.items()
        return [
            Column(
                name,
                str(column.verbose_name or name.replace("_", " ").capitalize()),
                name in self.table_class.locked
                or (name not in self.table_class.optional if chosen is None else name in chosen),
                name in self.table_class.locked,
            )
            for name, column in named
        ]

    def table_of(self, rows: Rows) -> ListTable:
        hidden = [column.name for column in self.columns if not column.is_shown]
        known = set(self.table_class.base_columns)
        sort = [
            name for name in self.request.GET.get("sort", "").split(",") if name.removeprefix("-") in known
        ]
        table = self.table_class(
            rows, exclude=hidden, request=self.request, **({"order_by": sort} if sort else {})
        )
        table.context = Context({"now": now(), "request": self.request, "page": self})
        ordered = table.data.data
        if isinstance(ordered, QuerySet) and "pk" not in ordered.query.order_by:
            table.data.data = ordered.order_by(
                *ordered.query.order_by, "pk"
            )  # total: pages never repeat a row
        return table

    @cached_property
    def table(self) -> ListTable:
        table = self.table_of(self.found)
        table.paginate(paginator_class=Paginator, page=self.number, per_page=ROWS_A_PAGE)
        return table

    @cached_property
    def number(self) -> int:
        """The asked page; past the end the last one, as rows may have gone since the link was made."""
        text = self.request.GET.get("page", "1")
        asked = int(text) if text.isdigit() else 1
        return max(1, min(asked, -(-size(self.found) // ROWS_A_PAGE)))

    @property
    def paging(self) -> Paging:
        return describe(self.table.page, AddressOf(self.link(page=None)))

    def link(self, **changes: str | None) -> str:
        """This page's address with some parameters changed; None takes one away."""
        query = self.request.GET.copy()
        for name, value in {"row": None, **changes}.items():
            query.pop(name, None)
            if value is not None:
                query[name] = value
        return f"{self.request.path}?{query.urlencode()}" if query else f"{self.request.path}?"

    @property
    def csv_link(self) -> str:
        return self.link(format="csv", page=None)

    def row_link(self, identifier: str) -> str:
        return self.link(row=identifier)

    # --- answers ---------------------------------------------------------------------------------------------------------

    def response(self, template: str, context: dict[str, Any] | None = None) -> HttpResponseBase:
        """CSV for ?format=csv, one row for ?row=id, the list alone for its own htmx requests, else the whole page."""
        htmx = getattr(self.request, "htmx", None)
        if self.request.GET.get("format") == "csv":
            return self.csv()
        if "row" in self.request.GET:
            return self.row(self.request.GET["row"])
        if htmx and htmx.target == f"{self.key}-list":
            return render(self.request, "ui/list_page.html", {**(context or {}), "page": self})
        return render(self.request, template, {**(context or {}), "page": self})

    def csv(self) -> HttpResponseBase:
        count, most = size(self.found), settings.CSV_ROWS_AT_MOST
        if count > most:
            messages.error(
                self.request,
                f"CSV files hold at most {number(most)} rows; this list has {number(count)}. Add a filter.",
            )
            return HttpResponseRedirect(self.link(format=None))
        return csv_files.csv_response(self.key, self.table_of(self.found).as_values())

    def row(self, identifier: str) -> HttpResponseBase:
        """The row as it is now, whatever the filters say; a bare line when it is gone or may not be seen any more."""
        if isinstance(self.rows, QuerySet):
            one: Rows = with_key(self.rows, identifier)
        else:
            one = [row for row in self.rows if self.table_class([]).row_id(row) == identifier]
        context = {"page": self, "table": self.table_of(one), "identifier": identifier}
        return render(self.request, "ui/_row_alone.html", context)


def size(rows: Rows) -> int:
    return rows.count() if isinstance(rows, QuerySet) else len(rows)


def with_key(rows: QuerySet[Any], identifier: str) -> QuerySet[Any]:
    """The row of that primary key; none for a text that cannot be one (a number for a UUID, say)."""
    try:
        return rows.filter(pk=identifier)
    except (ValueError, ValidationError):
        return rows.none()
