"""The functions that Kubernetes adds to expressions: amounts, versions, addresses, URLs, lists, and how properties are called."""

import itertools
import re
from datetime import timedelta
from decimal import Decimal
from typing import Any

import pytest
from hypothesis import assume, given
from hypothesis import strategies as st

from cluster.simulator.cel.durations import parse_duration
from cluster.simulator.cel.field_paths import field_path
from cluster.simulator.cel.library import addresses, lists, quantities, urls, versions
from cluster.simulator.cel.names import RESERVED, escaped

SECOND = 10**9


@pytest.mark.parametrize(
    ("name", "called"),
    [
        ("size", "size"),
        ("a-b", "a__dash__b"),
        ("a.b/c", "a__dot__b__slash__c"),
        ("a__b", "a__underscores__b"),
        ("a_b", "a_b"),
        ("namespace", "__namespace__"),
        ("namespaces", "namespaces"),
        ("9a", None),
        ("", None),
        ("a b", None),
        ("ä", None),
    ],
)
def test_properties_are_called_by_names_that_expressions_can_say(name: str, called: str | None) -> None:
    assert escaped(name) == called


NAMES = st.text("ab_-./9", min_size=1, max_size=8) | st.sampled_from(sorted(RESERVED))


@given(NAMES, NAMES)
def test_different_properties_have_different_names(one: str, other: str) -> None:
    assume("___" not in one + " " + other)  # Kubernetes' own rule is not one to one there
    called = escaped(one)
    assert called is None or re.fullmatch(r"[a-zA-Z_]\w*", called, re.ASCII)
    assert one == other or called is None or called != escaped(other)


@pytest.mark.parametrize(
    ("text", "seconds"),
    [
        ("1h30m", 5400),
        ("1.5s", 1.5),
        ("-2m", -120),
        ("0", 0),
        ("2 weeks", 1209600),
        ("3 hours 4 min", 11040),
        ("5d", 432000),
    ],
)
def test_durations_are_written_in_two_ways(text: str, seconds: float) -> None:
    assert parse_duration(text) == seconds * SECOND


@pytest.mark.parametrize("text", ["", "soon", "1", "3 moons"])
def test_what_is_no_duration_is_refused(text: str) -> None:
    with pytest.raises(ValueError, match="unable to parse"):
        parse_duration(text)


UNITS = st.sampled_from(["", "m", "k", "M", "Ki", "Mi", "Gi"])
AMOUNTS = st.builds(
    lambda number, unit: quantities.quantity(f"{number}{unit}"), st.integers(-(10**9), 10**9), UNITS
)


@given(AMOUNTS, AMOUNTS)
def test_amounts_are_numbers(one: str, other: str) -> None:
    assert quantities.subtract(quantities.add(one, other), other) == one
    assert quantities.compare(one, other) == -quantities.compare(other, one)
    assert (quantities.compare(one, other) == 0) == (one == other)
    assert quantities.sign(quantities.subtract(one, other)) == quantities.compare(one, other)
    assert quantities.as_approximate_float(one) == float(Decimal(one))


@pytest.mark.parametrize(
    ("one", "other"), [("1Ki", "1024"), ("1000m", "1"), ("0.5Gi", "512Mi"), ("1e3", "1k"), ("0", "0m")]
)
def test_the_same_amount_is_equal_however_it_is_written(one: str, other: str) -> None:
    assert quantities.quantity(one) == quantities.quantity(other)


@pytest.mark.parametrize("text", ["", "many", "200K", " 1", "1 Gi"])
def test_what_is_no_amount(text: str) -> None:
    assert not quantities.is_quantity(text)


def test_only_whole_amounts_are_integers() -> None:
    assert quantities.as_integer(quantities.quantity("50k")) == 50_000
    for text in ("0.5", "99999999999G"):
        with pytest.raises(ValueError, match="cannot convert value to integer"):
            quantities.as_integer(quantities.quantity(text))


VERSIONS = st.from_regex(r"(0|[1-9]\d?)\.(0|[1-9])\.(0|[1-9])(-(rc|0|7|a-1)(\.(1|x))?)?", fullmatch=True).map(
    versions.semver
)


@given(VERSIONS, VERSIONS, VERSIONS)
def test_versions_have_one_order(one: str, other: str, third: str) -> None:
    assert versions.compare(one, other) == -versions.compare(other, one)
    assert (versions.compare(one, other) == 0) == (one == other)
    if versions.compare(one, other) >= 0 and versions.compare(other, third) >= 0:
        assert versions.compare(one, third) >= 0


def test_versions_are_ordered_as_their_authors_mean() -> None:
    rising = [
        "1.0.0-1",
        "1.0.0-alpha",
        "1.0.0-alpha.1",
        "1.0.0-rc.2",
        "1.0.0-rc.10",
        "1.0.0",
        "1.2.0",
        "1.10.0",
    ]
    for one, other in itertools.pairwise(rising):
        assert versions.compare(one, other) == -1
    assert versions.semver("1.0.0+build") == "1.0.0"
    assert versions.semver("v01.2", True) == "1.2.0"
    assert [versions.part("1.2.3-a", index) for index in range(3)] == [1, 2, 3]
    assert not versions.is_semver("v1.2.3")
    assert not versions.is_semver("01.2.3")


