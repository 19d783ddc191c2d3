"""Makes the demo company once: people, departments, projects, pools, quotas and the work of the first day."""

import json
import os
from pathlib import Path
from typing import Any

from django.conf import settings
from django.contrib.auth.models import User
from django.core.management.base import BaseCommand, CommandError
from django.db import transaction

from access.errors import InvalidInput
from organization.models import Cluster, Project, Tenant
from organization.quotas import Quota
from organization.services import clusters, departments, members, node_pools, projects, quotas
from runai_portal.demo import company
from workloads.kinds import KINDS
from workloads.models import Source
from workloads.services import submit_workload
from workloads.spec import WorkloadSpec

GPU = 1000


class Command(BaseCommand):
    help = __doc__

    def handle(self, **options: Any) -> None:
        if not settings.EMBEDDED:
            raise CommandError("The demo company is for embedded installations only.")
        if Tenant.objects.filter(name=company.TENANT).exists():
            self.stdout.write("the demo company is there already")
            return
        people = make_people(demo_passwords())
        with transaction.atomic():
            cluster = make_organisation(people)
        for training in company.TRAININGS:
            submit(training, people, cluster)
        self.stdout.write(f"made the demo company {company.TENANT}")


def demo_passwords() -> dict[str, str]:
    """Name -> password, from the data folder (`up` makes them) or RUNAI_DEMO_PASSWORDS (JSON)."""
    told = os.environ.get("RUNAI_DEMO_PASSWORDS")
    file = Path(settings.DATA_DIR) / "demo_passwords.json"
    if not told and not file.exists():
        raise CommandError(f"There are no demo passwords: neither RUNAI_DEMO_PASSWORDS nor {file} exists.")
    passwords: dict[str, str] = json.loads(told or file.read_text())
    missing = [person.name for person in company.PEOPLE if person.name not in passwords]
    if missing:
        raise CommandError(f"There is no demo password for {', '.join(missing)}.")
    return passwords


def make_people(passwords: dict[str, str]) -> dict[str, User]:
    made = {}
    for one in company.PEOPLE:
        first, _, last = one.full_name.partition(" ")
        person, new = User.objects.get_or_create(
            username=one.email, defaults={"email": one.email, "first_name": first, "last_name": last}
        )
        if new:
            person.set_password(passwords[one.name])
            person.save()
        made[one.name] = person
    return made


def make_organisation(people: dict[str, User]) -> Cluster:
    root = people["root"]
    tenant = clusters.found_tenant(name=company.TENANT, administrator=root)
    cluster = clusters.register_cluster(actor=root, tenant=tenant, name=company.CLUSTER)
    for name in company.POOLS:
        label = node_pools.PoolSettings(label_key="run.ai/node-pool", label_value=name)
        node_pools.create_node_pool(actor=root, cluster=cluster, name=name, settings=label)
    for one in company.DEPARTMENTS:
        make_department(root, cluster, one)
    for person in company.PEOPLE:
        for project in cluster.projects.filter(name__in=person.projects):
            members.add_member(actor=root, project=project, email=person.email, role=person.role)
    return cluster


def make_department(root: User, cluster: Cluster, one: company.DemoDepartment) -> None:
    department = departments.create_department(
        actor=root, cluster=cluster, name=one.name, description=one.description
    )
    give(root, department, one.gpus)
    for wanted in one.projects:
        project = projects.create_project(
            actor=root,
            department=department,
            name=wanted.name,
            description=wanted.description,
            default_node_pools=company.POOLS,
        )
        give(root, project, wanted.gpus)


def give(root: User, unit: quotas.Unit, gpus: dict[str, int]) -> None:
    pools = {pool.name: pool for pool in unit.cluster.node_pools.all()}
    for name, count in gpus.items():
        quotas.set_quota(actor=root, unit=unit, pool=pools[name], quota=Quota(gpu_deserved_milli=count * GPU))


def submit(training: company.DemoTraining, people: dict[str, User], cluster: Cluster) -> None:
    project = Project.objects.get(cluster=cluster, name=training.project)
    members_of = [
        one for one in company.PEOPLE if training.project in one.projects and one.role == "researcher"
    ]
    submitter = people[members_of[0].name if members_of else "root"]
    try:
        spec = WorkloadSpec.from_json(training.name, as_json(training), KINDS["training"])
        submit_workload(submitter=submitter, project=project, spec=spec, source=Source.UI)
    except InvalidInput as error:
        raise CommandError(f"{training.name}: {error}") from error


def as_json(training: company.DemoTraining) -> dict[str, Any]:
    """The API's `spec` of a demo training."""
    return {
        "image": training.image,
        "command": training.command,
        "args": training.arguments,
        "environmentVariables": [
            {"name": key, "value": value} for key, value in training.environment.items()
        ],
        "nodePools": list(training.pools),
        "preemptibility": "preemptible" if training.preemptible else "non-preemptible",
        "parallelism": training.parallelism,
        "annotations": [
            {"name": "simulator/run-seconds", "value": str(training.run_seconds)},
            {"name": "simulator/gpu-utilisation", "value": training.utilisation},
        ],
        "compute": {
            "gpuDevicesRequest": training.gpus,
            "cpuCoreRequest": training.cpu_cores,
            "cpuMemoryRequest": training.memory,
        },
    }
