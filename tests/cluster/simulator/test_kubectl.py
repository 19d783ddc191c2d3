"""The real kubectl takes the simulated cluster for a cluster."""

import json
from typing import Any

import pytest

from tests.cluster.simulator.kubectl import Run
from tests.cluster.waiting import eventually

pytestmark = pytest.mark.kubectl

TRAINING = {
    "apiVersion": "batch/v1",
    "kind": "Job",
    "metadata": {"name": "train"},
    "spec": {
        "template": {
            "metadata": {
                "annotations": {
                    "simulator/run-seconds": "2",
                    "simulator/start-seconds": "0",
                    "simulator/pull-seconds": "0",
                    "simulator/log-script": "batch",
                }
            },
            "spec": {
                "restartPolicy": "Never",
                "nodeName": "cpu-1",
                "containers": [{"name": "main", "image": "example/train:1"}],
            },
        }
    },
}
SERVING = {
    "apiVersion": "apps/v1",
    "kind": "Deployment",
    "metadata": {"name": "web"},
    "spec": {
        "replicas": 2,
        "selector": {"matchLabels": {"app": "web"}},
        "template": {
            "metadata": {
                "labels": {"app": "web"},
                "annotations": {
                    "simulator/start-seconds": "0",
                    "simulator/pull-seconds": "0",
                    "simulator/stop-seconds": "0",
                },
            },
            "spec": {"nodeName": "cpu-1", "containers": [{"name": "main", "image": "example/web:1"}]},
        },
    },
}


def test_it_knows_the_resources_and_the_version(run: Run) -> None:
    listed = run("api-resources", "--no-headers")

    assert "deployments" in listed
    assert "trainingworkloads" not in listed
    assert "Server Version: v1.36.3" in run("version")
    assert "replicas" in run("explain", "deployment.spec")


def test_rights_are_asked_for(run: Run, place: str) -> None:
    assert run("auth", "can-i", "create", "pods").strip() == "yes"
    assert "forbidden" in run("get", "nodes", "--as=mallory", code=1)
    run("create", "clusterrolebinding", place, "--clusterrole=cluster-admin", "--user=mallory")
    assert "cpu-1" in run("get", "nodes", "--as=mallory")
    run("delete", "clusterrolebinding", place)
    assert "admin" in run("auth", "whoami")


def test_a_deployment_is_rolled_out_scaled_and_described(run: Run, place: str) -> None:
    here = f"--namespace={place}"
    run("apply", "-f", "-", here, document=SERVING)
    assert "successfully rolled out" in run("rollout", "status", "deployment/web", here, "--timeout=50s")

    run("scale", "deployment/web", "--replicas=3", here)
    run("wait", "--for=jsonpath={.status.readyReplicas}=3", "deployment/web", here, "--timeout=50s")
    row = run("get", "deployment", "web", "-o", "wide", "--no-headers", here).split()
    assert row[:4] == ["web", "3/3", "3", "3"]
    described = run("describe", "deployment", "web", here)
    assert "Replicas:               3 desired" in described
    pods = run("get", "pods", "-o", "wide", "--no-headers", here)
    assert pods.count("Running") == 3
    assert "cpu-1" in pods


def test_a_job_is_waited_for_and_its_log_followed(run: Run, place: str) -> None:
    here = f"--namespace={place}"
    run("create", "-f", "-", here, document=TRAINING)
    assert eventually(
        lambda: "Running" in run("get", "pods", here) or "Completed" in run("get", "pods", here)
    )

    assert "exiting with code 0" in run("logs", "-f", "job/train", here)
    run("wait", "--for=condition=complete", "job/train", here, "--timeout=50s")
    assert run("logs", "job/train", "--tail=1", here).count("\n") == 1
    assert "1/1" in run("get", "jobs", here)
    assert "SuccessfulCreate" in run("get", "events", here)


def test_apply_changes_what_is_there_and_tells_what_it_would_do(run: Run, place: str) -> None:
    here = f"--namespace={place}"
    document: dict[str, Any] = {
        "apiVersion": "v1",
        "kind": "ConfigMap",
        "metadata": {"name": "c"},
        "data": {"a": "1", "b": "2"},
    }
    assert "created" in run("apply", "-f", "-", here, document=document)
    assert "unchanged" in run("apply", "-f", "-", here, document=document)
    run("diff", "-f", "-", here, document={**document, "data": {"a": "1"}}, code=1)
    assert "configured" in run("apply", "-f", "-", here, document={**document, "data": {"a": "3"}})
    assert json.loads(run("get", "configmap", "c", "-o", "json", here))["data"] == {"a": "3"}


def test_a_list_is_applied_and_a_kind_that_is_not_served_is_named(run: Run, place: str) -> None:
    here = f"--namespace={place}"
    items = [{"apiVersion": "v1", "kind": "ConfigMap", "metadata": {"name": name}} for name in ("a", "b")]
    assert (
        run("apply", "-f", "-", here, document={"apiVersion": "v1", "kind": "List", "items": items}).count(
            "created"
        )
        == 2
    )

    unknown = {"apiVersion": "kubeflow.org/v1", "kind": "PyTorchJob", "metadata": {"name": "p"}}
    refused = run("apply", "-f", "-", here, document=unknown, code=1)
    assert 'no matches for kind "PyTorchJob" in version "kubeflow.org/v1"' in refused
    wrong = {"apiVersion": "v1", "kind": "List", "items": [{**items[0], "date": {}}]}
    assert 'unknown field "date"' in run("apply", "-f", "-", here, document=wrong, code=1)


