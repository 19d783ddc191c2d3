"""What the pages of workloads show, and to whom."""

import re

import pytest
from django.contrib.auth.models import User
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext
from django.urls import reverse

from tests.conftest import Acme
from tests.workloads.factories import IMAGE, make_workload
from tests.workloads.fake_cluster import FakeCluster
from workloads.models import Workload
from workloads.views import TABS

FILLED = {
    "name": "llm-1",
    "image": IMAGE,
    "size": "one",
    "parallelism": "1",
    "priority": "low",
    "preemptibility": "preemptible",
    "pull_policy": "IfNotPresent",
}


@pytest.fixture
def as_ada(client: Client, ada: User) -> Client:
    client.force_login(ada)
    return client


@pytest.fixture
def workload(acme: Acme, ada: User, cluster: FakeCluster) -> Workload:
    return make_workload("llm-7b", project=acme.vision, by=ada, gpus=8, nodePools=["h100", "a100"])


def page(client: Client, url: str, **query: str) -> str:
    answer = client.get(url, query)
    assert answer.status_code == 200, answer.content
    return answer.content.decode()


def test_the_list_shows_a_workload_with_its_state(as_ada: Client, workload: Workload) -> None:
    text = page(as_ada, reverse("workloads:list"))

    assert "llm-7b" in text
    assert "Creating" in text
    assert "0 of 8" in text


@pytest.mark.parametrize("tab", TABS)
def test_every_tab_of_a_workload_opens(as_ada: Client, workload: Workload, tab: str) -> None:
    url = reverse("workloads:detail", args=[workload.pk])
    text = page(as_ada, url if tab == "overview" else f"{url}{tab}/")

    assert "llm-7b" in text
    assert "style=" not in text


def test_a_stranger_finds_nothing(client: Client, cyd: User, workload: Workload) -> None:
    client.force_login(cyd)

    assert "llm-7b" not in page(client, reverse("workloads:list"))
    for url in (
        reverse("workloads:detail", args=[workload.pk]),
        reverse("workloads:tab", args=[workload.pk, "yaml"]),
        reverse("workloads:row", args=[workload.pk]),
    ):
        assert client.get(url).status_code == 404
    assert client.post(reverse("workloads:act", args=[workload.pk, "delete"])).status_code == 404


def test_a_viewer_sees_but_has_no_verbs(client: Client, eve: User, workload: Workload) -> None:
    client.force_login(eve)
    text = page(client, reverse("workloads:detail", args=[workload.pk]))

    assert "Stop" not in re.sub(r"<script.*?</script>", "", text, flags=re.S).split("Timeline")[0]
    assert client.post(reverse("workloads:act", args=[workload.pk, "stop"])).status_code == 403
    assert client.get(reverse("workloads:submit")).status_code == 403


def test_the_form_submits_what_was_filled_in(as_ada: Client, acme: Acme, cluster: FakeCluster) -> None:
    page(as_ada, reverse("workloads:submit"))
    filled = FILLED | {
        "project": str(acme.vision.pk),
        "gpus": "2",
        "environment": "LR=0.1\nSEED=1",
        "node_pools": ["h100", "a100"],
        "args": "--epochs 10 'two words'",
    }
    answer = as_ada.post(reverse("workloads:submit"), filled)

    row = Workload.objects.get(name="llm-1")
    assert answer.status_code == 302
    assert answer["Location"] == reverse("workloads:detail", args=[row.pk])
    assert row.requested_gpu_milli == 2000
    assert row.node_pools == ["h100", "a100"]
    assert row.spec["compute"]["cpuMemoryRequest"] == "64Gi"
    assert row.spec["environmentVariables"] == [
        {"name": "LR", "value": "0.1"},
        {"name": "SEED", "value": "1"},
    ]


def test_every_mistake_stands_beside_its_field(as_ada: Client, acme: Acme) -> None:
    filled = FILLED | {
        "project": str(acme.vision.pk),
        "name": "LLM_1",
        "gpus": "500",
        "memory": "12 apples",
        "environment": "OK=1\n2BAD=x",
        "backoff_limit": "900",
    }
    answer = as_ada.post(reverse("workloads:submit"), filled)
    text = answer.content.decode()

    assert answer.status_code == 422
    assert not Workload.objects.exists()
    for sentence in (
        "Start with a letter",
        "Between 0 and 128 GPUs",
        "is not a quantity",
        "Line 2:",
        "Between 1 and 100 tries",
    ):
        assert text.count(sentence) >= 2, sentence  # in the summary and at the field


