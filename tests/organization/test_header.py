"""The cluster's state in the frame of every page."""

from datetime import UTC, datetime

import pytest
from django.test import RequestFactory

from organization.header import cluster_state
from organization.models import Cluster
from tests import factories

pytestmark = pytest.mark.django_db


def shown_to(person):
    request = RequestFactory().get("/")
    request.user = person
    return cluster_state(request)


def test_a_connected_cluster_is_named_without_a_notice(acme, ada):
    found = shown_to(ada)
    assert (found.name, found.state, found.notice) == ("oslo-1", "Connected", "")


def test_a_lost_cluster_says_since_when_and_what_still_holds(acme, ada):
    Cluster.objects.update(state="Disconnected", last_seen_at=datetime(2030, 1, 1, 14, 28, tzinfo=UTC))
    assert shown_to(ada).notice == (
        "oslo-1 has not answered since 14:28. Running work is not affected. Submissions are kept and sent later."
    )


def test_a_cluster_that_never_answered_says_so(acme, ada):
    Cluster.objects.update(state="WaitingToConnect")
    assert shown_to(ada).notice == "oslo-1 has not answered yet. Submissions are kept and sent later."


def test_of_several_clusters_the_lost_one_is_shown(acme, root):
    other = factories.make_cluster("bergen-1")
    Cluster.objects.filter(pk=acme.cluster.pk).update(state="Disconnected")
    assert (other.name, shown_to(root).name) == ("bergen-1", "oslo-1")


def test_who_works_in_no_cluster_sees_none(acme):
    assert shown_to(factories.make_person("new")) is None


def test_nobody_hears_of_a_cluster_they_do_not_work_in(acme, ada):
    factories.make_cluster("bergen-1")
    Cluster.objects.filter(name="bergen-1").update(state="Disconnected")
    assert shown_to(ada).name == "oslo-1"
