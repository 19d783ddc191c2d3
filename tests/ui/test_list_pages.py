"""A list page: its state is its address, and the address gives the same rows as page, fragment and CSV."""

import csv
import io

import django_filters
import pytest
from django.contrib.auth.models import User
from django.contrib.messages.storage.cookie import CookieStorage
from django.http import HttpRequest
from django.http.response import HttpResponseBase
from django.test import RequestFactory
from django_htmx.middleware import HtmxDetails

from ui import csv_files, preferences
from ui.list_pages import ListPage, View
from ui.tables import CellColumn, ListTable, TextColumn

PEOPLE = ("ada lovelace", "ben aas", "cyd moe", "dan vik", "eva lie")


class PeopleTable(ListTable):
    username = TextColumn(minor=False)
    email = TextColumn()
    first_name = CellColumn("ui/time.html", csv=lambda user: user.first_name)
    locked = ("username",)
    optional = ("email",)
    selectable = True
    live = "people"

    class Meta(ListTable.Meta):
        order_by = "username"


class PeopleFilters(django_filters.FilterSet):
    is_staff = django_filters.MultipleChoiceFilter(label="Staff", choices=[("True", "yes"), ("False", "no")])
    first_name = django_filters.CharFilter(lookup_expr="icontains")
    joined = django_filters.NumberFilter(field_name="id", label="Number")


@pytest.fixture
def people(db: None) -> User:
    for place, name in enumerate(PEOPLE):
        User.objects.create(
            username=name.split()[0], first_name=name, email=f"{place}@x.org", is_staff=place < 2
        )
    return User.objects.get(username="ada")


def ask(person: User, query: str = "", *, target: str = "") -> ListPage:
    request = RequestFactory().get(
        f"/people/?{query}", headers={"hx-request": "true", "hx-target": target} if target else {}
    )
    request.user = person
    request.htmx = HtmxDetails(request)  # type: ignore[attr-defined]
    request.session = {}  # type: ignore[assignment]
    request._messages = CookieStorage(request)  # type: ignore[attr-defined]
    return ListPage(
        request,
        key="people",
        table=PeopleTable,
        rows=User.objects.all(),
        noun="person",
        filters=PeopleFilters,
        search=("username", "first_name"),
        views=[View("all", "All"), View("staff", "Staff", lambda rows: rows.filter(is_staff=True))],
    )


def body(response: HttpResponseBase) -> str:
    if response.streaming:
        return b"".join(response.streaming_content).decode()  # type: ignore[attr-defined]
    return response.content.decode()  # type: ignore[attr-defined]


def names(page: ListPage) -> list[str]:
    return [row.record.username for row in page.table.paginated_rows]


def test_rows_come_in_the_tables_own_order(people: User):
    assert names(ask(people)) == ["ada", "ben", "cyd", "dan", "eva"]


@pytest.mark.parametrize(
    ("query", "found"),
    [
        ("q=a+l", ["ada", "eva"]),
        ("q=LOVE", ["ada"]),
        ("is_staff=False", ["cyd", "dan", "eva"]),
        ("is_staff=False&is_staff=True&first_name=vik", ["dan"]),
        ("view=staff", ["ada", "ben"]),
        ("sort=-username", ["eva", "dan", "cyd", "ben", "ada"]),
        ("view=staff&sort=-username&q=a", ["ben", "ada"]),
        ("sort=no_such_column", ["ada", "ben", "cyd", "dan", "eva"]),
    ],
)
def test_the_address_says_which_rows(people: User, query: str, found: list[str]):
    assert names(ask(people, query)) == found


def test_csv_has_exactly_the_rows_of_the_page(people: User):
    query = "is_staff=False&sort=-username"
    rows = list(csv.reader(io.StringIO(body(ask(people, f"{query}&format=csv").response("unused.html")))))
    assert rows[0] == ["Username", "First name"]
    assert [row[0] for row in rows[1:]] == names(ask(people, query))


def test_a_csv_file_larger_than_promised_is_refused_with_its_size(people: User, settings):
    settings.CSV_ROWS_AT_MOST = 4
    page = ask(people, "format=csv")
    response = page.response("unused.html")
    assert response.status_code == 302
    (message,) = page.request._messages  # type: ignore[attr-defined]
    assert "at most 4 rows; this list has 5" in str(message)


def test_chips_say_what_narrows_and_take_it_away(people: User):
    page = ask(people, "is_staff=True&first_name=ada&q=x&page=2")
    assert [(c.field, c.operator, c.value) for c in page.chips] == [
        ("Staff", "is", "yes"),
        ("First name", "contains", "ada"),
    ]
    assert page.chips[0].without == "/people/?first_name=ada&q=x"


