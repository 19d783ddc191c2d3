"""What people see on the overview: their own figures, nobody else's, and unknown where it is unknown."""

import re
import uuid
from datetime import timedelta
from typing import Any

import pytest
from django.contrib.auth.models import User
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext

from monitoring.collecting import collect
from organization.models import Node
from tests.conftest import Acme
from tests.monitoring.conftest import NOON, make_workload

pytestmark = pytest.mark.django_db


def page(client: Client, person: User, address: str = "/") -> str:
    client.force_login(person)
    response = client.get(address)
    assert response.status_code == 200
    return response.content.decode()


def tiles(html: str) -> dict[str, str]:
    """Label -> figure with its "of"."""
    found = re.findall(
        r'class="label">([^<]+).*?class="value">(.*?)</span><span class="detail"', html, re.DOTALL
    )
    return {label.strip(): " ".join(re.sub(r"<[^>]+>", " ", value).split()) for label, value in found}


def test_the_administrator_sees_the_whole_cluster(measured: Acme, root: User, client: Client) -> None:
    html = page(client, root)

    figures = tiles(html)
    assert figures["Nodes ready"] == "2 of 2"
    assert figures["GPUs allocated"] == "4 of 16"
    assert figures["GPUs doing work"] == "1.9 of 4"
    assert figures["Allocated but idle"] == "1 GPU"
    assert (figures["Running"], figures["Waiting"]) == ("1", "1")
    assert "secret-train" in html


def test_a_person_sees_only_figures_of_their_projects(measured: Acme, cyd: User, client: Client) -> None:
    html = page(client, cyd)

    figures = tiles(html)
    assert "Nodes ready" not in figures
    assert figures["GPUs allocated"].startswith("1 of 12"), "of the quota of speech in three pools"
    assert (figures["Running"], figures["Waiting"]) == ("0", "1")
    assert "secret-train" not in html
    assert "vision" not in html


def test_a_stranger_to_everything_sees_that_they_have_no_role(acme: Acme, client: Client) -> None:
    from tests.factories import make_person

    assert "You have no role" in page(client, make_person("zoe"))


def test_a_chart_carries_roles_gaps_and_a_sentence(measured: Acme, root: User, client: Client) -> None:
    client.force_login(root)

    figure = client.get("/monitoring/charts/allocation/?range=1h").json()

    named = {trace["name"]: trace for trace in figure["data"]}
    assert named["Allocated"]["meta"]["role"] == "alloc"
    assert set(named["Allocated"]["y"]) == {4}
    assert named["Ready"]["y"][-1] == 16
    assert named["Doing work"]["y"][-1] == pytest.approx(1.91)
    assert "color" not in str(figure["data"]), "colours are the theme's"
    assert "average 4 GPUs" in figure["label"]


def test_use_is_unknown_while_a_part_is_not_measured(
    measured: Acme, pages: Any, root: User, client: Client, noon: Any
) -> None:
    pages.gpus.pop("h100-02")  # its exporter is gone; the stray pod still holds a GPU there
    noon.shift(60)
    collect(measured.cluster, pages, at=NOON + timedelta(minutes=1), last=None)
    noon.shift(60)
    client.force_login(root)

    figure = client.get("/monitoring/charts/allocation/?range=1h").json()

    named = {trace["name"]: trace for trace in figure["data"]}
    assert named["Allocated"]["y"][-1] == 4
    assert named["Doing work"]["y"][-1] is None
    assert "Exporter not found on 1 node" in page(client, root)


def test_a_chart_of_a_person_counts_their_projects_only(measured: Acme, cyd: User, client: Client) -> None:
    client.force_login(cyd)

    figure = client.get("/monitoring/charts/by-project/?range=1h").json()

    assert [trace["name"] for trace in figure["data"]] == ["speech"]
    allocation = client.get("/monitoring/charts/allocation/?range=1h").json()
    assert {trace["name"] for trace in allocation["data"]} == {"Allocated", "Doing work"}
    assert set(allocation["data"][0]["y"]) == {1}


def test_the_table_of_a_chart_has_the_same_numbers(measured: Acme, root: User, client: Client) -> None:
    client.force_login(root)

    answer = client.get("/monitoring/charts/allocation.csv?range=1h")

    text = b"".join(answer.streaming_content).decode().splitlines()  # type: ignore[attr-defined]  # a streaming answer
    assert text[0] == "time,Ready,Allocated,Doing work"
    assert text[-1].startswith("2030-01-01T12:00:00Z,16.0,4.0,1.9")


