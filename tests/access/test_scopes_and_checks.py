"""Scope paths and who may: the laws every query and service leans on."""

import pytest
from django.contrib.auth.models import AnonymousUser
from hypothesis import given
from hypothesis import strategies as st

from access.checks import may, require, scopes_with, within
from access.errors import NotAllowed
from access.models import AccessRule
from access.permissions import Permission
from access.roles import ROLES
from access.scopes import ancestors, covers, is_tenant, widest
from organization.models import Project
from tests import factories

segments = st.lists(st.integers(1, 30).map(str), min_size=1, max_size=4)
scopes = segments.map(lambda parts: "/" + "/".join(parts) + "/")


@given(one=scopes, other=scopes)
def test_a_scope_covers_exactly_what_it_is_an_ancestor_of(one, other):
    assert covers(one, other) == (one in ancestors(other))


@given(st.lists(scopes, max_size=8))
def test_the_widest_scopes_cover_all_and_none_covers_another(given_scopes):
    kept = widest(given_scopes)
    assert set(kept) <= set(given_scopes)
    assert all(any(covers(wide, scope) for wide in kept) for scope in given_scopes)
    assert not any(covers(a, b) for a in kept for b in kept if a != b)


@pytest.mark.parametrize(("one", "other"), [("/1/2/", "/1/20/"), ("/1/2/3/", "/1/2/"), ("/2/", "/1/2/")])
def test_segments_are_compared_whole(one, other):
    assert not covers(one, other)


@given(scopes)
def test_only_one_segment_is_a_tenant(scope):
    assert is_tenant(scope) == (len(ancestors(scope)) == 1)


@pytest.mark.django_db
@pytest.mark.parametrize("role", ROLES)
@pytest.mark.parametrize("permission", list(Permission))
def test_a_role_permits_what_its_row_says_there_and_below_and_nowhere_else(acme, role, permission):
    person = factories.make_person("zoe", (role, acme.research.scope))
    holds = permission in ROLES[role].permissions
    assert may(person, permission, on=acme.research.scope) is holds
    assert may(person, permission, on=acme.vision.scope) is holds
    assert may(person, permission, on=acme.cluster.scope) is False
    assert scopes_with(person, permission) == ([acme.research.scope] if holds else [])


@pytest.mark.django_db
def test_several_rights_add_up(acme):
    person = factories.make_person("zoe", ("viewer", acme.vision.scope), ("researcher", acme.speech.scope))
    assert scopes_with(person, Permission.VIEW_WORKLOADS) == sorted([acme.vision.scope, acme.speech.scope])
    assert scopes_with(person, Permission.SUBMIT_WORKLOADS) == [acme.speech.scope]


@pytest.mark.django_db
def test_nobody_without_an_open_account_may_anything(acme, root):
    root.is_active = False
    for person in (root, AnonymousUser()):
        assert not may(person, Permission.VIEW_PROJECTS, on=acme.vision.scope)
        assert scopes_with(person, Permission.VIEW_PROJECTS) == []


@pytest.mark.django_db
def test_no_scopes_match_no_rows(acme):
    assert not Project.objects.filter(within([])).exists()


@pytest.mark.django_db
def test_a_refusal_names_who_may_and_where(acme, ada):
    with pytest.raises(
        NotAllowed, match="System administrator or Project administrator on vision"
    ) as refusal:
        require(ada, Permission.EDIT_PROJECTS, on=acme.vision.scope, place="on vision")
    assert (refusal.value.missing, refusal.value.roles) == (
        "project:update",
        ("system-administrator", "project-administrator"),
    )


@pytest.mark.django_db
def test_a_right_is_given_once(acme, ada):
    from django.db import IntegrityError, transaction

    rule = AccessRule.objects.get(user=ada)
    with pytest.raises(IntegrityError), transaction.atomic():
        AccessRule.objects.create(user=ada, role=rule.role, scope=rule.scope)
