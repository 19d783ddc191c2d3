"""The organisation over REST: who gets what on every address, the shapes, quotas in and out."""

import pytest
from django.core.cache import cache
from django.db import connection
from django.test.utils import CaptureQueriesContext
from rest_framework.test import APIClient

from access.models import AuditEvent
from organization import api_urls
from organization.models import Department, NodePool, PoolResources, Project
from tests import factories

pytestmark = pytest.mark.django_db
PEOPLE = ("ada", "ben", "cyd", "eve", "root")
# address -> what ada (researcher), ben (project administrator), cyd (stranger), eve (viewer) and root get
GETS = {
    "clusters": (200, 200, 200, 200, 200),
    "clusters/count": (200, 200, 200, 200, 200),
    "clusters/{cluster}": (200, 200, 200, 200, 200),
    "org-unit/departments": (200, 200, 200, 200, 200),
    "org-unit/departments/count": (200, 200, 200, 200, 200),
    "org-unit/departments/{department}": (404, 404, 404, 404, 200),
    "org-unit/projects": (200, 200, 200, 200, 200),
    "org-unit/projects/count": (200, 200, 200, 200, 200),
    "org-unit/projects/{project}": (200, 200, 404, 200, 200),
    "org-unit/ranks": (200, 200, 200, 200, 200),
    "node-pools": (200, 200, 200, 200, 200),
    "node-pools/count": (200, 200, 200, 200, 200),
    "node-pools/{pool}": (200, 200, 200, 200, 200),
    "nodes": (403, 403, 403, 403, 200),
    "nodes/count": (403, 403, 403, 403, 200),
}
RESOURCES = {"resources": []}
WRITES = {
    ("post", "clusters"): ({"name": "bergen-1"}, (403, 403, 403, 403, 201)),
    ("put", "clusters/{cluster}"): ({"name": "oslo-2"}, (403, 403, 403, 403, 200)),
    ("delete", "clusters/{cluster}"): ({}, (403, 403, 403, 403, 422)),
    ("post", "org-unit/departments"): ({"name": "new", "clusterId": "{cluster}"}, (403, 403, 403, 403, 201)),
    ("put", "org-unit/departments/{department}"): (
        {
            "name": "r2",
            "resources": [
                {"nodePool": {"name": n}, "gpu": {"deserved": 16}} for n in ("h100", "a100", "default")
            ],
        },
        (404, 404, 404, 404, 200),
    ),
    ("delete", "org-unit/departments/{department}"): ({}, (404, 404, 404, 404, 422)),
    ("patch", "org-unit/departments/{department}/resources"): (RESOURCES, (404, 404, 404, 404, 200)),
    ("put", "org-unit/departments/{department}/resources"): (RESOURCES, (404, 404, 404, 404, 422)),
    ("post", "org-unit/projects"): (
        {"name": "new", "clusterId": "{cluster}", "parentId": "{department}"},
        (422, 422, 422, 422, 201),
    ),
    ("put", "org-unit/projects/{project}"): (RESOURCES, (403, 403, 404, 403, 200)),
    ("delete", "org-unit/projects/{project}"): ({}, (403, 403, 404, 403, 204)),
    ("patch", "org-unit/projects/{project}/resources"): (
        {"resources": [{"nodePool": {"name": "h100"}, "gpu": {"deserved": 7}}]},
        (403, 403, 404, 403, 200),
    ),
    ("put", "org-unit/projects/{project}/resources"): (RESOURCES, (403, 403, 404, 403, 200)),
    ("post", "node-pools"): (
        {"name": "l40s", "clusterId": "{cluster}", "labelKey": "k", "labelValue": "v"},
        (403, 403, 403, 403, 201),
    ),
    ("put", "node-pools/{pool}"): ({"labelKey": "k", "labelValue": "v"}, (403, 403, 403, 403, 200)),
    ("delete", "node-pools/{pool}"): ({}, (403, 403, 403, 403, 204)),
}


@pytest.fixture
def api() -> APIClient:
    cache.clear()
    return APIClient()


def filled(value, acme):
    known = {
        "{cluster}": acme.cluster.pk,
        "{department}": acme.research.pk,
        "{project}": acme.vision.pk,
        "{pool}": acme.cluster.node_pools.get(name="h100").pk,
    }
    if isinstance(value, dict):
        return {key: filled(one, acme) for key, one in value.items()}
    if isinstance(value, str):
        for key, one in known.items():
            value = value.replace(key, str(one))
    return value


