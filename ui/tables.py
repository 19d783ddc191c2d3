"""Tables and their columns, on django-tables2. A list page (ui/list_pages.py) adds search, filters, views, CSV and paging."""

from collections.abc import Callable
from typing import Any

import django_tables2 as tables
from django.utils.html import format_html
from django.utils.safestring import SafeString

from ui import wording


class ListTable(tables.Table):  # type: ignore[misc]  # django-tables2 is untyped
    """Every list of the product. A subclass names its columns and, in class attributes:

    `locked`: columns that cannot be hidden; `optional`: columns hidden until chosen; `selectable`: check boxes;
    `live`: the topic of the event stream whose ids are the rows' ids; `row_actions`: a template for the row's last cell.
    """

    locked: tuple[str, ...] = ()
    optional: tuple[str, ...] = ()
    selectable: bool = False
    live: str = ""
    row_actions: str = ""

    class Meta:
        template_name = "ui/data_table.html"
        order_by_field = "sort"
        default = format_html('<span class="muted">{}</span>', wording.DASH)

    def row_id(self, record: Any) -> str:
        return str(record["id"] if isinstance(record, dict) else getattr(record, "pk", None) or record.id)

    def row_name(self, record: Any) -> str:
        """What a screen reader calls the row."""
        return str(record["name"] if isinstance(record, dict) else getattr(record, "name", record))


def styled(kwargs: dict[str, Any], css: str, *, minor: bool) -> dict[str, Any]:
    """Column arguments with the classes of its cells; `minor` columns give way on narrow screens."""
    names = " ".join(filter(None, [css, "minor" if minor else ""]))
    attrs = {"td": {"class": names}, "th": {"class": names}} if names else {}
    return {"attrs": attrs, **kwargs}


class TextColumn(tables.Column):  # type: ignore[misc]  # django-tables2 is untyped
    def __init__(self, css: str = "", *, minor: bool = True, **kwargs: Any) -> None:
        super().__init__(**styled(kwargs, css, minor=minor))


class NumberColumn(tables.Column):  # type: ignore[misc]  # django-tables2 is untyped
    """Right-aligned; `word` writes the value (a number by default); CSV carries the bare value."""

    def __init__(
        self,
        word: Callable[[Any], str] = wording.number,
        css: str = "n",
        *,
        minor: bool = True,
        **kwargs: Any,
    ) -> None:
        super().__init__(**styled(kwargs, css, minor=minor))
        self.word = word

    def render(self, value: Any) -> str:
        return self.word(value)

    def value(self, value: Any) -> Any:
        return value


class CellColumn(tables.TemplateColumn):  # type: ignore[misc]  # django-tables2 is untyped
    """A cell drawn by a template that gets `record`, `value` and the page's `now`; `csv` gives the CSV value of a record."""

    def __init__(
        self,
        template_name: str,
        css: str = "",
        *,
        minor: bool = True,
        csv: Callable[[Any], Any] | None = None,
        **kwargs: Any,
    ) -> None:
        super().__init__(template_name=template_name, **styled(kwargs, css, minor=minor))
        self.csv = csv

    def value(self, **kwargs: Any) -> Any:
        if self.csv is not None:
            return self.csv(kwargs["record"])
        text = super().value(**kwargs)
        return " ".join(str(text).split())


class NameColumn(CellColumn):
    """The first column: the name as a link, below it a hint. The record gives `get_absolute_url()` unless `url` is named."""

    def __init__(self, template_name: str = "ui/_name_cell.html", **kwargs: Any) -> None:
        super().__init__(template_name, minor=False, **kwargs)


class StatusColumn(CellColumn):
    """The wide column; its template uses {% status %}."""

    def __init__(self, template_name: str, **kwargs: Any) -> None:
        super().__init__(template_name, css="wide", minor=False, **kwargs)


def dash() -> SafeString:
    return format_html('<span class="muted">{}</span>', wording.DASH)
