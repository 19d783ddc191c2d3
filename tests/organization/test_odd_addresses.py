"""What somebody types into an address or a field never breaks the product."""

import pytest
from rest_framework.test import APIClient

pytestmark = pytest.mark.django_db
HUGE = "9" * 40


@pytest.mark.parametrize(
    "path",
    [
        f"/projects/{HUGE}/",
        f"/departments/{HUGE}/",
        f"/node-pools/{HUGE}/edit/",
        f"/quotas/project/{HUGE}/1/",
        f"/quotas/project/1/{HUGE}/",
        "/quotas/galaxy/1/1/",
        f"/audit/{HUGE}/",
        f"/projects/?edit=project-{HUGE}",
        "/projects/?cluster=x",
        f"/projects/?cluster={HUGE}",
        f"/api/v1/org-unit/projects/{HUGE}",
        f"/api/v1/org-unit/departments/{HUGE}",
        f"/api/v1/node-pools/{HUGE}",
        f"/api/v1/authorization/access-rules/{HUGE}",
        "/api/v1/clusters/6f8b1f0e-0000-0000-0000-000000000000",
        "/api/v1/clusters/x",
    ],
)
def test_what_is_not_there_is_not_found(client, acme, root, path):
    client.force_login(root)
    assert client.get(path).status_code == 404


@pytest.mark.parametrize(
    "path",
    [
        "/projects/?edit=project-&pool=x",
        "/projects/?edit=%00",
        f"/projects/?edit=department-1&pool={HUGE}",
        "/projects/?unit=moon&q=%00",
        "/nodes/?sort=-moon&page=99999999999999999999&view=x",
        "/nodes/?ready=maybe&pool=moon",
        "/audit/?since=yesterday&action=moon",
        "/access/?role=king",
        "/audit/?row=x",
        f"/nodes/?row={HUGE}",
    ],
)
def test_what_cannot_be_read_is_left_out_or_told(client, acme, root, path):
    client.force_login(root)
    assert client.get(path).status_code in (200, 404)


@pytest.mark.parametrize(
    "body",
    [
        [],
        "text",
        {"name": None},
        {"name": "x\x00y", "clusterId": "x", "parentId": "1"},
        {"name": "new", "clusterId": "6f8b1f0e-0000-0000-0000-000000000000", "parentId": "1"},
        {"name": "new", "clusterId": "6f8b1f0e-0000-0000-0000-000000000000", "parentId": HUGE},
        {"name": "new", "resources": [{"nodePool": {"id": HUGE}}]},
        {"name": "new", "resources": [[]]},
        {"name": "new", "resources": [{"nodePool": {"name": "h100"}, "gpu": {"deserved": 1e300}}]},
        {"name": "new", "resources": [{"nodePool": {"name": "h100"}, "gpu": {"deserved": "NaN"}}]},
    ],
)
def test_a_body_that_cannot_be_read_is_a_problem_document(acme, root, body):
    api = APIClient()
    api.force_authenticate(root)
    answer = api.post("/api/v1/org-unit/projects", body, format="json")
    assert answer.status_code in (400, 422), answer.content
    assert answer.json()["errors"]


@pytest.mark.parametrize("value", ["NaN", "Infinity", "-Infinity", 1e12, 1e300])
def test_amounts_beyond_reason_are_told_at_their_field(acme, root, held, value):
    api = APIClient()
    api.force_authenticate(root)
    entry = {"nodePool": {"name": "h100"}, "memory": {"deserved": value, "units": "GB"}}
    path = f"/api/v1/org-unit/projects/{acme.vision.pk}/resources"
    answer = api.patch(path, {"resources": [entry]}, format="json")
    assert answer.status_code in (400, 422), answer.content
    assert answer.json()["errors"][0]["pointer"].startswith("/resources/0/memory")


@pytest.mark.parametrize("value", ["1e9", "999999999", "0.0005", "1,5", "½", "0x10"])
def test_the_form_of_a_quota_takes_numbers_only(client, acme, root, held, value):
    client.force_login(root)
    pool = acme.cluster.node_pools.get(name="h100")
    form = {"gpu_deserved": value, "gpu_weight": "2", "rank": "3", "memory_deserved": "999999999"}
    assert client.post(f"/quotas/project/{acme.vision.pk}/{pool.pk}/", form).status_code == 422
