"""The people and the company of every test: ada works, ben runs her project, eve looks on, cyd is a stranger, root runs it all."""

from dataclasses import dataclass

import pytest
from django.contrib.auth.models import User
from hypothesis import HealthCheck, settings

from organization.models import Cluster, Department, Project, Tenant
from tests import factories

settings.register_profile("any machine", deadline=None, suppress_health_check=[HealthCheck.too_slow])
settings.load_profile("any machine")


@dataclass(frozen=True)
class Acme:
    tenant: Tenant
    cluster: Cluster
    research: Department
    vision: Project
    speech: Project


@pytest.fixture
def acme(db: None) -> Acme:
    """A cluster with pools default, h100, a100 and two projects of one department."""
    cluster = factories.make_cluster()
    factories.make_pool("h100", cluster=cluster)
    factories.make_pool("a100", cluster=cluster)
    research = factories.make_department("research", cluster=cluster, gpus=16)
    return Acme(
        tenant=cluster.tenant,
        cluster=cluster,
        research=research,
        vision=factories.make_project("vision", department=research, gpus=8),
        speech=factories.make_project("speech", department=research, gpus=4),
    )


@pytest.fixture
def ada(acme: Acme) -> User:
    """A researcher of the project vision."""
    return factories.make_person("ada", ("researcher", acme.vision.scope))


@pytest.fixture
def ben(acme: Acme) -> User:
    """The administrator of the project vision."""
    return factories.make_person("ben", ("project-administrator", acme.vision.scope))


@pytest.fixture
def cyd(acme: Acme) -> User:
    """A stranger to vision: a researcher of speech."""
    return factories.make_person("cyd", ("researcher", acme.speech.scope))


@pytest.fixture
def eve(acme: Acme) -> User:
    """A viewer of vision."""
    return factories.make_person("eve", ("viewer", acme.vision.scope))


@pytest.fixture
def root(acme: Acme) -> User:
    """The system administrator."""
    return factories.make_person("root", ("system-administrator", acme.tenant.scope))
