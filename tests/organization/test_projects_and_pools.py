"""Creating, moving and deleting departments, projects and node pools, with all that follows from it."""

import pytest
from django.db import transaction
from kombu.exceptions import OperationalError

from access.errors import InvalidInput, NameTaken, NotAllowed
from access.models import AccessRule, AuditEvent
from organization import tasks
from organization.models import Cluster, Department, NodePool, PoolResources, Project
from organization.services.clusters import delete_cluster, found_tenant, register_cluster
from organization.services.departments import create_department, delete_department, edit_department
from organization.services.members import add_member, remove_member
from organization.services.node_pools import PoolSettings, create_node_pool, delete_node_pool, edit_node_pool
from organization.services.projects import create_project, delete_project, edit_project, move_project
from tests import factories

pytestmark = pytest.mark.django_db
L40S = PoolSettings(label_key="run.ai/node-pool", label_value="l40s")


def test_a_new_installation_founds_its_tenant_and_registers_a_cluster(db):
    admin = factories.make_person("admin")
    tenant = found_tenant(name="acme", administrator=admin)
    cluster = register_cluster(actor=admin, tenant=tenant, name="oslo-1")

    assert [pool.name for pool in cluster.node_pools.all()] == ["default"]
    department = create_department(actor=admin, cluster=cluster, name="research")
    project = create_project(actor=admin, department=department, name="vision")
    assert project.scope == f"/{tenant.pk}/{cluster.pk}/{department.pk}/{project.pk}/"
    assert (project.namespace, project.phase) == ("runai-vision", "Creating")


def test_a_new_project_has_a_quota_of_zero_in_every_pool(acme, root):
    project = create_project(actor=root, department=acme.research, name="robots")
    rows = project.resources.all()
    assert {row.pool.name for row in rows} == {"default", "h100", "a100"}
    assert {(row.gpu_deserved_milli, row.cpu_deserved_milli, row.over_quota_allowed) for row in rows} == {
        (0, None, True)
    }


def test_a_new_pool_gives_a_row_to_every_department_and_project(acme, root):
    pool = create_node_pool(actor=root, cluster=acme.cluster, name="l40s", settings=L40S)
    rows = PoolResources.objects.filter(pool=pool)
    assert {str(row.project or row.department) for row in rows} == {"research", "vision", "speech"}
    assert {row.gpu_deserved_milli for row in rows} == {0}


def test_a_worker_is_asked_for_the_namespace_once_the_project_is_committed(
    acme, root, namespaces_asked_for, django_capture_on_commit_callbacks
):
    with django_capture_on_commit_callbacks(execute=True):
        project = create_project(actor=root, department=acme.research, name="robots")
        assert namespaces_asked_for == []
    assert namespaces_asked_for == [project.pk]


def test_a_project_is_kept_also_when_no_worker_can_be_asked(
    acme, root, monkeypatch, django_capture_on_commit_callbacks
):
    def refuse(*args, **options):
        raise OperationalError("no broker")

    monkeypatch.setattr(tasks.keep_namespace, "apply_async", refuse)
    with django_capture_on_commit_callbacks(execute=True):
        create_project(actor=root, department=acme.research, name="robots")
    assert Project.objects.get(name="robots").phase == "Creating"


@pytest.mark.parametrize("name", ["", "Vision", "1st", "a_b", "ends-", "x" * 58])
def test_a_name_that_cannot_be_a_namespace_is_refused(acme, root, name):
    with pytest.raises(InvalidInput) as errors:
        create_project(actor=root, department=acme.research, name=name)
    assert list(errors.value.errors) == ["name"]


def test_two_projects_of_a_cluster_cannot_share_a_name(acme, root):
    other = factories.make_department("products", cluster=acme.cluster)
    with pytest.raises(NameTaken, match="There is a project vision already"):
        create_project(actor=root, department=other, name="vision")


def test_a_default_pool_must_exist(acme, root):
    with pytest.raises(InvalidInput, match="oslo-1 has no node pool b200"):
        edit_project(actor=root, project=acme.vision, description="", default_node_pools=["h100", "b200"])
    edit_project(actor=root, project=acme.vision, description="", default_node_pools=["h100", "a100"])
    assert Project.objects.get(pk=acme.vision.pk).default_node_pools == ["h100", "a100"]