def test_a_name_that_is_taken_is_said_at_the_name(as_ada: Client, acme: Acme, workload: Workload) -> None:
    answer = as_ada.post(
        reverse("workloads:submit"), FILLED | {"project": str(acme.vision.pk), "name": "llm-7b"}
    )

    assert answer.status_code == 422
    assert "choose another name" in answer.content.decode()


def test_the_preview_shows_yaml_and_quota(as_ada: Client, acme: Acme) -> None:
    answer = as_ada.post(
        reverse("workloads:preview"), FILLED | {"project": str(acme.vision.pk), "gpus": "16"}
    )
    text = answer.content.decode()

    assert answer.status_code == 200
    assert "TrainingWorkload" in text
    assert "8 of 16 GPUs are over quota." in text


def test_the_preview_of_an_unfinished_form_says_what_is_missing(as_ada: Client, acme: Acme) -> None:
    answer = as_ada.post(reverse("workloads:preview"), {"project": str(acme.vision.pk), "name": "x"})

    assert "Give the image to run." in answer.content.decode()


def test_a_copy_starts_from_the_same_wishes_under_a_free_name(as_ada: Client, workload: Workload) -> None:
    text = page(as_ada, reverse("workloads:submit"), copy=str(workload.pk))

    assert 'value="llm-7b-2"' in text
    assert IMAGE in text
    assert as_ada.get(reverse("workloads:submit"), {"copy": "nonsense"}).status_code == 404


def test_csv_holds_exactly_the_filtered_rows(
    as_ada: Client, acme: Acme, ada: User, cluster: FakeCluster
) -> None:
    for index in range(3):
        make_workload(f"big-{index}", project=acme.vision, by=ada, gpus=4)
        make_workload(f"small-{index}", project=acme.vision, by=ada, gpus=0)
    answer = as_ada.get(reverse("workloads:list"), {"gpus_min": "4", "format": "csv"})
    lines = b"".join(answer.streaming_content).decode().splitlines()

    assert len(lines) == 4
    assert all("big-" in line for line in lines[1:])


def test_a_csv_beyond_the_limit_is_refused_with_the_limit(
    as_ada: Client, workload: Workload, settings: object
) -> None:
    settings.CSV_ROWS_AT_MOST = 0
    answer = as_ada.get(reverse("workloads:list"), {"format": "csv"}, follow=True)

    assert "CSV files hold at most" in answer.content.decode()


def test_the_list_asks_the_same_number_of_queries_for_one_row_and_for_many(
    as_ada: Client, acme: Acme, ada: User, cluster: FakeCluster
) -> None:
    def queries_of_the_page() -> int:
        with CaptureQueriesContext(connection) as captured:
            page(as_ada, reverse("workloads:list"))
        return len(captured)

    make_workload("w-first", project=acme.vision, by=ada)
    queries_of_the_page()  # session and caches
    with_one = queries_of_the_page()
    for index in range(20):
        make_workload(f"w-{index}", project=acme.vision, by=ada)

    assert queries_of_the_page() == with_one


def test_verbs_on_many_rows_count_what_was_done_and_say_why_not(
    as_ada: Client, acme: Acme, ada: User, cluster: FakeCluster
) -> None:
    rows = [make_workload(f"w-{index}", project=acme.vision, by=ada) for index in range(3)]
    Workload.objects.filter(pk=rows[2].pk).update(phase="Completed")
    answer = as_ada.post(
        reverse("workloads:bulk"), {"verb": "stop", "ids": [str(row.pk) for row in rows]}, follow=True
    )
    text = answer.content.decode()

    assert "2 workloads: each is being stopped." in text
    assert "w-2 is Completed: there is nothing to stop." in text


def test_a_kept_log_is_shown_without_asking_the_cluster(
    as_ada: Client, workload: Workload, cluster: FakeCluster
) -> None:
    pod = workload.pods.create(
        uid="u",
        name="llm-7b-0",
        phase="Succeeded",
        created_at=workload.created_at,
        log_kept=True,
        log_tail="epoch <1>\n",
    )
    cluster.away = True
    url = reverse("workloads:log", args=[workload.pk, pod.pk])

    assert "epoch &lt;1&gt;" in page(as_ada, url)
    assert as_ada.get(url, {"format": "text"}).content == b"epoch <1>\n"


def test_the_yaml_of_what_was_submitted_is_shown_while_the_cluster_is_away(
    as_ada: Client, workload: Workload, cluster: FakeCluster
) -> None:
    cluster.away = True
    text = page(as_ada, reverse("workloads:tab", args=[workload.pk, "yaml"]))

    assert "could not be asked" in text
    assert "TrainingWorkload" in text