def test_a_filter_that_cannot_be_read_is_told_and_gives_no_rows(people: User):
    page = ask(people, "is_staff=perhaps")
    assert names(page) == []
    assert "perhaps" in page.errors[0]
    assert "This filter cannot be read" in body(
        ask(people, "is_staff=perhaps", target="people-list").response("unused.html")
    )


def test_an_empty_result_offers_only_what_gives_rows(people: User):
    page = ask(people, "is_staff=True&first_name=vik")
    assert names(page) == []
    assert page.relaxations() == [
        {"text": "without staff", "count": 1, "url": "/people/?first_name=vik"},
        {"text": "without first name", "count": 2, "url": "/people/?is_staff=True"},
    ]
    assert "No person matches these 2 filters" in body(
        ask(people, "is_staff=True&first_name=vik", target="people-list").response("unused.html")
    )


def test_columns_are_saved_for_the_person_and_locked_ones_stay(people: User):
    assert [c.name for c in ask(people).columns if c.is_shown] == ["username", "first_name"]
    preferences.save(ask(people).request, "columns.people", ["email"])
    assert [c.name for c in ask(people).columns if c.is_shown] == ["username", "email"]
    html = body(ask(people, target="people-list").response("unused.html"))
    assert "0@x.org" in html


def test_a_row_is_fetched_alone_whatever_the_filters_say(people: User):
    ben = User.objects.get(username="ben")
    html = body(ask(people, f"row={ben.pk}&is_staff=False").response("unused.html"))
    assert f'id="people-{ben.pk}"' in html
    assert html.count("<tr") == 1


@pytest.mark.parametrize("gone", ["999999", "not-a-number"])
def test_a_row_that_is_gone_says_so(people: User, gone: str):
    assert "This person is gone." in body(ask(people, f"row={gone}").response("unused.html"))


def test_a_row_keeps_the_address_it_can_be_fetched_from(people: User):
    html = body(ask(people, "view=staff&sort=-username", target="people-list").response("unused.html"))
    assert f'data-live="people:{people.pk}"' in html
    assert f"sort=-username&amp;row={people.pk}" in html


def test_pages_are_total_and_never_repeat_a_row(people: User):
    User.objects.bulk_create(User(username=f"p{i:03}", first_name="same") for i in range(120))
    seen = [
        row.record.pk
        for number in (1, 2, 3)
        for row in ask(people, f"sort=first_name&page={number}").table.paginated_rows
    ]
    assert sorted(seen) == sorted(User.objects.values_list("pk", flat=True))
    assert ask(people, "page=2").paging.sentence == "51–100 of 125"
    assert ask(people, "page=99").paging.number == 3


def test_a_list_costs_the_same_queries_for_any_number_of_rows(people: User, django_assert_num_queries):
    from django.db import connection
    from django.test.utils import CaptureQueriesContext

    def count() -> int:
        with CaptureQueriesContext(
            connection,
        ) as queries:
            body(ask(people, target="people-list").response("unused.html"))
        return len(queries)

    few = count()
    User.objects.bulk_create(User(username=f"q{i:03}") for i in range(200))
    assert count() == few


def test_a_plain_sequence_is_searched_and_viewed_too(people: User):
    request = ask(people, "q=moe").request
    page = ListPage(
        request,
        key="people",
        table=PeopleTable,
        rows=list(User.objects.all()),
        noun="person",
        search=("first_name",),
    )
    assert [user.username for user in page.found] == ["cyd"]


@pytest.mark.parametrize(
    ("cell", "written"),
    [("=1+1", "'=1+1"), ("@x", "'@x"), ("-5", "'-5"), (-5, -5), (None, ""), ("fine", "fine")],
)
def test_csv_cells_never_run_in_a_spreadsheet(cell: object, written: object):
    assert csv_files.harmless(cell) == written


def test_the_whole_page_is_drawn_with_its_tools(people: User, client):
    client.force_login(people)
    html = client.get("/style-guide/", {"q": "asr"}).content.decode()
    assert "asr-large-ft2" in html
    assert "llm-pretrain-7b</a>" not in html
    assert client.get("/style-guide/", {"format": "csv"})["Content-Type"].startswith("text/csv")


def unused(request: HttpRequest) -> None:
    """The template named unused.html does not exist: fragments, rows and CSV must not need a page."""