def test_moving_a_project_takes_its_rights_and_scope_along(acme, root, ada, ben, cyd):
    products = factories.make_department("products", cluster=acme.cluster, gpus=8)
    move_project(actor=root, project=acme.vision, department=products)

    scope = f"{products.scope}{acme.vision.pk}/"
    assert Project.objects.get(pk=acme.vision.pk).scope == scope
    assert {rule.scope for rule in AccessRule.objects.filter(user__in=[ada, ben])} == {scope}
    assert AccessRule.objects.get(user=cyd).scope == acme.speech.scope
    event = AuditEvent.objects.get(action="Move")
    assert (event.before["department"], event.after["department"]) == ("research", "products")


def test_a_project_does_not_move_where_its_quota_does_not_fit(acme, root):
    products = factories.make_department("products", cluster=acme.cluster, gpus=7)
    with pytest.raises(InvalidInput) as errors:
        move_project(actor=root, project=acme.vision, department=products)
    assert (
        "h100: At most 7 GPUs: the department products has 7 GPUs in h100."
        in errors.value.errors["department"]
    )
    assert Project.objects.get(pk=acme.vision.pk).department == acme.research


def test_a_project_does_not_move_to_another_cluster(acme, root):
    elsewhere = factories.make_department("far", cluster=factories.make_cluster("bergen-1"))
    with pytest.raises(InvalidInput, match="far belongs to another cluster"):
        move_project(actor=root, project=acme.vision, department=elsewhere)


def test_a_project_with_workloads_stays(acme, root, held):
    held.workloads[acme.vision.pk] = 3
    with pytest.raises(InvalidInput, match="vision still has 3 workloads"):
        delete_project(actor=root, project=acme.vision)


def test_a_deleted_project_takes_its_rights_along_and_leaves_an_audit_row(acme, root, ada, held):
    key = acme.vision.pk
    delete_project(actor=root, project=acme.vision)
    assert not Project.objects.filter(pk=key).exists()
    assert not AccessRule.objects.filter(user=ada).exists()
    assert held.forgotten == [key]
    assert AuditEvent.objects.get(action="Delete").before["name"] == "vision"


def test_departments_and_clusters_go_only_when_empty(acme, root):
    with pytest.raises(InvalidInput, match="research still has 2 projects"):
        delete_department(actor=root, department=acme.research)
    with pytest.raises(InvalidInput, match="oslo-1 still has 1 departments with 2 projects"):
        delete_cluster(actor=root, cluster=acme.cluster)
    Project.objects.all().delete()
    delete_department(actor=root, department=acme.research)
    delete_cluster(actor=root, cluster=acme.cluster)
    assert not Department.objects.exists()
    assert not Cluster.objects.exists()


def test_a_change_that_is_rolled_back_leaves_no_audit_row(acme, root):
    before = AuditEvent.objects.count()
    with transaction.atomic():
        edit_department(actor=root, department=acme.research, name="science", description="")
        transaction.set_rollback(True)
    assert AuditEvent.objects.count() == before
    assert Department.objects.get(pk=acme.research.pk).name == "research"


# --- node pools --------------------------------------------------------------------------------------------------------------------


def test_a_label_makes_one_pool_only(acme, root):
    again = PoolSettings(label_key="run.ai/node-pool", label_value="h100")
    with pytest.raises(InvalidInput, match=r"The pool h100 has the label run\.ai/node-pool=h100 already"):
        create_node_pool(actor=root, cluster=acme.cluster, name="h100-too", settings=again)


def test_a_label_that_would_put_a_node_into_two_pools_is_refused(acme, root):
    factories_node(acme, "n1", {"run.ai/node-pool": "h100", "rack": "r1"})
    with pytest.raises(InvalidInput, match="The node n1 would be in h100 too"):
        create_node_pool(
            actor=root,
            cluster=acme.cluster,
            name="rack",
            settings=PoolSettings(label_key="rack", label_value="r1"),
        )


def test_nodes_follow_the_labels_of_pools_at_once(acme, root):
    node = factories_node(acme, "n1", {"run.ai/node-pool": "l40s"})
    pool = create_node_pool(actor=root, cluster=acme.cluster, name="l40s", settings=L40S)
    node.refresh_from_db()
    assert node.pool == pool

    other = PoolSettings(label_key="run.ai/node-pool", label_value="else")
    edit_node_pool(actor=root, pool=pool, settings=other)
    node.refresh_from_db()
    assert node.pool.name == "default"


