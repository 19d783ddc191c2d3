"""Plain functions that make rows with sensible defaults."""

from datetime import UTC, datetime

from django.contrib.auth.models import User

from access.models import AccessRule
from organization.models import Cluster, ClusterState, Department, NodePool, PoolResources, Project, Tenant

NOON = datetime(2030, 1, 1, 12, tzinfo=UTC)
GPU = 1000
"""Thousandths of a GPU in one GPU."""


def make_person(name: str, *rights: tuple[str, str]) -> User:
    """A person `<name>@acme.test` with (role, scope) rights; the password is the name, twice."""
    email = f"{name}@acme.test"
    person = User.objects.create_user(email, email, f"{name}-{name}-4711", first_name=name.capitalize())
    for role, scope in rights:
        AccessRule.objects.create(user=person, role=role, scope=scope)
    return person


def make_tenant(name: str = "acme") -> Tenant:
    return Tenant.objects.get_or_create(name=name)[0]


def make_cluster(name: str = "oslo-1", *, tenant: Tenant | None = None, kubeconfig: str = "") -> Cluster:
    cluster = Cluster.objects.create(
        tenant=tenant or make_tenant(),
        name=name,
        kubeconfig=kubeconfig,
        state=ClusterState.CONNECTED,
        created_at=NOON,
    )
    make_pool("default", cluster=cluster)
    return cluster


def make_pool(name: str, *, cluster: Cluster, label: str = "run.ai/node-pool") -> NodePool:
    key, value = ("", "") if name == "default" else (label, name)
    return NodePool.objects.create(
        cluster=cluster, name=name, label_key=key, label_value=value, created_at=NOON, updated_at=NOON
    )


def make_department(name: str = "research", *, cluster: Cluster, gpus: float = 0) -> Department:
    department = Department(cluster=cluster, name=name, created_at=NOON, updated_at=NOON, scope=f"new-{name}")
    department.save()
    department.scope = f"{cluster.scope}{department.pk}/"
    department.save()
    _give_quota(gpus, cluster=cluster, department=department)
    return department


def make_project(name: str, *, department: Department, gpus: float = 0) -> Project:
    """A project with `gpus` quota in every pool of its cluster."""
    project = Project(
        department=department,
        cluster=department.cluster,
        name=name,
        namespace=f"runai-{name}",
        phase="Ready",
        created_at=NOON,
        updated_at=NOON,
        scope=f"new-{name}",
    )
    project.save()
    project.scope = f"{department.scope}{project.pk}/"
    project.save()
    _give_quota(gpus, cluster=department.cluster, project=project)
    return project


def _give_quota(
    gpus: float, *, cluster: Cluster, department: Department | None = None, project: Project | None = None
) -> None:
    for pool in cluster.node_pools.all():
        PoolResources.objects.create(
            pool=pool, department=department, project=project, gpu_deserved_milli=round(gpus * GPU)
        )
