"""Workloads for tests, made through the product's own service."""

from typing import Any

from django.contrib.auth.models import User

from organization.models import Project
from workloads.kinds import KINDS
from workloads.models import Workload
from workloads.services import submit_workload
from workloads.spec import WorkloadSpec

IMAGE = "registry.example/train:1"


def make_spec(name: str = "train-1", *, gpus: int = 1, **fields: Any) -> WorkloadSpec:
    """`fields` are those of the API's spec."""
    data = {"image": IMAGE, "compute": {"gpuDevicesRequest": gpus}, **fields}
    return WorkloadSpec.from_json(name, data, KINDS["training"])


def make_workload(
    name: str = "train-1", *, project: Project, by: User, gpus: int = 1, **fields: Any
) -> Workload:
    return submit_workload(submitter=by, project=project, spec=make_spec(name, gpus=gpus, **fields))