def call(api, acme, method, path, body=None):
    return getattr(api, method)(f"/api/v1/{filled(path, acme)}", filled(body, acme), format="json")


def test_every_address_is_in_the_tables():
    def shape(text):
        for name in ("department", "project", "cluster", "pool"):
            for kind in ("int", "uuid"):
                text = text.replace(f"<{kind}:{name}_id>", f"{{{name}}}")
        return text

    assert {shape(str(p.pattern)) for p in api_urls.urlpatterns} == set(GETS) | {path for _, path in WRITES}


@pytest.mark.parametrize(
    ("path", "person", "code"), [(p, PEOPLE[i], c) for p, codes in GETS.items() for i, c in enumerate(codes)]
)
def test_who_reads_what(api, request, acme, path, person, code):
    api.force_authenticate(request.getfixturevalue(person))
    assert call(api, acme, "get", path).status_code == code


@pytest.mark.parametrize(
    ("method", "path", "body", "person", "code"),
    [(m, p, b, PEOPLE[i], c) for (m, p), (b, codes) in WRITES.items() for i, c in enumerate(codes)],
)
def test_who_writes_what(api, request, acme, held, method, path, body, person, code):
    api.force_authenticate(request.getfixturevalue(person))
    before = AuditEvent.objects.count()
    answer = call(api, acme, method, path, body)
    assert answer.status_code == code, answer.content
    if code >= 400:
        assert answer["Content-Type"] == "application/problem+json"
        assert AuditEvent.objects.count() == before
    elif body != RESOURCES or "patch" not in method:
        assert AuditEvent.objects.count() > before


@pytest.mark.parametrize("path", [*GETS, *sorted({path for _, path in WRITES})])
def test_nobody_is_answered_without_a_token(api, acme, path):
    answer = call(api, acme, "get", path)
    assert (answer.status_code, answer["WWW-Authenticate"]) == (401, "Bearer")


# --- lists -------------------------------------------------------------------------------------------------------------------------


def names(answer, plural="projects"):
    assert answer.status_code == 200, answer.content
    return [one["name"] for one in answer.json()[plural]]


def test_a_stranger_is_counted_out(api, acme, cyd):
    api.force_authenticate(cyd)
    assert names(call(api, acme, "get", "org-unit/projects")) == ["speech"]
    assert call(api, acme, "get", "org-unit/projects/count").json() == {"count": 1}


def test_pages_follow_each_other_to_the_end(api, acme, root):
    for n in range(5):
        factories.make_project(f"p{n}", department=acme.research)
    api.force_authenticate(root)
    found, offset = [], 0
    while offset is not None:
        answer = call(api, acme, "get", f"org-unit/projects?limit=3&offset={offset}")
        found += names(answer)
        offset = answer.json().get("next")
    assert found == ["p0", "p1", "p2", "p3", "p4", "speech", "vision"]


@pytest.mark.parametrize(
    ("query", "expected"),
    [
        ("filterBy[]=name==vision", ["vision"]),
        ("filterBy[]=name!=vision", ["speech"]),
        ("filterBy[]=name=@ISI", ["vision"]),
        ("filterBy[]=name!@isi", ["speech"]),
        ("filterBy[]=name=^sp", ["speech"]),
        ("filterBy[]=name=$ch", ["speech"]),
        ("filterBy[]=name=@s&filterBy[]=name=^v", ["vision"]),
        ("filterBy[]=createdAt<=2029-01-01T00:00:00Z", []),
        ("filterBy[]=createdAt>=2029-01-01T00:00:00Z", ["speech", "vision"]),
        ("sortBy=name&sortOrder=desc", ["vision", "speech"]),
        ("search=spee", ["speech"]),
        ("search=research", ["speech", "vision"]),
    ],
)
def test_lists_are_filtered_sorted_and_searched(api, acme, root, query, expected):
    api.force_authenticate(root)
    assert names(call(api, acme, "get", f"org-unit/projects?{query}")) == expected