@pytest.mark.parametrize(
    ("chosen", "field"),
    [
        (PoolSettings(label_key="", label_value="x"), "label_key"),
        (PoolSettings(label_key="a b", label_value="x"), "label_key"),
        (PoolSettings(label_key="k", label_value=""), "label_value"),
        (PoolSettings(label_key="k", label_value="x" * 64), "label_value"),
        (PoolSettings(label_key="k", label_value="v", gpu_placement="tetris"), "gpu_placement"),
        (PoolSettings(label_key="k", label_value="v", min_runtime_seconds=-1), "min_runtime_seconds"),
        (PoolSettings(label_key="k", label_value="v", usage_weight=float("nan")), "usage_weight"),
        (PoolSettings(label_key="k", label_value="v", usage_weight=-0.5), "usage_weight"),
        (PoolSettings(label_key="k", label_value="v", usage_window_hours=0), "usage_window_hours"),
        (PoolSettings(label_key="k", label_value="v", usage_half_life_hours=337), "usage_half_life_hours"),
    ],
)
def test_settings_of_a_pool_are_checked_at_their_field(acme, root, chosen, field):
    with pytest.raises(InvalidInput) as errors:
        create_node_pool(actor=root, cluster=acme.cluster, name="new", settings=chosen)
    assert list(errors.value.errors) == [field]


def test_the_default_pool_stays(acme, root):
    with pytest.raises(InvalidInput, match="The pool default always exists"):
        delete_node_pool(actor=root, pool=acme.cluster.node_pools.get(name="default"))


def test_a_pool_in_which_work_runs_stays(acme, root, held):
    held.hold(acme.vision.pk, "h100", gpus=1)
    with pytest.raises(InvalidInput, match="Work of vision still runs in h100"):
        delete_node_pool(actor=root, pool=acme.cluster.node_pools.get(name="h100"))


def test_a_deleted_pool_leaves_default_lists_and_gives_its_nodes_back(acme, root):
    edit_project(actor=root, project=acme.vision, description="", default_node_pools=["h100", "a100"])
    pool = acme.cluster.node_pools.get(name="h100")
    node = factories_node(acme, "n1", {"run.ai/node-pool": "h100"}, pool=pool)
    delete_node_pool(actor=root, pool=pool)
    node.refresh_from_db()
    acme.vision.refresh_from_db()
    assert (node.pool.name, acme.vision.default_node_pools) == ("default", ["a100"])
    assert not NodePool.objects.filter(name="h100").exists()


def factories_node(acme, name, labels, pool=None):
    return acme.cluster.nodes.create(
        name=name, labels=labels, pool=pool, created_at=factories.NOON, seen_at=factories.NOON
    )


# --- members -----------------------------------------------------------------------------------------------------------------------


def test_a_project_administrator_adds_and_removes_members(acme, ben, cyd):
    rule = add_member(actor=ben, project=acme.vision, email="CYD@acme.test ", role="researcher")
    assert rule.user == cyd
    remove_member(actor=ben, project=acme.vision, rule=rule)
    assert not AccessRule.objects.filter(user=cyd, scope=acme.vision.scope).exists()
    assert list(AuditEvent.objects.values_list("action", flat=True)) == ["Delete", "Create"]


def test_nobody_gives_more_than_they_have(acme, ben, cyd):
    with pytest.raises(NotAllowed, match="You may give only what you have here"):
        add_member(actor=ben, project=acme.vision, email=cyd.email, role="system-administrator")


def test_a_researcher_adds_nobody(acme, ada, cyd):
    with pytest.raises(NotAllowed):
        add_member(actor=ada, project=acme.vision, email=cyd.email, role="viewer")


def test_an_unknown_address_and_a_right_given_twice_are_told_at_the_address(acme, ben, ada):
    for email, sentence in (
        ("no@acme.test", "Nobody with the address"),
        (ada.email, "is Researcher here already"),
    ):
        with pytest.raises(InvalidInput, match=sentence) as errors:
            add_member(actor=ben, project=acme.vision, email=email, role="researcher")
        assert list(errors.value.errors) == ["email"]


def test_the_last_system_administrator_keeps_the_role(acme, root):
    from access.services import take_role

    with pytest.raises(InvalidInput, match="is the last system administrator"):
        take_role(actor=root, rule=root.access_rules.get())
