"""Tags for list pages: the whole list, its rows."""

from collections.abc import Sequence
from typing import Any

from django.template import Context, Library
from django.template.loader import render_to_string

from ui.list_pages import ListPage


def add_to(register: Library) -> None:
    register.simple_tag(list_page, takes_context=True)
    register.simple_tag(plain_table)
    register.filter("row_id", lambda table, record: table.row_id(record))
    register.filter("row_name", lambda table, record: table.row_name(record))
    register.filter("row_link", lambda page, identifier: page.row_link(identifier))
    for small in (split, item, sort_link, nothing_found):
        register.filter(small.__name__, small)


def list_page(context: Context, page: ListPage, **options: Any) -> str:
    """The list with its tools and foot. Options: bulk (template of the verbs), empty (template for "nothing yet"), legend."""
    flat = {key: context.get(key) for key in ("shell", "now", "csrf_token")}
    return render_to_string("ui/list_page.html", {**flat, **options, "page": page}, request=page.request)


def plain_table(headings: Sequence[Any], rows: Sequence[Sequence[Any]], label: str = "") -> str:
    """A small table inside a panel. Headings: text or (text, "n") for numbers; rows: cells in the same order."""
    columns = [h if isinstance(h, (tuple, list)) else (h, "") for h in headings]
    styled = [list(zip(row, [css for _, css in columns], strict=True)) for row in rows]
    return render_to_string("ui/plain_table.html", {"headings": columns, "rows": styled, "label": label})


def split(text: str) -> list[str]:
    return text.split(",")


def item(mapping: Any, key: str) -> Any:
    return mapping.get(key)


def sort_link(page: ListPage, column: Any) -> str:
    """The address that sorts by this column, or turns its order round."""
    return page.link(sort=str(column.order_by_alias.next), page=None)


def nothing_found(page: ListPage) -> str:
    """'No workload matches “llm” and 3 filters'."""
    filters = len(page.chips)
    said = [f"“{page.query}”"] if page.query else []
    if filters:
        said.append("this filter" if filters == 1 else f"these {filters} filters")
    return f"No {page.noun} matches {' and '.join(said)}" if said else f"No {page.noun} here"