@pytest.mark.parametrize(
    ("query", "sentence"),
    [
        ("range=9y", "range is"),
        ("from=yesterday", "must be a time"),
        ("from=2030-01-02T00:00:00&to=2030-01-01T00:00:00", "at least one minute before"),
        ("from=2020-01-01T00:00:00", "at most 400 days"),
        ("from=0001-01-01T00:00:00", "between 2000 and 9000"),
    ],
)
def test_a_time_range_that_cannot_be_is_refused_with_the_field(
    measured: Acme, root: User, client: Client, query: str, sentence: str
) -> None:
    client.force_login(root)

    answer = client.get(f"/?{query}")

    assert answer.status_code == 422
    assert sentence in answer.content.decode()


def test_anothers_cluster_is_not_there(measured: Acme, root: User, client: Client) -> None:
    client.force_login(root)

    assert client.get(f"/?cluster={uuid.uuid4()}").status_code == 404
    assert client.get("/monitoring/charts/allocation/?cluster=nonsense").status_code == 404


def test_the_figures_of_a_workload_follow_the_right_to_see_it(
    measured: Acme, ada: User, cyd: User, client: Client, vision_workload: uuid.UUID
) -> None:
    address = f"/monitoring/workloads/{vision_workload}/?series=gpu-utilisation&range=1h"
    client.force_login(ada)
    figure = client.get(address).json()
    assert [trace["name"] for trace in figure["data"]] == ["average", "GPU 0", "GPU 1"]
    assert figure["data"][0]["y"][-1] == pytest.approx(70)

    client.force_login(cyd)
    assert client.get(address).status_code == 404


def test_the_grid_names_only_what_a_person_may_see(
    measured: Acme, cyd: User, root: User, client: Client
) -> None:
    mine = page(client, cyd, "/monitoring/grid/")
    assert "h100-01" in mine
    assert "h100-02" in mine, "everyone may know where work can run"
    assert "stray" not in mine, "but not what others run there"
    assert "another project&#x27;s workload" in mine
    assert "secret-train" not in mine

    whole = page(client, root, "/monitoring/grid/")
    assert "secret-train" in whole
    assert "h100-02" in whole


def test_the_overview_asks_the_database_as_often_for_many_nodes_as_for_few(
    measured: Acme, pages: Any, root: User, client: Client
) -> None:
    client.force_login(root)
    client.get("/")
    with CaptureQueriesContext(
        connection,
    ) as few:
        client.get("/")
    pool = measured.cluster.node_pools.get(name="a100")
    for number in range(20):
        Node.objects.create(cluster=measured.cluster, name=f"a100-{number}", pool=pool, ready=True, gpu_count=8, created_at=NOON, seen_at=NOON)  # fmt: skip
        make_workload(f"more-{number}", project=measured.vision, phase="Pending")
    with CaptureQueriesContext(connection) as many:
        client.get("/")

    assert len(many) <= len(few)
    own = [query for query in few.captured_queries if "access_" not in query["sql"]]
    assert len(own) < 40, "besides what the frame asks about rights"


def test_the_health_of_collecting_is_for_those_who_see_the_cluster(
    measured: Acme, ada: User, root: User, client: Client
) -> None:
    assert "Every node" not in page(client, root, "/monitoring/health/"), "kubelet pages were not read"
    client.force_login(ada)
    assert client.get("/monitoring/health/").status_code == 404


def test_the_page_of_a_node_names_who_holds_each_gpu_to_those_who_see_nodes(
    measured: Acme, root: User, ada: User, client: Client
) -> None:
    address = f"/monitoring/nodes/{measured.cluster.pk}/h100-01/"
    html = page(client, root, address)
    assert html.count("secret-train") == 2, "GPU 0 and 1"
    assert "runai-speech/talk-0" in html
    assert "3 of 8" in html
    assert "idle for 6" in html

    figure = client.get(f"{address}figures/?series=gpu-temperature&range=1h").json()
    assert [trace["name"] for trace in figure["data"]] == [f"GPU {n}" for n in range(8)]
    assert client.get(f"{address}figures/?series=nonsense").status_code == 404
    client.force_login(ada)
    assert client.get(address).status_code == 404
    assert client.get(f"{address}figures/").status_code == 404
