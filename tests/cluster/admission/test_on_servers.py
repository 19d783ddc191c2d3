"""Admission as an API server calls it, real and simulated: with the webhook up, and with the webhook down."""

import secrets
import socket
import ssl
from datetime import UTC, datetime, timedelta

import pytest

from cluster import labels
from cluster.admission_server.registration import unregister
from cluster.client import ClusterClient
from cluster.connection import connect_with_token
from cluster.errors import ClusterError, Invalid
from cluster.kinds import (
    CONFIG_MAPS,
    JOBS,
    MUTATING_WEBHOOKS,
    NAMESPACES,
    PODS,
    ROLE_BINDINGS,
    ROLES,
    SECRETS,
    SERVICE_ACCOUNTS,
    VALIDATING_WEBHOOKS,
)
from tests.cluster.admission.reviewing import container, job, pod
from tests.cluster.admission.serving import Webhooks, webhooks_for
from tests.cluster.conftest import CONTROL_PLANE, SIMULATOR
from tests.cluster.servers import ClusterApi
from tests.cluster.waiting import eventually

PROJECT = {labels.QUEUE: "vision", labels.PROJECT_ID: "7", labels.DEPARTMENT_ID: "3"}


@pytest.fixture(
    params=[SIMULATOR, pytest.param(CONTROL_PLANE, marks=pytest.mark.control_plane)], scope="module"
)
def api(request) -> ClusterApi:
    found: ClusterApi = request.getfixturevalue(request.param.replace("-", "_"))
    return found


@pytest.fixture(scope="module")
def webhooks(api, tmp_path_factory):
    with webhooks_for(api.client, tmp_path_factory.mktemp("admission")) as running:
        yield running


@pytest.fixture(scope="module")
def project(api, webhooks) -> str:
    return made(api, PROJECT)


@pytest.fixture(scope="module")
def stranger(api, webhooks) -> str:
    """A namespace that is nobody's project."""
    return made(api, {})


def made(api, marks) -> str:
    name = f"runai-{secrets.token_hex(3)}"
    api.client.create(NAMESPACES, {"metadata": {"name": name, "labels": marks}})
    account = {"metadata": {"name": "default", "namespace": name}}
    if api.name == CONTROL_PLANE:  # no controllers there
        api.client.create(SERVICE_ACCOUNTS, account)
    return name


@pytest.fixture(scope="module")
def ada(api, project, tmp_path_factory) -> ClusterClient:
    """Someone who may do everything in the project, and is nobody that is believed."""
    meta = {"name": "ada", "namespace": project}
    api.client.create(SERVICE_ACCOUNTS, {"metadata": meta})
    rule = {"apiGroups": ["*"], "resources": ["*"], "verbs": ["*"]}
    api.client.create(ROLES, {"metadata": meta, "rules": [rule]})
    subject = {"kind": "ServiceAccount", "name": "ada", "namespace": project}
    role = {"apiGroup": "rbac.authorization.k8s.io", "kind": "Role", "name": "ada"}
    api.client.create(ROLE_BINDINGS, {"metadata": meta, "roleRef": role, "subjects": [subject]})
    token = api.client.request_token(project, "ada", seconds=3600)
    authority = tmp_path_factory.mktemp("ada") / "ca.crt"
    authority.write_bytes(authority_of(api))
    client = ClusterClient(connect_with_token(str(api.http.base_url), token, ca_file=authority))
    yield client
    client.close()


def authority_of(api) -> bytes:
    import base64

    import yaml

    config = yaml.safe_load(api.kubeconfig.read_text())
    return base64.b64decode(config["clusters"][0]["cluster"]["certificate-authority-data"])


def a_pod(namespace, **asked):
    document = pod(**asked)
    document["metadata"] |= {"name": f"p-{secrets.token_hex(4)}", "namespace": namespace}
    del document["spec"]["schedulerName"]
    return document


def a_job(namespace, template=None):
    document = job(template or pod())
    document["metadata"] |= {"name": f"j-{secrets.token_hex(4)}", "namespace": namespace}
    document["spec"] |= {"suspend": True}
    document["spec"]["template"]["spec"] |= {"restartPolicy": "Never"}
    del document["spec"]["template"]["spec"]["schedulerName"]
    return document


# --- up -----------------------------------------------------------------------------------------------------------------


