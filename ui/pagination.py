"""Pages of a list: fifty rows, and the sentence under the table."""

from dataclasses import dataclass
from typing import Any

from django.core.paginator import Page

from ui.wording import number

ROWS_A_PAGE = 50


@dataclass(frozen=True)
class Paging:
    """`previous` and `following` are addresses, "" at the ends."""

    sentence: str
    previous: str
    following: str
    number: int
    count: int


def describe(page: "Page[Any]", address_of: "AddressOf") -> Paging:
    previous = address_of(page.previous_page_number()) if page.has_previous() else ""
    following = address_of(page.next_page_number()) if page.has_next() else ""
    return Paging(sentence(page), previous, following, page.number, page.paginator.num_pages)


def sentence(page: "Page[Any]") -> str:
    total = page.paginator.count
    if total == 0:
        return "0 rows"
    return f"{number(page.start_index())}–{number(page.end_index())} of {number(total)}"


class AddressOf:
    """Gives the address of a page number."""

    def __init__(self, link: str) -> None:
        """`link` ends with the other parameters of the query string, or with "?"."""
        self.link = link

    def __call__(self, number: int) -> str:
        joint = "" if self.link.endswith(("?", "&")) else "&"
        return f"{self.link}{joint}page={number}"
