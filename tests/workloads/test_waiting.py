"""What the page says to who waits, and to who lost a place."""

from datetime import timedelta
from typing import Any

import pytest
from django.contrib.auth.models import User

from tests.conftest import Acme
from tests.factories import NOON
from tests.workloads.factories import make_workload
from workloads import waiting
from workloads.models import Workload
from workloads.phases import Phase

pytestmark = pytest.mark.django_db


@pytest.fixture
def workload(acme: Acme, ada: User) -> Workload:
    made = make_workload(project=acme.vision, by=ada)
    made.phase, made.phase_since = Phase.PENDING, NOON
    return made


def values(figures: list[dict[str, str]]) -> dict[str, str]:
    return {one["label"]: one["value"].replace("\u00a0", " ") for one in figures}


def test_numbers_of_the_quota_come_in_units_of_people(workload: Workload) -> None:
    numbers = {"asked": 4000, "quota": 8000, "held_non_preemptible": 6000, "unit": 0}
    assert values(waiting.figures_of(numbers)) == {
        "asked for": "4 GPUs",
        "quota": "8 GPUs",
        "held by uninterruptible work": "6 GPUs",
    }
    memory = waiting.figures_of({"asked": 2**31, "unit": 2})
    assert values(memory) == {"asked for": "2 GiB"}


def test_what_was_asked_for_comes_first_and_once() -> None:
    numbers = {
        "allocated": 4000,
        "asked": 2000,
        "asked_devices": 2,
        "fair_share": 4000,
        "free_devices": 0,
        "unit": 0,
    }
    assert list(values(waiting.figures_of(numbers))) == [
        "asked for",
        "held",
        "fair share",
        "GPUs free in the pool",
    ]


@pytest.mark.parametrize("numbers", [None, [], {"unit": 0}, {"asked": True, "unit": 0}, {"secret": 5}])
def test_numbers_without_words_are_not_shown(numbers: Any) -> None:
    assert waiting.figures_of(numbers) == []


def change(kind: str, subject: str) -> dict[str, Any]:
    return {
        "counterfactual": {"kind": kind, "sentence": "It would start.", "subject": subject},
        "pool": "h100",
    }


def test_who_may_give_the_quota_gets_a_link_to_it(workload: Workload, root: User, ada: User) -> None:
    workload.refusal = change("more-quota", "vision")
    found = waiting.change_of(workload.refusal)
    link = waiting.quota_link(root, workload, found)
    assert link.startswith(f"/projects/?edit=project-{workload.project_id}&pool=")
    assert waiting.quota_link(ada, workload, found) == ""
    assert "vision" in waiting.giver_words(found)


def test_a_quota_missing_at_the_department_leads_there(workload: Workload, root: User) -> None:
    workload.refusal = change("more-limit", "research")
    link = waiting.quota_link(root, workload, waiting.change_of(workload.refusal))
    assert link.startswith(f"/projects/?edit=department-{workload.project.department_id}")


def test_other_changes_need_no_quota(workload: Workload, root: User) -> None:
    workload.refusal = change("fewer-devices", "")
    found = waiting.change_of(workload.refusal)
    assert (waiting.quota_link(root, workload, found), waiting.giver_words(found)) == ("", "")


def test_a_lost_place_is_told_with_its_numbers(workload: Workload) -> None:
    numbers = {"unit": 0, "allocated": 8000, "deserved": 4000, "fair_share": 4000}
    workload.interruption = {"message": "Taken back for another project's workload.", "numbers": numbers}
    told = waiting.why(workload, NOON + timedelta(minutes=5))
    assert told is not None
    assert told["lost"]["sentence"].startswith("Taken back for another project's workload. It starts again")
    assert values(told["lost"]["figures"])["held"] == "8 GPUs"
