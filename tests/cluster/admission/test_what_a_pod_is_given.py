"""The mutating half: what a pod of a project has after it was made, and what a person cannot write."""

import json

import pytest

from cluster import labels
from cluster.admission.projects import project_of
from tests.cluster.admission.reviewing import (
    CONTROLLER,
    NAMESPACE,
    VISION,
    container,
    gpus,
    job,
    mutated,
    pod,
    refusals,
    warnings,
)

LONG_AGO = "2020-01-01T00:00:00.000000Z"
OURS = {labels.CREATED: LONG_AGO, labels.SUBMITTED_BY: "root@acme.example"}


def env_of(document, index=0):
    return {
        one["name"]: one.get("value", one.get("valueFrom"))
        for one in document["spec"]["containers"][index]["env"]
    }


def without_enforcing():
    marks = {**NAMESPACE["metadata"]["labels"], labels.ENFORCE_SCHEDULER: "false"}
    return project_of({"metadata": {"name": "runai-vision", "labels": marks}})


def test_a_pod_of_a_project_gets_our_scheduler_and_the_labels_of_the_project():
    found = mutated(pod(marks={"app": "mine", labels.QUEUE: "speech"}))

    assert found["spec"]["schedulerName"] == labels.SCHEDULER_NAME
    assert found["metadata"]["labels"] == {"app": "mine", **NAMESPACE["metadata"]["labels"]}


def test_a_project_that_does_not_enforce_keeps_the_scheduler_but_gets_the_labels():
    found = mutated(pod(), project=without_enforcing())

    assert found["spec"]["schedulerName"] == "default-scheduler"
    assert found["metadata"]["labels"][labels.QUEUE] == "vision"


def test_the_pod_of_a_daemon_set_keeps_its_scheduler_unless_it_takes_gpus():
    owner = [{"kind": "DaemonSet", "apiVersion": "apps/v1", "name": "d", "uid": "u", "controller": True}]
    plain, greedy = pod(), pod(containers=[gpus(1)])
    plain["metadata"]["ownerReferences"] = greedy["metadata"]["ownerReferences"] = owner

    claiming = {**plain, "spec": {**plain["spec"], "resourceClaims": [{"name": "a-gpu"}]}}

    assert mutated(plain, user=CONTROLLER)["spec"]["schedulerName"] == "default-scheduler"
    assert mutated(greedy, user=CONTROLLER)["spec"]["schedulerName"] == labels.SCHEDULER_NAME
    # what a claim brings, another driver knows: it may be GPUs
    assert mutated(claiming, user=CONTROLLER)["spec"]["schedulerName"] == labels.SCHEDULER_NAME


def test_a_namespace_of_nobody_is_left_alone():
    document = pod(annotations=OURS, containers=[container(securityContext={"privileged": True})])

    assert mutated(document, project=None) == document
    assert refusals(document, project=None) == []
    assert project_of({"metadata": {"name": "default", "labels": {"a": "b"}}}) is None


def test_the_pool_and_the_priority_become_labels_when_there_is_one_answer():
    one = mutated(pod(annotations={labels.NODE_POOLS: "h100"}, priorityClassName="low"))
    several = mutated(
        pod(annotations={labels.NODE_POOLS: "h100,a100"}, marks={labels.PRIORITY_CLASS: "high"})
    )

    assert one["metadata"]["labels"][labels.NODE_POOL] == "h100"
    assert one["metadata"]["labels"][labels.PRIORITY_CLASS] == "low"
    assert labels.NODE_POOL not in several["metadata"]["labels"]
    assert several["metadata"]["labels"][labels.PRIORITY_CLASS] == "high"


def test_a_container_without_gpus_is_told_so_whatever_its_image_says():
    found = mutated(
        pod(containers=[container(), gpus(2, name="trainer")], initContainers=[container("first")])
    )

    assert env_of(found) == {"NVIDIA_VISIBLE_DEVICES": "void"}
    assert "env" not in found["spec"]["containers"][1]  # the device plugin tells this one
    assert found["spec"]["initContainers"][0]["env"] == [{"name": "NVIDIA_VISIBLE_DEVICES", "value": "void"}]


@pytest.mark.parametrize("name", ["nvidia.com/hostdev", "nvidia.com/sriov_nic", "rdma/hca", "nvidia.com/gpu"])
def test_a_network_card_is_no_gpu_whoever_made_it(name):
    """NVIDIA's network operator names its devices after the same house."""
    found = mutated(pod(containers=[container(resources={"limits": {name: "1"}})]))

    assert ("env" in found["spec"]["containers"][0]) is (name != labels.GPU_RESOURCE)
    mig = mutated(pod(containers=[container(resources={"limits": {"nvidia.com/mig-1g.10gb": "1"}})]))
    assert "env" not in mig["spec"]["containers"][0]


