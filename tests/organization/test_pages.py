"""What each role sees and may do on every page: generated over addresses and people."""

from datetime import UTC, datetime

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext
from django.urls import URLPattern, reverse

from access.models import AccessRule, AuditEvent
from organization import urls
from organization.models import Department, NodePool, PoolResources, Project, Tenant
from tests import factories

pytestmark = pytest.mark.django_db

PEOPLE = ("ada", "ben", "cyd", "eve", "root")
ANYONE, GONE, FORBIDDEN = 200, 404, 403
# page -> what ada (researcher), ben (project administrator), cyd (stranger), eve (viewer) and root get on GET
PAGES = {
    "projects": (200, 200, 200, 200, 200),
    "create_project": (403, 403, 403, 403, 200),
    "project": (200, 200, 404, 200, 200),
    "edit_project": (403, 200, 404, 403, 200),
    "move_project": (403, 403, 404, 403, 200),
    "quota": (403, 403, 404, 403, 200),
    "quota_effect": (403, 403, 404, 403, 200),
    "departments": (200, 200, 200, 200, 200),
    "create_department": (403, 403, 403, 403, 200),
    "department": (404, 404, 404, 404, 200),
    "edit_department": (404, 404, 404, 404, 200),
    "node_pools": (200, 200, 200, 200, 200),
    "create_node_pool": (403, 403, 403, 403, 200),
    "edit_node_pool": (403, 403, 403, 403, 200),
    "nodes": (403, 403, 403, 403, 200),
    "clusters": (200, 200, 200, 200, 200),
    "register_cluster": (403, 403, 403, 403, 200),
}
# page -> what a POST with nothing in it gives; 422 and 302 mean: was allowed to try
POSTS = {
    "create_project": (403, 403, 403, 403, 422),
    "edit_project": (403, 302, 404, 403, 302),
    "move_project": (403, 403, 404, 403, 422),
    "delete_project": (403, 403, 404, 403, 422),
    "add_member": (403, 422, 404, 403, 422),
    "remove_member": (403, 302, 404, 404, 302),
    "quota": (403, 403, 404, 403, 422),
    "create_department": (403, 403, 403, 403, 422),
    "edit_department": (404, 404, 404, 404, 422),
    "delete_department": (404, 404, 404, 404, 422),
    "department_rule": (403, 403, 403, 403, 302),
    "create_node_pool": (403, 403, 403, 403, 422),
    "edit_node_pool": (403, 403, 403, 403, 422),
    "delete_node_pool": (403, 403, 403, 403, 302),
    "register_cluster": (403, 403, 403, 403, 422),
}


def address(name: str, acme, rule_id: int = 0) -> str:
    pool = acme.cluster.node_pools.get(name="h100")
    known = {
        "project_id": acme.vision.pk,
        "department_id": acme.research.pk,
        "pool_id": pool.pk,
        "tenant_id": acme.tenant.pk,
        "rule_id": rule_id,
        "kind": "project",
        "unit_id": acme.vision.pk,
    }
    pattern = next(p for p in urls.urlpatterns if isinstance(p, URLPattern) and p.name == name)
    return reverse(f"organization:{name}", kwargs={k: known[k] for k in pattern.pattern.converters})


def cases(table):
    return [(page, person, codes[i]) for page, codes in table.items() for i, person in enumerate(PEOPLE)]


def test_every_page_is_in_the_tables():
    assert {pattern.name for pattern in urls.urlpatterns} == set(PAGES) | set(POSTS)


@pytest.mark.parametrize(("name", "person", "code"), cases(PAGES))
def test_who_sees_which_page(client, request, acme, name, person, code):
    client.force_login(request.getfixturevalue(person))
    assert client.get(address(name, acme)).status_code == code


@pytest.mark.parametrize(("name", "person", "code"), cases(POSTS))
def test_who_may_send_which_form(client, request, acme, ada, name, person, code):
    rule = AccessRule.objects.get(user=ada)
    client.force_login(request.getfixturevalue(person))
    assert client.post(address(name, acme, rule.pk)).status_code == code


@pytest.mark.parametrize("name", sorted(set(PAGES) | set(POSTS)))
def test_nobody_comes_in_without_signing_in(client, acme, name):
    for answer in (client.get(address(name, acme)), client.post(address(name, acme))):
        assert (answer.status_code, answer["Location"].split("?")[0]) == (302, "/account/login/")