def test_a_pod_of_a_project_comes_out_as_the_product_wants_it(ada, project):
    stored = ada.create(
        PODS, a_pod(project, annotations={labels.GPU_FRACTION: "0.5", labels.CREATED: "2020-01-01T00:00:00Z"})
    )

    assert stored["spec"]["schedulerName"] == labels.SCHEDULER_NAME
    assert PROJECT.items() <= stored["metadata"]["labels"].items()
    assert labels.CREATED not in stored["metadata"]["annotations"]
    assert {one["name"] for one in stored["spec"]["containers"][0]["env"]} == {
        *("NVIDIA_VISIBLE_DEVICES", "GPU_PORTION", "RUNAI_NUM_OF_GPUS")
    }


def test_a_refusal_names_every_field_in_the_causes(ada, project):
    bad = a_pod(
        project,
        annotations={labels.GPU_FRACTION: "NaN"},
        containers=[container(env=[{"name": "NVIDIA_VISIBLE_DEVICES", "value": "all"}])],
        volumes=[{"name": "v", "hostPath": {"path": "/usr/lib"}}],
    )

    with pytest.raises(Invalid) as caught:
        ada.create(PODS, bad)

    assert 'admission webhook "pods.rules.runai.io" denied the request' in caught.value.message
    assert [cause.field for cause in caught.value.causes] == [
        f"metadata.annotations[{labels.GPU_FRACTION}]",
        "spec.volumes[0].hostPath.path",
        "spec.containers[0].env[0]",
    ]


def test_marks_that_only_the_product_writes_do_not_come_in_through_a_job(ada, project):
    """The controller that copies a template is believed, so it is judged where it is written."""
    forged = pod(annotations={labels.CREATED: "2020-01-01T00:00:00Z"}, marks={labels.WORKLOAD_ID: "another"})
    stored = ada.create(JOBS, a_job(project, forged))

    template = stored["spec"]["template"]["metadata"]
    assert labels.CREATED not in (template.get("annotations") or {})
    assert labels.WORKLOAD_ID not in (template.get("labels") or {})
    with pytest.raises(Invalid, match=r"spec\.template\.spec\.hostPID"):
        ada.create(JOBS, a_job(project, pod(hostPID=True)))
    with pytest.raises(Invalid, match=r"spec\.template\.spec\.nodeName"):
        ada.create(JOBS, a_job(project, pod(nodeName="anywhere")))


def test_a_reservation_cannot_be_claimed_afterwards(ada, api, project):
    stored = ada.create(PODS, a_pod(project))
    claim = {"metadata": {"labels": {labels.GPU_GROUP: "g1"}}}

    with pytest.raises(Invalid, match=r"changes\.rules\.runai\.io"):
        ada.merge_patch(PODS, stored["metadata"]["name"], claim, namespace=project)
    # the product itself may
    api.client.merge_patch(PODS, stored["metadata"]["name"], claim, namespace=project)


def changed_by(client, way, stored, part, name, value):
    """One mark of a pod, written in one of the ways the API has."""
    meta = {key: stored["metadata"][key] for key in ("name", "namespace")}
    change = {"metadata": {part: {name: value}}}
    if way == "apply":
        return client.apply(
            PODS, {"metadata": {**meta, part: {name: value}}}, field_manager="ada", force=True
        )
    if way == "replace":
        current = client.get(PODS, meta["name"], meta["namespace"])
        marks = {**(current["metadata"].get(part) or {}), name: value}
        return client.replace(PODS, {**current, "metadata": {**current["metadata"], part: marks}})
    if way == "status":
        return client.merge_patch(
            PODS, meta["name"], change, namespace=meta["namespace"], subresource="status"
        )
    return getattr(client, way)(PODS, meta["name"], change, namespace=meta["namespace"])