@pytest.mark.parametrize(
    ("query", "pointer"),
    [
        ("limit=0", "/limit"),
        ("limit=501", "/limit"),
        ("limit=x", "/limit"),
        ("offset=-1", "/offset"),
        ("sortBy=colour", "/sortBy"),
        ("sortOrder=up", "/sortOrder"),
        ("filterBy[]=colour==red", "/filterBy"),
        ("filterBy[]=name", "/filterBy"),
        ("filterBy[]=clusterId==x", "/filterBy"),
        ("filterBy[]=id=@1", "/filterBy"),
        ("filterBy[]=createdAt>=yesterday", "/filterBy"),
    ],
)
def test_a_question_that_cannot_be_read_is_told_at_its_parameter(api, acme, root, query, pointer):
    api.force_authenticate(root)
    answer = call(api, acme, "get", f"org-unit/projects?{query}")
    assert (answer.status_code, [e["pointer"] for e in answer.json()["errors"]]) == (422, [pointer])


@pytest.mark.parametrize(
    "path", ["org-unit/projects", "org-unit/departments", "node-pools", "nodes", "clusters"]
)
def test_lists_cost_the_same_for_many_rows(api, acme, root, held, path):
    api.force_authenticate(root)

    def count():
        with CaptureQueriesContext(connection) as queries:
            assert call(api, acme, "get", path).status_code == 200
        return len(queries)

    make_more(acme, 1)
    few = count()
    make_more(acme, 6)
    assert count() <= few


def make_more(acme, number):
    for n in range(number):
        name = f"x{number}-{n}"
        factories.make_project(name, department=factories.make_department(name, cluster=acme.cluster))
        acme.cluster.nodes.create(name=name, created_at=factories.NOON, seen_at=factories.NOON)
        factories.make_pool(name, cluster=acme.cluster)
        factories.make_cluster(name)


# --- shapes ------------------------------------------------------------------------------------------------------------------------


def test_a_project_carries_quotas_and_what_is_held(api, acme, ada, held):
    held.hold(acme.vision.pk, "h100", gpus=10, uninterruptible=2)
    api.force_authenticate(ada)
    body = call(api, acme, "get", "org-unit/projects/{project}").json()
    assert body["parent"] == {"id": str(acme.research.pk), "name": "research", "type": "department"}
    assert (body["id"], body["clusterId"]) == (str(acme.vision.pk), str(acme.cluster.pk))
    entry = next(e for e in body["resources"] if e["nodePool"]["name"] == "h100")
    assert entry["gpu"] == {"deserved": 8.0, "limit": None, "overQuotaWeight": 2}
    assert (entry["rank"], entry["cpu"]["deserved"], entry["overQuotaAllowed"]) == ("MediumLow", None, True)
    assert body["totalResources"] == {"gpuQuota": 24.0, "cpuQuota": None, "memoryQuota": None}
    assert body["status"]["quotaStatus"]["allocated"]["gpu"] == 10.0
    assert body["status"]["quotaStatus"]["allocatedNonPreemptible"]["gpu"] == 2.0


def test_what_nobody_knows_is_null(api, acme, ada, monkeypatch):
    from organization import usage

    monkeypatch.setattr(usage, "_source", None)
    api.force_authenticate(ada)
    assert call(api, acme, "get", "org-unit/projects/{project}").json()["status"]["quotaStatus"] is None
    assert call(api, acme, "get", "node-pools/{pool}").json()["status"]["allocatedGpus"] is None


def test_a_project_is_made_with_its_quotas_in_one_go(api, acme, root, held):
    api.force_authenticate(root)
    body = {
        "name": "robots",
        "clusterId": str(acme.cluster.pk),
        "parentId": str(acme.research.pk),
        "defaultNodePools": ["h100"],
        "resources": [
            {
                "nodePool": {"name": "h100"},
                "gpu": {"deserved": 2.5, "limit": 4, "overQuotaWeight": 5},
                "cpu": {"deserved": 8000},
                "memory": {"deserved": 2, "units": "GB"},
                "rank": "High",
                "overQuotaAllowed": False,
            }
        ],
    }
    answer = call(api, acme, "post", "org-unit/projects", body)
    assert answer.status_code == 201, answer.content
    row = PoolResources.objects.get(project__name="robots", pool__name="h100")
    assert (row.gpu_deserved_milli, row.gpu_limit_milli, row.gpu_weight, row.rank) == (2500, 4000, 5, 6)
    assert (row.cpu_deserved_milli, row.memory_deserved_bytes, row.over_quota_allowed) == (
        8000,
        2 * 10**9,
        False,
    )


