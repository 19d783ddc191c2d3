"""What Ctrl K finds: things by name, and only those the person may see."""

import pytest
from django.contrib.auth.models import User
from django.test import Client

from tests.conftest import Acme
from tests.workloads.factories import make_workload


def hits(person: User, text: str) -> list[dict[str, str]]:
    client = Client()
    client.force_login(person)
    found: list[dict[str, str]] = client.get("/search/", {"q": text}).json()["hits"]
    return found


@pytest.fixture
def workload(acme: Acme, ada: User):
    return make_workload(by=ada, project=acme.vision, name="llama-sft")


def test_a_workload_is_found_by_a_part_of_its_name(ada: User, workload):
    (hit,) = hits(ada, "AMA-s")
    assert hit["name"] == "llama-sft"
    assert hit["kind"].startswith("Training in vision")
    assert hit["url"] == f"/workloads/{workload.pk}/"


def test_a_stranger_finds_nothing_of_it(cyd: User, workload):
    assert hits(cyd, "llama") == []
    assert hits(cyd, "vision") == []


def test_projects_departments_and_nodes_are_found_by_those_who_may_see_them(root: User, acme: Acme):
    assert [(hit["name"], hit["kind"]) for hit in hits(root, "vision")] == [("vision", "Project")]
    assert ("research", "Department") in [(hit["name"], hit["kind"]) for hit in hits(root, "resea")]


def test_every_hit_leads_to_a_page(root: User, acme: Acme, workload):
    client = Client()
    client.force_login(root)
    for hit in hits(root, "e") + hits(root, "vision") + hits(root, "llama"):
        assert client.get(hit["url"]).status_code == 200, hit


def test_the_rail_counts_what_runs_and_waits(ada: User, cyd: User, workload):
    for person, shown in ((ada, True), (cyd, False)):
        client = Client()
        client.force_login(person)
        html = client.get("/projects/").content.decode()
        assert ('<span class="count">1</span>' in html) is shown