def test_a_forbidden_page_names_the_roles(client, acme, ada):
    client.force_login(ada)
    answer = client.get(address("edit_project", acme))
    assert "System administrator or Project administrator on the project vision" in answer.content.decode()


# --- the table of quotas -----------------------------------------------------------------------------------------------------------


def test_a_viewer_sees_nothing_of_other_projects(client, acme, eve, held):
    held.hold(acme.speech.pk, "h100", gpus=3)
    client.force_login(eve)
    for query in ("", "?format=csv", "?unit=memory"):
        body = b"".join(client.get(reverse("organization:projects") + query)).decode()
        assert "vision" in body
        assert "speech" not in body


def test_the_table_shows_held_over_and_unused(client, acme, root, held):
    held.hold(acme.vision.pk, "h100", gpus=10)
    held.hold(acme.speech.pk, "h100", gpus=1.5)
    client.force_login(root)
    body = client.get(reverse("organization:projects")).content.decode()
    assert "+2 over" in body
    assert "2.5 unused" in body
    assert "<b>11.5</b> held" in body


def test_what_nobody_knows_is_unknown_and_not_zero(client, acme, root, monkeypatch):
    from organization import usage

    monkeypatch.setattr(usage, "_source", None)
    client.force_login(root)
    body = client.get(reverse("organization:projects")).content.decode()
    assert "What is held is not known." in body
    assert "held unknown" in body
    csv = b"".join(client.get(reverse("organization:projects") + "?format=csv")).decode()
    assert "vision,research,h100,8.0,unknown,unknown,unknown" in csv


def test_the_csv_has_a_line_for_each_project_and_pool(client, acme, root, held):
    held.hold(acme.vision.pk, "h100", gpus=10)
    client.force_login(root)
    lines = b"".join(client.get(reverse("organization:projects") + "?format=csv")).decode().splitlines()
    assert len(lines) == 1 + 2 * 3
    assert "vision,research,h100,8.0,10.0,2.0,0" in lines


def test_a_pool_without_nodes_quota_and_work_has_no_column(client, acme, root, held):
    empty = factories.make_pool("empty", cluster=acme.cluster)
    quota = PoolResources.objects.create(project=acme.vision, pool=empty)
    client.force_login(root)
    assert ">empty<" not in client.get(reverse("organization:projects")).content.decode()
    quota.gpu_deserved_milli = 1000
    quota.save()
    assert ">empty<" in client.get(reverse("organization:projects")).content.decode()


def test_a_search_keeps_what_matches(client, acme, root, held):
    client.force_login(root)
    body = client.get(reverse("organization:projects") + "?q=spee").content.decode()
    assert "speech" in body
    assert f'href="{acme.vision.get_absolute_url()}"' not in body
    assert "No project matches" in client.get(reverse("organization:projects") + "?q=zzz").content.decode()


def test_a_stranger_with_no_role_is_told_whom_to_ask(client, acme):
    client.force_login(factories.make_person("new"))
    assert "You have no project yet" in client.get(reverse("organization:projects")).content.decode()


def test_the_table_costs_the_same_for_many_projects(client, acme, root, held):
    client.force_login(root)

    def count() -> int:
        with CaptureQueriesContext(connection) as queries:
            assert client.get(reverse("organization:projects")).status_code == 200
        return len(queries)

    few = count()
    for n in range(12):
        factories.make_project(f"more-{n}", department=acme.research, gpus=0)
    assert count() <= few


@pytest.mark.parametrize("name", ["departments", "node_pools", "nodes", "clusters"])
def test_lists_cost_the_same_for_many_rows(client, acme, root, held, name):
    client.force_login(root)

    def count() -> int:
        with CaptureQueriesContext(connection) as queries:
            assert client.get(reverse(f"organization:{name}")).status_code == 200
        return len(queries)

    make_more(acme, 1)
    few = count()
    make_more(acme, 8)
    assert count() <= few


def make_more(acme, number):
    for n in range(number):
        name = f"x{number}-{n}"
        factories.make_department(name, cluster=acme.cluster)
        pool = factories.make_pool(name, cluster=acme.cluster)
        acme.cluster.nodes.create(
            name=name, pool=pool, ready=True, created_at=factories.NOON, seen_at=factories.NOON
        )
        factories.make_cluster(name)


