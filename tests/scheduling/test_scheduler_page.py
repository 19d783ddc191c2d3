"""Who sees the inside of the scheduler, and what it says."""

from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
from django.contrib.auth.models import User
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext
from django.utils import timezone

from scheduling.models import Cycle, Decision, PoolScheduler, Verdict
from tests.conftest import Acme
from tests.factories import NOON, make_cluster, make_tenant

pytestmark = pytest.mark.django_db


@pytest.fixture(autouse=True)
def static_folder(settings: Any) -> None:
    """Whitenoise warns where there is none."""
    Path(settings.STATIC_ROOT).mkdir(parents=True, exist_ok=True)


def decide(cycle: Cycle, name: str, verdict: Verdict = Verdict.WAIT) -> Decision:
    return Decision.objects.create(
        cycle=cycle, verdict=verdict, owner_uid=name, gang=name, queue="vision", message=f"{name} waits for 8 GPUs", lease_transitions=3,
    )  # fmt: skip


@pytest.fixture
def cycle(acme: Acme) -> Cycle:
    return Cycle.objects.create(cluster=acme.cluster, pool="h100", at=NOON, lease_transitions=3, bound=2)


def test_the_administrator_reads_each_decision_with_its_reason(
    cycle: Cycle, root: User, client: Client
) -> None:
    decide(cycle, "train-1")
    client.force_login(root)

    html = client.get("/scheduling/").content.decode()

    assert "train-1 waits for 8 GPUs" in html
    assert "No scheduler has run yet" in html


def test_a_scheduler_that_is_silent_is_said_to_be_so(acme: Acme, root: User, client: Client) -> None:
    PoolScheduler.objects.create(cluster=acme.cluster, pool="h100", last_cycle_at=timezone.now())
    PoolScheduler.objects.create(
        cluster=acme.cluster, pool="a100", last_cycle_at=timezone.now() - timedelta(minutes=5)
    )
    client.force_login(root)

    html = client.get("/scheduling/").content.decode()

    assert "It has not run a cycle for a while" in html
    assert "5\u00a0min ago" in html


@pytest.mark.parametrize("address", ["/scheduling/", "/scheduling/?format=csv"])
def test_decisions_name_everyones_work_so_project_people_do_not_see_them(
    cycle: Cycle, ben: User, client: Client, address: str
) -> None:
    client.force_login(ben)
    assert client.get(address).status_code == 404


def test_the_api_answers_the_same_to_the_same_people(
    cycle: Cycle, root: User, ben: User, client: Client
) -> None:
    decide(cycle, "train-1")
    client.force_login(root)
    body = client.get("/api/v1/scheduling/decisions?filterBy[]=verdict==Wait").json()
    assert [row["gang"] for row in body["decisions"]] == ["train-1"]
    assert body["decisions"][0]["leaseTransitions"] == 3
    assert client.get("/api/v1/scheduling/cycles").json()["cycles"][0]["bound"] == 2

    client.force_login(ben)
    assert client.get("/api/v1/scheduling/decisions").json()["decisions"] == []


def test_another_tenants_decisions_are_not_there(cycle: Cycle, root: User, client: Client) -> None:
    other = make_cluster("bergen-1", tenant=make_tenant("other"))
    theirs = Cycle.objects.create(cluster=other, pool="default", at=NOON, lease_transitions=1)
    decide(theirs, "their-secret")
    client.force_login(root)

    assert "their-secret" not in client.get("/scheduling/").content.decode()
    assert client.get("/api/v1/scheduling/decisions").json()["decisions"] == []


def test_the_list_asks_the_database_as_often_for_many_rows_as_for_few(
    cycle: Cycle, root: User, client: Client
) -> None:
    client.force_login(root)
    decide(cycle, "first")
    client.get("/scheduling/")
    with CaptureQueriesContext(connection) as few:
        client.get("/scheduling/")
    for number in range(30):
        decide(cycle, f"more-{number}")
    with CaptureQueriesContext(connection) as many:
        client.get("/scheduling/")

    assert len(many) <= len(few)