@pytest.mark.parametrize("way", ["merge_patch", "strategic_patch", "apply", "replace", "status"])
@pytest.mark.parametrize(
    ("part", "name", "value"),
    [
        ("labels", labels.PREEMPTIBILITY, "non-preemptible"),
        ("labels", labels.QUEUE, "speech"),
        ("labels", f"{labels.GPU_GROUP}/g1", "g1"),
        ("annotations", labels.GANG, '{"name":"g","minimum":1,"created":"2001-01-01T00:00:00Z"}'),
        ("annotations", labels.CREATED, "2001-01-01T00:00:00Z"),
        ("annotations", labels.GPU_FRACTION, "0.1"),
    ],
)
def test_what_a_placed_pod_says_to_the_scheduler_stays(ada, api, project, way, part, name, value):
    stored = api.client.create(PODS, a_pod(project))
    api.client.bind(project, stored["metadata"]["name"], uid=stored["metadata"]["uid"], node="h100-0")

    with pytest.raises(Invalid, match=r"(changes|statuses)\.rules\.runai\.io"):
        changed_by(ada, way, stored, part, name, value)
    assert changed_by(ada, way, stored, "annotations", "note", "x")["metadata"]["annotations"]["note"] == "x"


@pytest.mark.parametrize("kind", [CONFIG_MAPS, SECRETS])
def test_a_map_of_variables_gives_nobody_devices(ada, api, project, stranger, kind):
    def named(namespace, value):
        text = {"stringData" if kind is SECRETS else "data": {"NVIDIA_VISIBLE_DEVICES": value, "A": "b"}}
        return {"metadata": {"name": f"m-{secrets.token_hex(3)}", "namespace": namespace}, **text}

    with pytest.raises(Invalid, match=r"variables\.rules\.runai\.io.*data\[NVIDIA_VISIBLE_DEVICES\]"):
        ada.create(kind, named(project, "all"))
    stored = ada.create(kind, named(project, "void"))
    change = {key: value for key, value in named(project, "all").items() if key != "metadata"}
    with pytest.raises(Invalid, match=r"variables\.rules"):
        ada.merge_patch(kind, stored["metadata"]["name"], change, namespace=project)
    api.client.create(kind, named(stranger, "all"))


def test_a_dry_run_is_judged_too(ada, project):
    with pytest.raises(Invalid, match="hostPID"):
        ada.create(PODS, a_pod(project, hostPID=True), dry_run=True)


def test_what_is_outside_projects_is_never_touched(api, stranger):
    privileged = [container(securityContext={"privileged": True})]
    for namespace in (stranger, "kube-system"):
        document = a_pod(namespace, containers=privileged, hostPID=True, annotations={labels.CREATED: "x"})
        document["spec"]["automountServiceAccountToken"] = False
        document["spec"]["serviceAccountName"] = "default"
        with_account(api, namespace)
        stored = api.client.create(PODS, document)
        assert stored["spec"]["schedulerName"] == "default-scheduler"
        assert stored["metadata"]["annotations"] == {labels.CREATED: "x"}


def with_account(api, namespace):
    try:
        api.client.get(SERVICE_ACCOUNTS, "default", namespace)
    except ClusterError:
        api.client.create(SERVICE_ACCOUNTS, {"metadata": {"name": "default", "namespace": namespace}})


def test_what_someone_changes_in_the_registration_is_put_back(api, webhooks):
    patch = [{"op": "replace", "path": "/webhooks/0/failurePolicy", "value": "Ignore"}]
    api.client.json_patch(VALIDATING_WEBHOOKS, "runai-admission", patch)

    assert eventually(
        lambda: (
            api.client.get(VALIDATING_WEBHOOKS, "runai-admission")["webhooks"][0]["failurePolicy"] == "Fail"
        ),
        20,
    )


# --- down ---------------------------------------------------------------------------------------------------------------


@pytest.fixture
def while_down(webhooks: Webhooks):
    webhooks.down()
    yield
    webhooks.up()


def test_what_does_not_concern_us_goes_on_while_the_webhook_is_down(api, stranger, while_down):
    for namespace in (stranger, "kube-system"):
        with_account(api, namespace)
        reply = api.send("POST", PODS.path(namespace), a_pod(namespace))
        assert reply.status == 201, reply.body
        assert api.send("POST", JOBS.path(namespace), a_job(namespace)).status == 201
    # a namespace whose name and labels look like ours, but which no project owns
    bare = made(api, {labels.QUEUE: "vision"})
    assert api.send("POST", PODS.path(bare), a_pod(bare)).status == 201