def test_a_refused_quota_leaves_no_project_behind(api, acme, root, held):
    api.force_authenticate(root)
    entry = {"nodePool": {"name": "h100"}, "gpu": {"deserved": 5}}
    body = {"name": "robots", "clusterId": "{cluster}", "parentId": "{department}", "resources": [entry]}
    answer = call(api, acme, "post", "org-unit/projects", body)
    assert answer.status_code == 422
    assert answer.json()["errors"][0]["pointer"] == "/resources/0/gpu/deserved"
    assert not Project.objects.filter(name="robots").exists()
    assert not AuditEvent.objects.exists()


def test_a_taken_name_is_a_conflict(api, acme, root):
    api.force_authenticate(root)
    body = {"name": "vision", "clusterId": "{cluster}", "parentId": "{department}"}
    answer = call(api, acme, "post", "org-unit/projects", body)
    assert answer.status_code == 409
    assert (answer.json()["code"], answer.json()["message"]) == (
        409,
        "name: There is a project vision already.",
    )


def test_patch_changes_what_is_named_and_put_the_rest_too(api, acme, root, held):
    api.force_authenticate(root)
    entry = {"nodePool": {"name": "h100"}, "gpu": {"limit": 9}}
    call(api, acme, "patch", "org-unit/projects/{project}/resources", {"resources": [entry]})
    rows = {row.pool.name: row for row in PoolResources.objects.filter(project=acme.vision)}
    assert (rows["h100"].gpu_deserved_milli, rows["h100"].gpu_limit_milli) == (8000, 9000)
    assert rows["a100"].gpu_deserved_milli == 8000

    call(api, acme, "put", "org-unit/projects/{project}/resources", {"resources": [entry]})
    rows = {row.pool.name: row for row in PoolResources.objects.filter(project=acme.vision)}
    assert (rows["h100"].gpu_deserved_milli, rows["a100"].gpu_deserved_milli) == (0, 0)


@pytest.mark.parametrize(
    ("entry", "pointer"),
    [
        ({"nodePool": {"name": "b200"}}, "/resources/0/nodePool"),
        ({"nodePool": {}}, "/resources/0/nodePool"),
        ({"nodePool": {"name": "h100"}, "gpu": {"deserved": -1}}, "/resources/0/gpu/deserved"),
        ({"nodePool": {"name": "h100"}, "gpu": {"limit": 1}}, "/resources/0/gpu/limit"),
        ({"nodePool": {"name": "h100"}, "rank": "Highest"}, "/resources/0/rank"),
        ({"nodePool": {"name": "h100"}, "memory": {"units": "KB"}}, "/resources/0/memory/units"),
    ],
)
def test_a_bad_entry_is_told_at_its_place(api, acme, root, held, entry, pointer):
    api.force_authenticate(root)
    answer = call(api, acme, "patch", "org-unit/projects/{project}/resources", {"resources": [entry]})
    assert answer.status_code in (400, 422)
    assert [e["pointer"] for e in answer.json()["errors"]] == [pointer]


def test_replacing_a_project_moves_it_too(api, acme, root, held):
    products = factories.make_department("products", cluster=acme.cluster)
    api.force_authenticate(root)
    patch = {
        "resources": [
            {"nodePool": {"name": name}, "gpu": {"deserved": 0}} for name in ("h100", "a100", "default")
        ]
    }
    call(api, acme, "patch", "org-unit/projects/{project}/resources", patch)
    body = {"parentId": str(products.pk), "description": "moved", "resources": []}
    answer = call(api, acme, "put", "org-unit/projects/{project}", body)
    assert (answer.status_code, answer.json()["parentId"]) == (200, str(products.pk))


def test_a_pool_says_its_nodes_and_settings(api, acme, root, held):
    api.force_authenticate(root)
    body = {
        "name": "l40s",
        "clusterId": "{cluster}",
        "labelKey": "run.ai/node-pool",
        "labelValue": "l40s",
        "schedulingConfiguration": {"placementStrategy": {"gpu": "spread"}, "minGuaranteedRuntime": 60},
    }
    answer = call(api, acme, "post", "node-pools", body).json()
    assert answer["schedulingConfiguration"] == {
        "placementStrategy": {"gpu": "spread", "cpu": "binpack"},
        "minGuaranteedRuntime": 60,
        "timeBasedFairShare": {
            "enabled": False,
            "historicalUsageWeight": 1.0,
            "windowDuration": 168,
            "windowType": "sliding",
            "tumblingWindowStartTime": None,
            "decayHalfLife": 0,
        },
    }
    assert (answer["status"]["phase"], answer["status"]["nodes"]) == ("Empty", 0)
    assert NodePool.objects.filter(name="l40s").exists()