def test_the_container_of_a_shared_pod_reads_its_devices_from_the_annotations():
    notes = {
        labels.GPU_FRACTION: "0.5",
        labels.GPU_FRACTION_DEVICES: "2",
        labels.GPU_FRACTION_CONTAINER: "trainer",
    }
    found = mutated(pod(annotations=notes, containers=[container("sidecar"), container("trainer")]))

    assert env_of(found, 0) == {"NVIDIA_VISIBLE_DEVICES": "void"}
    told = env_of(found, 1)
    assert (
        told["NVIDIA_VISIBLE_DEVICES"]["fieldRef"]["fieldPath"]
        == f"metadata.annotations['{labels.VISIBLE_DEVICES}']"
    )
    assert told["GPU_PORTION"]["fieldRef"]["fieldPath"] == f"metadata.annotations['{labels.GPU_PORTION}']"
    assert told["RUNAI_NUM_OF_GPUS"] == "2"
    assert refusals(found) == []


def test_a_person_cannot_say_when_a_pod_was_submitted_or_whose_it_is():
    mine = {labels.WORKLOAD_ID: "another", labels.ATTEMPT: "9"}
    found = mutated(pod(annotations={**OURS, "note": "kept"}, marks=mine))
    told = warnings(pod(annotations=OURS))

    assert found["metadata"]["annotations"] == {"note": "kept"}
    assert not mine.keys() & found["metadata"]["labels"].keys()
    assert [one.split(":")[0] for one in told] == [
        "metadata.annotations[runai.io/created]",
        "metadata.annotations[runai.io/submitted-by]",
    ]


@pytest.mark.parametrize(
    "user",
    [
        CONTROLLER,
        {"username": "system:serviceaccount:runai:controller", "groups": ["system:serviceaccounts:runai"]},
    ],
)
def test_the_clusters_controllers_and_our_own_accounts_are_believed(user):
    found = mutated(pod(annotations=OURS), user=user)

    assert found["metadata"]["annotations"] == OURS
    assert refusals(found, user=user) == []


def test_what_the_controllers_copy_is_judged_where_a_person_writes_it():
    template = pod(annotations=OURS, marks={labels.WORKLOAD_ID: "another"})
    found = mutated(job(template, annotations=OURS), resource="jobs", group="batch")
    cron = {
        "metadata": {},
        "spec": {"jobTemplate": {"metadata": {"annotations": OURS}, "spec": job(template)["spec"]}},
    }
    found_cron = mutated(cron, resource="cronjobs", group="batch")

    assert found["metadata"]["annotations"] == {}
    assert found["spec"]["template"]["metadata"] == {"annotations": {}, "labels": {}}
    assert "created" not in json.dumps(found_cron)
    assert len(refusals(job(template, annotations=OURS), resource="jobs", group="batch")) == 5


def test_a_persons_workload_resource_cannot_be_older_than_it_is():
    resource = {"metadata": {"name": "w", "annotations": OURS}, "spec": {"image": {"value": "python"}}}
    found = mutated(resource, resource="trainingworkloads", group="run.ai")

    assert found["metadata"]["annotations"] == {}


def test_who_belongs_together_is_for_people_to_say_but_not_since_when():
    gang = json.dumps({"name": "g", "minimum": 4, "created": LONG_AGO})
    found = mutated(pod(annotations={labels.GANG: gang}))

    assert json.loads(found["metadata"]["annotations"][labels.GANG]) == {"name": "g", "minimum": 4}


def test_a_persons_update_keeps_what_the_product_has_written():
    gang = json.dumps({"name": "g", "minimum": 4, "created": LONG_AGO})
    old = pod(annotations={**OURS, labels.GANG: gang}, marks={labels.WORKLOAD_ID: "w1"})
    forged = json.dumps({"name": "g", "minimum": 2, "created": "2001-01-01T00:00:00Z"})
    new = pod(annotations={labels.CREATED: "2001-01-01T00:00:00Z", "note": "new", labels.GANG: forged})
    found = mutated(new, old=old, operation="UPDATE")

    notes = found["metadata"]["annotations"]
    assert {name: notes[name] for name in OURS} == OURS
    assert notes["note"] == "new"
    assert json.loads(notes[labels.GANG]) == {"name": "g", "minimum": 2, "created": LONG_AGO}
    assert found["metadata"]["labels"] == {labels.WORKLOAD_ID: "w1"}
    assert found["spec"] == new["spec"]  # a pod's spec is decided when it is made


def test_a_debugging_container_is_told_that_it_has_no_gpu():
    old = pod()
    new = pod(ephemeralContainers=[container("debug")])
    found = mutated(new, old=old, operation="UPDATE", subresource="ephemeralcontainers")

    assert found["spec"]["ephemeralContainers"][0]["env"] == [
        {"name": "NVIDIA_VISIBLE_DEVICES", "value": "void"}
    ]
    again = mutated(found, old=found, operation="UPDATE", subresource="ephemeralcontainers")
    assert again == found


def test_the_marks_of_a_project_come_from_its_namespace_only():
    assert VISION is not None
    assert VISION.marks == NAMESPACE["metadata"]["labels"]