def test_new_pods_of_projects_wait_while_the_webhook_is_down(api, project, while_down):
    """Fail closed: a privileged pod would be master of a node before we are back."""
    for path, document in (
        (PODS.path(project), a_pod(project)),
        (JOBS.path(project), a_job(project)),
    ):
        reply = api.send("POST", path, document)
        assert (reply.status, reply.reason) == (500, "InternalError"), reply.body
        assert "failed calling webhook" in reply.body["message"]
        assert "rules.runai.io" in reply.body["message"]


def test_running_work_can_end_while_the_webhook_is_down(api, project, webhooks):
    """Finalizers, status, stopping, scaling, deletion: none of it waits for us."""
    kept = a_pod(project)
    kept["metadata"]["finalizers"] = ["example.com/keep"]
    stored = api.client.create(PODS, kept)
    task = api.client.create(JOBS, a_job(project))
    name, task_name = stored["metadata"]["name"], task["metadata"]["name"]
    webhooks.down()
    try:
        status = {"status": {"phase": "Running"}}
        api.client.merge_patch(PODS, name, status, namespace=project, subresource="status")
        api.client.merge_patch(PODS, name, {"metadata": {"annotations": {"note": "x"}}}, namespace=project)
        api.client.delete(PODS, name, project, grace_seconds=0)
        api.client.merge_patch(PODS, name, {"metadata": {"finalizers": None}}, namespace=project)
        assert eventually(lambda: api.send("GET", PODS.path(project, name)).status == 404)
        stopped = api.client.merge_patch(JOBS, task_name, {"spec": {"parallelism": 0}}, namespace=project)
        assert stopped["spec"]["parallelism"] == 0
        api.client.delete(JOBS, task_name, project)
        config = {"metadata": {"name": f"c-{secrets.token_hex(3)}", "namespace": project}, "data": {"a": "b"}}
        api.client.create(CONFIG_MAPS, config)
    finally:
        webhooks.up()


def test_it_works_again_as_soon_as_the_webhook_is_back(api, ada, project, webhooks):
    webhooks.down()
    assert api.send("POST", PODS.path(project), a_pod(project)).status == 500
    webhooks.up()

    assert ada.create(PODS, a_pod(project))["spec"]["schedulerName"] == labels.SCHEDULER_NAME


def test_a_listener_that_is_not_us_is_not_believed(api, project, webhooks, tmp_path):
    """Whoever takes the port has no certificate of the CA that the API server was told of."""
    webhooks.down()
    thief = Webhooks(api.client, tmp_path, lambda: datetime.now(UTC), port=webhooks.port, registers=False)
    thief.up()
    try:
        reply = api.send("POST", PODS.path(project), a_pod(project))
        assert reply.status == 500
        assert "certificate" in reply.body["message"]
    finally:
        thief.down()
        webhooks.up()


# --- certificates and leaving ---------------------------------------------------------------------------------------------


def test_certificates_change_under_a_running_server(api, tmp_path, webhooks):
    """A server whose certificate is near its end: it serves a new one, and the API server calls it all the time."""
    webhooks.down()
    moment = [datetime.now(UTC) - timedelta(days=25)]
    namespace = made(api, PROJECT)
    try:
        with webhooks_for(api.client, tmp_path, lambda: moment[0]) as other:
            first = served_certificate(other)
            assert api.client.create(PODS, a_pod(namespace))["spec"]["schedulerName"] == labels.SCHEDULER_NAME
            moment[0] = datetime.now(UTC)
            assert eventually(lambda: served_certificate(other) != first, 20)
            assert api.client.create(PODS, a_pod(namespace))["spec"]["schedulerName"] == labels.SCHEDULER_NAME
    finally:
        webhooks.up()


def served_certificate(running: Webhooks) -> bytes:
    context = ssl.create_default_context()
    context.check_hostname = False
    context.verify_mode = ssl.CERT_NONE
    with (
        socket.create_connection(("127.0.0.1", running.port), 5) as plain,
        context.wrap_socket(plain) as secured,
    ):
        found = secured.getpeercert(binary_form=True)
    assert found is not None
    return found


def test_taking_the_registration_away_frees_everyone(api, project, webhooks):
    webhooks.down()
    unregister(api.client)
    unregister(api.client)  # twice is no error
    try:
        assert api.send("GET", MUTATING_WEBHOOKS.path(None, "runai-admission")).status == 404
        assert eventually(lambda: api.send("POST", PODS.path(project), a_pod(project)).status == 201, 10)
    finally:
        webhooks.up()