def test_apply_on_the_server_names_who_owns_a_field(run: Run, place: str) -> None:
    here = f"--namespace={place}"
    document: dict[str, Any] = {
        "apiVersion": "v1",
        "kind": "ConfigMap",
        "metadata": {"name": "c"},
        "data": {"a": "1"},
    }
    run("apply", "--server-side", "-f", "-", here, document=document)

    changed = {**document, "data": {"a": "2"}}
    refused = run(
        "apply", "--server-side", "--field-manager=other", "-f", "-", here, document=changed, code=1
    )
    assert 'conflict with "kubectl"' in refused
    assert ".data.a" in refused
    run(
        "apply",
        "--server-side",
        "--field-manager=other",
        "--force-conflicts",
        "-f",
        "-",
        here,
        document=changed,
    )
    assert json.loads(run("get", "configmap", "c", "-o", "json", here))["data"] == {"a": "2"}


def test_objects_are_made_from_the_command_line_and_deleted(run: Run, place: str) -> None:
    here = f"--namespace={place}"
    run("create", "deployment", "d", "--image=example/x:1", "--replicas=0", here)
    run("create", "secret", "generic", "s", "--from-literal=k=v", here)
    run("create", "serviceaccount", "robot", here)
    run("create", "role", "reader", "--verb=get", "--resource=pods", here)
    run("create", "rolebinding", "robot-reads", "--role=reader", f"--serviceaccount={place}:robot", here)
    run("create", "quota", "q", "--hard=cpu=1", here)
    run("expose", "deployment", "d", "--port=80", here)
    run("label", "deployment", "d", "team=vision", here)
    run("set", "image", "deployment/d", "x=example/x:2", here)

    found = json.loads(run("get", "deployment", "d", "-o", "json", here))
    assert found["metadata"]["labels"] == {"app": "d", "team": "vision"}
    assert found["spec"]["template"]["spec"]["containers"][0]["image"] == "example/x:2"
    assert json.loads(run("get", "secret", "s", "-o", "json", here))["data"] == {"k": "dg=="}
    run("delete", "deployment,secret", "--all", here, "--timeout=30s")
    assert run("get", "deployments", here).strip() == ""


def test_a_mistyped_field_is_refused_by_name(run: Run, place: str) -> None:
    wrong = {**TRAINING, "spec": {**TRAINING["spec"], "parallelsm": 2}}  # type: ignore[dict-item]  # a literal

    assert 'unknown field "spec.parallelsm"' in run(
        "create", "-f", "-", f"--namespace={place}", document=wrong, code=1
    )


def test_a_custom_resource_has_its_columns(run: Run, place: str) -> None:
    schema = {
        "type": "object",
        "properties": {"spec": {"type": "object", "properties": {"size": {"type": "integer"}}}},
    }
    column = {"name": "Size", "type": "integer", "jsonPath": ".spec.size"}
    version = {
        "name": "v1",
        "served": True,
        "storage": True,
        "schema": {"openAPIV3Schema": schema},
        "additionalPrinterColumns": [column],
    }
    names = {"plural": "boxes", "kind": "Box", "shortNames": ["bx"]}
    definition = {
        "apiVersion": "apiextensions.k8s.io/v1",
        "kind": "CustomResourceDefinition",
        "metadata": {"name": "boxes.kubectl.test"},
        "spec": {"group": "kubectl.test", "scope": "Namespaced", "names": names, "versions": [version]},
    }
    run("apply", "-f", "-", document=definition)
    run("wait", "--for=condition=established", "crd/boxes.kubectl.test", "--timeout=20s")
    box = {"apiVersion": "kubectl.test/v1", "kind": "Box", "metadata": {"name": "one"}, "spec": {"size": 7}}
    run("apply", "-f", "-", f"--namespace={place}", document=box)

    assert run("get", "bx", f"--namespace={place}", "--no-headers").split() == ["one", "7"]
    assert "size" in run("explain", "box.spec")
    run("delete", "crd", "boxes.kubectl.test", "--timeout=20s")
    assert "the server" in run("get", "boxes", code=1)


def test_it_shows_what_nodes_and_pods_use(run: Run, place: str) -> None:
    run("apply", "-n", place, "-f", "-", document=SERVING)
    assert eventually(lambda: run("-n", place, "top", "pods", "--no-headers").count("web-") == 2)

    (line,) = run("top", "node", "cpu-1", "--no-headers").splitlines()
    name, cores, share, memory, _ = line.split()
    assert (name, share.endswith("%")) == ("cpu-1", True)
    assert int(cores.removesuffix("m")) >= 350
    assert int(memory.removesuffix("Mi")) >= 3072
    assert "NotFound" in run("-n", place, "top", "pod", "none", code=1)