def test_a_pool_counts_past_use_as_it_is_told(api, acme, root):
    api.force_authenticate(root)
    wish = {
        "enabled": True,
        "historicalUsageWeight": 2.0,
        "windowDuration": 24,
        "windowType": "tumbling",
        "tumblingWindowStartTime": "2030-01-01T00:00:00Z",
        "decayHalfLife": 6,
    }
    body = {
        "name": "l40s",
        "clusterId": "{cluster}",
        "labelKey": "run.ai/node-pool",
        "labelValue": "l40s",
        "schedulingConfiguration": {"timeBasedFairShare": wish},
    }
    answer = call(api, acme, "post", "node-pools", body).json()
    assert answer["schedulingConfiguration"]["timeBasedFairShare"] == wish

    pool = NodePool.objects.get(name="l40s")
    sliding = {"labelKey": pool.label_key, "labelValue": pool.label_value}
    wish = wish | {"windowType": "sliding"}
    sliding["schedulingConfiguration"] = {"timeBasedFairShare": wish}
    answer = call(api, acme, "put", f"node-pools/{pool.pk}", sliding).json()
    assert answer["schedulingConfiguration"]["timeBasedFairShare"]["tumblingWindowStartTime"] is None


@pytest.mark.parametrize(
    ("wish", "pointer"),
    [
        ({"historicalUsageWeight": -1}, "historicalUsageWeight"),
        ({"historicalUsageWeight": "NaN"}, "historicalUsageWeight"),
        ({"windowDuration": 0}, "windowDuration"),
        ({"decayHalfLife": 337}, "decayHalfLife"),
        ({"windowType": "tumbling"}, "tumblingWindowStartTime"),
    ],
)
def test_absurd_wishes_about_past_use_are_told_at_their_place(api, acme, root, wish, pointer):
    api.force_authenticate(root)
    body = {
        "name": "l40s",
        "clusterId": "{cluster}",
        "labelKey": "run.ai/node-pool",
        "labelValue": "l40s",
        "schedulingConfiguration": {"timeBasedFairShare": wish},
    }
    answer = call(api, acme, "post", "node-pools", body)
    assert answer.status_code in (400, 422)
    assert answer.json()["errors"][0]["pointer"].rpartition("timeBasedFairShare")[2].strip("/.") == pointer


def test_a_label_in_use_is_told_at_its_field(api, acme, root):
    api.force_authenticate(root)
    body = {"name": "x", "clusterId": "{cluster}", "labelKey": "run.ai/node-pool", "labelValue": "h100"}
    answer = call(api, acme, "post", "node-pools", body)
    assert (answer.status_code, answer.json()["errors"][0]["pointer"]) == (422, "/labelValue")


def test_nodes_say_what_is_held(api, acme, root, held):
    acme.cluster.nodes.create(
        name="n1", ready=True, gpu_count=8, created_at=factories.NOON, seen_at=factories.NOON
    )
    held.nodes[acme.cluster.pk, "n1"] = 2500
    api.force_authenticate(root)
    node = call(api, acme, "get", "nodes?filterBy[]=ready==true").json()["nodes"][0]
    assert (node["status"], node["allocatedGpus"], node["gpuInfo"]["gpuCount"]) == ("Ready", 2.5, 8)


def test_ranks_are_listed_with_their_default(api, acme, ada):
    api.force_authenticate(ada)
    found = call(api, acme, "get", "org-unit/ranks").json()
    assert [one["name"] for one in found if one["isDefault"]] == ["MediumLow"]
    assert len(found) == 7


def test_departments_are_made_replaced_and_deleted(api, acme, root, held):
    api.force_authenticate(root)
    body = {
        "name": "products",
        "clusterId": "{cluster}",
        "resources": [{"nodePool": {"name": "h100"}, "gpu": {"deserved": 4}}],
    }
    made = call(api, acme, "post", "org-unit/departments", body).json()
    assert made["totalResources"]["gpuQuota"] == 4.0
    path = f"org-unit/departments/{made['id']}"
    assert (
        call(api, acme, "put", path, {"name": "goods", "resources": []}).json()["totalResources"]["gpuQuota"]
        == 0
    )
    assert call(api, acme, "delete", path).status_code == 204
    assert not Department.objects.filter(pk=made["id"]).exists()