def test_addresses_and_networks() -> None:
    assert addresses.ip("::0001") == "::1"
    assert not addresses.is_canonical("::0001")
    assert [addresses.family("10.0.0.1"), addresses.family("::1")] == [4, 6]
    assert addresses.contains_ip("10.0.0.0/8", "10.1.1.1")
    assert not addresses.contains_ip("10.0.0.0/8", "::1")
    assert addresses.contains_cidr("10.0.0.0/8", "10.1.0.0/16")
    assert not addresses.contains_cidr("10.1.0.0/16", "10.0.0.0/8")
    assert addresses.masked("10.1.1.1/8") == "10.0.0.0/8"
    assert addresses.address_of("10.1.1.1/8") == "10.1.1.1"
    assert addresses.prefix_length("10.1.1.1/8") == 8


@pytest.mark.parametrize("text", ["", "10.0.0", "10.0.0.01", "fe80::1%eth0", "::ffff:10.0.0.1", "10.0.0.1/8"])
def test_what_is_no_address(text: str) -> None:
    assert not addresses.is_ip(text)


@pytest.mark.parametrize(
    "text", ["", "10.0.0.0", "10.0.0.0/33", "10.0.0.0/08", "10.0.0.0/255.0.0.0", "::ffff:10.0.0.1/100"]
)
def test_what_is_no_network(text: str) -> None:
    assert not addresses.is_cidr(text)


@pytest.mark.parametrize(
    ("text", "is_so"),
    [
        ("127.0.0.1", {"is_loopback"}),
        ("0.0.0.0", {"is_unspecified"}),
        ("224.0.0.1", {"is_link_local_multicast"}),
        ("169.254.0.1", {"is_link_local_unicast"}),
        ("10.0.0.1", {"is_global_unicast"}),
        ("fe80::1", {"is_link_local_unicast"}),
        ("2001:db8::1", {"is_global_unicast"}),
    ],
)
def test_kinds_of_addresses(text: str, is_so: set[str]) -> None:
    asked = [
        "is_loopback",
        "is_unspecified",
        "is_link_local_multicast",
        "is_link_local_unicast",
        "is_global_unicast",
    ]
    assert {name for name in asked if getattr(addresses, name)(text)} == is_so


def test_urls_are_taken_apart() -> None:
    text = "https://user@[::1]:8080/a b/%2F?x=1&x=2&y="
    assert urls.url(text) == text
    assert [urls.scheme(text), urls.host(text), urls.hostname(text), urls.port(text)] == [
        "https",
        "[::1]:8080",
        "::1",
        "8080",
    ]
    assert urls.escaped_path(text) == "/a%20b/%2F"
    assert urls.query(text) == {"x": ["1", "2"], "y": [""]}


@pytest.mark.parametrize(
    "text", ["", "example.com", "a b", "https://exa mple.com", "https://x:port/", "/%zz", "https://x/\n"]
)
def test_what_is_no_absolute_url(text: str) -> None:
    assert not urls.is_url(text)


@given(st.lists(st.integers(-5, 5), min_size=1))
def test_lists_of_numbers(items: list[int]) -> None:
    assert lists.is_sorted(sorted(items))
    assert lists.is_sorted(items) == (sorted(items) == items)
    assert lists.smallest(items) <= lists.total(items) / len(items) <= lists.largest(items)
    assert items[lists.index_of(items, items[-1])] == items[-1]
    assert lists.last_index_of(items, items[0]) >= lists.index_of(items, items[0]) == 0


def test_lists_of_other_things() -> None:
    assert lists.total([timedelta(1), timedelta(2)]) == timedelta(3)
    assert lists.index_of([1, True], True) == 1
    assert lists.last_index_of(["a"], "b") == -1
    with pytest.raises(ValueError, match="max called on empty list"):
        lists.largest([])


def test_patterns_are_found() -> None:
    assert lists.find("a12b3", r"\d+") == "12"
    assert lists.find("a", r"\d+") == ""
    assert lists.find_all("a12b3", r"\d+") == ["12", "3"]
    assert lists.find_all("a12b3", r"\d+", 1) == ["12"]
    with pytest.raises(ValueError, match="Illegal regex"):
        lists.find("a", "(")


PART: dict[str, Any] = {
    "type": "object",
    "properties": {"b": {}, "c.d": {"type": "object", "additionalProperties": {}}},
}


@pytest.mark.parametrize(
    ("text", "shown"),
    [
        (".a", "a"),
        (".a.b", "a.b"),
        (".a['b']", "a.b"),
        (".a['c.d']['x']", "a.c.d[x]"),
        (r".a['c.d']['it\'s']", "a.c.d[it's]"),
        ("a", None),
        (".b", None),
        (".a.b.c", None),
        (".a[0]", None),
        (r".a['\x']", None),
    ],
)
def test_a_path_leads_to_a_field_of_the_schema(text: str, shown: str | None) -> None:
    assert field_path({"type": "object", "properties": {"a": PART}}, text) == shown