# --- forms -------------------------------------------------------------------------------------------------------------------------

QUOTA = {
    "gpu_deserved": "10.5",
    "gpu_weight": "3",
    "rank": "3",
    "over_quota_allowed": "on",
    "gpu_limit": "12",
}


def test_a_quota_is_saved_from_its_editor(client, acme, root, held):
    client.force_login(root)
    editor = client.get(reverse("organization:projects") + f"?edit=project-{acme.vision.pk}").content.decode()
    assert "Quota of vision in a100" in editor
    answer = client.post(address("quota", acme), {**QUOTA, "next": "/projects/?unit=gpu"})
    assert (answer.status_code, answer["Location"]) == (302, "/projects/?unit=gpu")
    row = PoolResources.objects.get(project=acme.vision, pool__name="h100")
    assert (row.gpu_deserved_milli, row.gpu_limit_milli, row.gpu_weight) == (10_500, 12_000, 3)


def test_a_refused_quota_keeps_the_inputs_and_tells_at_the_field(client, acme, root, held):
    client.force_login(root)
    answer = client.post(address("quota", acme), {**QUOTA, "gpu_deserved": "13", "gpu_limit": ""})
    body = answer.content.decode()
    assert answer.status_code == 422
    assert "At most 12 GPUs: the department research has 16 GPUs in h100" in body
    assert 'value="13"' in body
    assert 'aria-invalid="true"' in body
    assert "Save 13 GPUs" in body


def test_an_open_editor_is_not_swept_away_by_a_live_update(client, acme, root, held):
    client.force_login(root)
    page = reverse("organization:projects")
    assert 'data-live-topic="projects' in client.get(page).content.decode()
    assert (
        'data-live-topic="projects'
        not in client.get(f"{page}?edit=project-{acme.vision.pk}").content.decode()
    )


def test_a_foreign_address_to_return_to_is_ignored(client, acme, root, held):
    client.force_login(root)
    answer = client.post(address("quota", acme), {**QUOTA, "next": "https://evil.example/"})
    assert answer["Location"] == "/projects/"


@pytest.mark.parametrize("number", ["", "abc", "-1", "NaN", "Infinity", "1e40"])
def test_the_preview_says_when_a_number_cannot_be_read(client, acme, root, held, number):
    client.force_login(root)
    answer = client.get(address("quota_effect", acme), {"gpu_deserved": number})
    assert answer.status_code == 200
    assert "Write the GPUs as a number" in answer.content.decode()


def test_the_preview_says_what_saving_would_do(client, acme, root, held):
    held.hold(acme.vision.pk, "h100", gpus=6)
    acme.cluster.nodes.create(
        name="n1",
        pool=acme.cluster.node_pools.get(name="h100"),
        ready=True,
        gpu_count=8,
        created_at=factories.NOON,
        seen_at=factories.NOON,
    )
    client.force_login(root)
    body = client.get(address("quota_effect", acme), {"gpu_deserved": "5"}).content.decode()
    assert "vision holds 6: 1 would be over quota and may be taken back." in body
    assert "Quotas in h100 add up to 9 of 8 ready GPUs." in body
    assert "Save 5" in body


def test_a_project_is_made_edited_and_deleted_from_its_pages(client, acme, root, held):
    client.force_login(root)
    client.post(address("create_project", acme), {"department": acme.research.pk, "name": "robots"})
    project = Project.objects.get(name="robots")
    edit = reverse("organization:edit_project", args=(project.pk,))
    client.post(edit, {"description": "Arms", "default_node_pools": ["h100", "a100"]})
    project.refresh_from_db()
    assert (project.description, project.default_node_pools) == ("Arms", ["h100", "a100"])

    delete = reverse("organization:delete_project", args=(project.pk,))
    assert client.post(delete, {"name": "robot"}).status_code == 422
    assert client.post(delete, {"name": "robots"}).status_code == 302
    assert not Project.objects.filter(name="robots").exists()


def test_a_taken_name_is_told_at_the_field_with_the_input_kept(client, acme, root):
    client.force_login(root)
    form = {"department": acme.research.pk, "name": "vision", "description": "again"}
    answer = client.post(address("create_project", acme), form)
    body = answer.content.decode()
    assert (answer.status_code, "There is a project vision already." in body) == (422, True)
    assert 'value="again"' in body


