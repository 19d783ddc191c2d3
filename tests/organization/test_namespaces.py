"""The namespace of every project is kept as the database says, also after the cluster was away."""

import pytest

from cluster import labels
from cluster.kinds import NAMESPACES
from organization import tasks
from organization.models import Project
from organization.services.projects import delete_project, move_project
from tests import factories
from tests.organization.fake_cluster import FakeCluster

pytestmark = pytest.mark.django_db


@pytest.fixture
def kubernetes(monkeypatch: pytest.MonkeyPatch) -> FakeCluster:
    fake = FakeCluster()
    monkeypatch.setattr(tasks, "client_of", lambda cluster: fake)
    return fake


def creating(project: Project) -> Project:
    Project.objects.filter(pk=project.pk).update(phase="Creating")
    project.refresh_from_db()
    return project


def test_a_new_project_gets_its_namespace_with_its_labels(acme, kubernetes):
    tasks.keep_namespace(creating(acme.vision).pk)

    found = kubernetes.get(NAMESPACES, "runai-vision")["metadata"]["labels"]
    assert found[labels.QUEUE] == "vision"
    assert found[labels.PROJECT_ID] == str(acme.vision.pk)
    assert found[labels.DEPARTMENT_ID] == str(acme.research.pk)
    assert found[labels.CLUSTER_ID] == str(acme.cluster.pk)
    acme.vision.refresh_from_db()
    assert (acme.vision.phase, acme.vision.phase_message) == ("Ready", "")


def test_what_is_in_order_is_not_written_again(acme, kubernetes):
    for _ in range(3):
        tasks.keep_namespaces_of(str(acme.cluster.pk))
    assert sorted(kubernetes.writes) == ["runai-speech", "runai-vision"]


def test_a_label_that_somebody_changed_is_put_right(acme, kubernetes):
    tasks.keep_namespaces_of(str(acme.cluster.pk))
    kubernetes.get(NAMESPACES, "runai-vision")["metadata"]["labels"][labels.QUEUE] = "speech"
    tasks.keep_namespaces_of(str(acme.cluster.pk))
    assert kubernetes.get(NAMESPACES, "runai-vision")["metadata"]["labels"][labels.QUEUE] == "vision"


def test_a_moved_project_tells_its_namespace_the_new_department(acme, root, kubernetes):
    products = factories.make_department("products", cluster=acme.cluster, gpus=8)
    tasks.keep_namespaces_of(str(acme.cluster.pk))
    move_project(actor=root, project=acme.vision, department=products)
    tasks.keep_namespace(acme.vision.pk)
    found = kubernetes.get(NAMESPACES, "runai-vision")["metadata"]["labels"]
    assert found[labels.DEPARTMENT_ID] == str(products.pk)


def test_a_project_waits_while_the_cluster_is_away_and_says_so(acme, kubernetes):
    kubernetes.is_away = True
    tasks.keep_namespace(creating(acme.vision).pk)
    tasks.keep_namespaces_of(str(acme.cluster.pk))
    acme.vision.refresh_from_db()
    assert acme.vision.phase == "Creating"
    assert acme.vision.phase_message.startswith("oslo-1 does not answer")
    acme.speech.refresh_from_db()
    assert acme.speech.phase == "Ready"

    kubernetes.is_away = False
    tasks.keep_namespaces_of(str(acme.cluster.pk))
    acme.vision.refresh_from_db()
    assert (acme.vision.phase, acme.vision.phase_message) == ("Ready", "")


def test_the_namespace_of_another_portal_is_left_alone(acme, kubernetes):
    kubernetes.namespace("runai-vision", **{labels.CLUSTER_ID: "6f8b1f0e-0000-0000-0000-000000000000"})
    tasks.keep_namespaces_of(str(acme.cluster.pk))
    acme.vision.refresh_from_db()
    assert acme.vision.phase == "NotReady"
    assert "belongs to another portal" in acme.vision.phase_message
    assert kubernetes.writes == ["runai-speech"]


def test_the_namespace_of_another_living_project_is_left_alone(acme, kubernetes):
    kubernetes.namespace("runai-vision", **{labels.PROJECT_ID: str(acme.speech.pk)})
    tasks.keep_namespace(acme.vision.pk)
    acme.vision.refresh_from_db()
    assert acme.vision.phase_message == "The namespace runai-vision belongs to the project speech."


def test_a_project_made_anew_takes_over_the_namespace_that_outlived_it(acme, root, kubernetes, held):
    tasks.keep_namespaces_of(str(acme.cluster.pk))
    delete_project(actor=root, project=acme.vision)
    again = creating(factories.make_project("vision", department=acme.research))
    tasks.keep_namespace(again.pk)
    found = kubernetes.get(NAMESPACES, "runai-vision")["metadata"]["labels"]
    assert found[labels.PROJECT_ID] == str(again.pk)


def test_a_namespace_that_is_going_is_told(acme, kubernetes):
    kubernetes.namespace("runai-vision")["metadata"]["deletionTimestamp"] = "2030-01-01T10:00:00Z"
    tasks.keep_namespace(acme.vision.pk)
    acme.vision.refresh_from_db()
    assert (acme.vision.phase, "is being deleted" in acme.vision.phase_message) == ("NotReady", True)


def test_a_refusal_of_the_cluster_stands_at_the_project(acme, kubernetes):
    kubernetes.refuses_writes = True
    tasks.keep_namespaces_of(str(acme.cluster.pk))
    acme.vision.refresh_from_db()
    assert (acme.vision.phase, acme.vision.phase_message[:24]) == ("NotReady", "namespaces is forbidden:")


def test_a_project_that_is_gone_asks_for_nothing(kubernetes, db):
    tasks.keep_namespace(4711)
    assert kubernetes.writes == []