def test_a_project_moves_from_its_page(client, acme, root):
    products = factories.make_department("products", cluster=acme.cluster, gpus=8)
    client.force_login(root)
    client.post(address("move_project", acme), {"department": products.pk})
    acme.vision.refresh_from_db()
    assert acme.vision.department == products


def test_members_come_and_go_on_the_project_page(client, acme, ben, cyd):
    client.force_login(ben)
    answer = client.post(address("add_member", acme), {"email": cyd.email, "role": "researcher"}, follow=True)
    assert cyd.email in answer.content.decode()
    rule = AccessRule.objects.get(user=cyd, scope=acme.vision.scope)
    client.post(address("remove_member", acme, rule.pk))
    assert not AccessRule.objects.filter(pk=rule.pk).exists()


def test_an_unknown_member_is_told_at_the_field(client, acme, ben):
    client.force_login(ben)
    answer = client.post(address("add_member", acme), {"email": "no@acme.test", "role": "researcher"})
    assert answer.status_code == 422
    assert "Nobody with the address no@acme.test has an account." in answer.content.decode()


def test_a_right_of_another_project_is_not_removed_here(client, acme, root, cyd):
    client.force_login(root)
    rule = AccessRule.objects.get(user=cyd)
    assert client.post(address("remove_member", acme, rule.pk)).status_code == 404
    assert AccessRule.objects.filter(pk=rule.pk).exists()


def test_departments_and_pools_are_made_from_their_pages(client, acme, root):
    client.force_login(root)
    client.post(address("create_department", acme), {"name": "products", "description": ""})
    assert Department.objects.get(name="products").resources.count() == 3
    form = {
        "name": "l40s",
        "label_key": "run.ai/node-pool",
        "label_value": "l40s",
        "gpu_placement": "spread",
        "cpu_placement": "binpack",
        "min_runtime_seconds": "60",
        "time_based_fair_share": "on",
        "usage_weight": "1.5",
        "usage_window_hours": "48",
        "usage_half_life_hours": "24",
        "usage_window_start": "2030-01-31 00:00",
    }
    assert client.post(address("create_node_pool", acme), form).status_code == 302
    pool = NodePool.objects.get(name="l40s")
    assert (pool.gpu_placement, pool.min_runtime_seconds) == ("spread", 60)
    assert (pool.time_based_fair_share, pool.usage_weight) == (True, 1.5)
    assert (pool.usage_window_hours, pool.usage_half_life_hours) == (48, 24)
    assert pool.usage_window_start == datetime(2030, 1, 31, tzinfo=UTC)
    shown = client.get(reverse("organization:edit_node_pool", args=(pool.pk,))).content.decode()
    assert 'value="2030-01-31 00:00:00"' in shown


def test_the_department_rule_is_switched_and_audited(client, acme, root):
    client.force_login(root)
    client.post(address("department_rule", acme), {"keep": "no"})
    assert not Tenant.objects.get().projects_within_department
    assert AuditEvent.objects.filter(
        entity_type="tenant", after={"projects_within_department": False}
    ).exists()


def test_nodes_show_cells_free_gpus_and_why_they_are_not_ready(client, acme, root, held):
    pool = acme.cluster.node_pools.get(name="h100")
    common = {"pool": pool, "gpu_count": 8, "created_at": factories.NOON, "seen_at": factories.NOON}
    acme.cluster.nodes.create(name="h100-01", ready=True, **common)
    acme.cluster.nodes.create(name="h100-02", ready=False, status_message="Kubelet stopped", **common)
    acme.cluster.nodes.create(name="h100-03", ready=None, **common)
    acme.cluster.nodes.create(name="h100-04", ready=True, cordoned=True, **common)
    held.nodes[acme.cluster.pk, "h100-01"] = 2500
    client.force_login(root)
    body = client.get(reverse("organization:nodes")).content.decode()
    for words in (
        "2.5 of 8",
        "<b>5.5</b>",
        "Kubelet stopped",
        "Unknown",
        "Cordoned",
        "2 of 4 nodes ready · 16 GPUs on ready nodes · 5.5 free",
    ):
        assert words in body
    trouble = client.get(reverse("organization:nodes") + "?view=trouble").content.decode()
    assert "h100-01" not in trouble
    csv = b"".join(client.get(reverse("organization:nodes") + "?format=csv")).decode()
    assert "h100-01,Ready" in csv
