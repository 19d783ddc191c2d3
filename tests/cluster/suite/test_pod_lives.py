"""Pods on simulated nodes live as told, on both servers."""

import pytest

from cluster.documents import condition_of
from cluster.errors import ClusterError, NotFound
from cluster.events import events_about
from cluster.kinds import JOBS, NODES, PODS
from cluster.metrics_text import read_metrics
from cluster.nodes import allocatable, is_ready
from tests.cluster.suite.objects import job, pod
from tests.cluster.waiting import eventually


def phase(client, namespace, name) -> str:
    return client.get(PODS, name, namespace)["status"].get("phase", "")


def container(client, namespace, name) -> dict:
    return (client.get(PODS, name, namespace)["status"].get("containerStatuses") or [{}])[0]


def test_a_bound_pod_runs_and_completes(client, namespace):
    made = client.create(PODS, pod("p", run_seconds="1"), namespace=namespace)
    client.bind(namespace, "p", uid=made["metadata"]["uid"], node="cpu-1")

    assert eventually(lambda: phase(client, namespace, "p") == "Running")
    running = client.get(PODS, "p", namespace)
    assert condition_of(running, "Ready")["status"] == "True"
    assert running["status"]["podIP"]
    assert eventually(lambda: phase(client, namespace, "p") == "Succeeded")
    ended = container(client, namespace, "p")["state"]["terminated"]
    assert (ended["exitCode"], ended["reason"]) == (0, "Completed")


def test_a_failing_pod_shows_its_exit_code(client, namespace):
    client.create(PODS, pod("p", node="cpu-1", run_seconds="0", exit_code="42"), namespace=namespace)

    assert eventually(lambda: phase(client, namespace, "p") == "Failed")
    assert container(client, namespace, "p")["state"]["terminated"]["exitCode"] == 42


def test_a_crashing_pod_is_restarted_with_back_off(client, namespace):
    client.create(
        PODS, pod("p", node="cpu-1", policy="Always", fail="crash-loop", run_seconds="0"), namespace=namespace
    )

    assert eventually(lambda: container(client, namespace, "p").get("restartCount") == 1)
    assert eventually(
        lambda: (
            container(client, namespace, "p")["state"].get("waiting", {}).get("reason") == "CrashLoopBackOff"
        )
    )
    assert "simulated failure" in client.logs(namespace, "p", previous=True)


def test_an_image_that_is_not_there_is_told(client, namespace):
    client.create(PODS, pod("p", node="cpu-1", fail="image-pull"), namespace=namespace)

    assert eventually(
        lambda: (
            "Pull" in container(client, namespace, "p").get("state", {}).get("waiting", {}).get("reason", "")
        )
    )
    uid = client.get(PODS, "p", namespace)["metadata"]["uid"]
    assert eventually(
        lambda: any("not found" in event["note"] for event in events_about(client, namespace, uid))
    )


def test_an_annotation_that_cannot_be_followed_is_named_on_the_pod(client, namespace):
    client.create(PODS, pod("p", node="cpu-1", run_seconds="soon"), namespace=namespace)

    def waiting() -> dict:
        return container(client, namespace, "p").get("state", {}).get("waiting", {})

    assert eventually(lambda: waiting().get("reason") == "CreateContainerConfigError")
    assert "simulator/run-seconds: 'soon'" in waiting()["message"]


def test_a_deleted_pod_stops_and_goes(client, namespace):
    client.create(PODS, pod("p", node="cpu-1"), namespace=namespace)
    assert eventually(lambda: phase(client, namespace, "p") == "Running")

    client.delete(PODS, "p", namespace)

    def gone() -> bool:
        try:
            client.get(PODS, "p", namespace)
        except NotFound:
            return True
        return False

    assert eventually(gone)


def test_a_node_that_is_given_too_much_refuses(client, namespace):
    client.create(PODS, pod("big", node="a100-1", gpus=6), namespace=namespace)
    assert eventually(lambda: phase(client, namespace, "big") == "Running")
    client.create(PODS, pod("more", node="a100-1", gpus=3), namespace=namespace)

    assert eventually(lambda: phase(client, namespace, "more") == "Failed")
    assert client.get(PODS, "more", namespace)["status"]["reason"] == "OutOfnvidia.com/gpu"
    client.delete(PODS, "big", namespace)


def test_devices_are_freed_when_a_pod_ends(client, namespace, server):
    client.create(PODS, pod("first", node="h100-2", gpus=8, run_seconds="0.3"), namespace=namespace)
    assert eventually(lambda: phase(client, namespace, "first") == "Succeeded")
    client.create(PODS, pod("second", node="h100-2", gpus=8, run_seconds="0.3"), namespace=namespace)

    assert eventually(lambda: phase(client, namespace, "second") == "Succeeded")
    assert (
        client.get(PODS, "second", namespace)["metadata"]["annotations"]["simulator/devices"]
        == "0,1,2,3,4,5,6,7"
    )


def test_logs_have_their_tail_their_stamps_and_their_limit(client, namespace):
    client.create(PODS, pod("p", node="cpu-1", log_script="server", run_seconds="0"), namespace=namespace)
    assert eventually(lambda: phase(client, namespace, "p") == "Succeeded")

    whole = client.logs(namespace, "p").splitlines()

    assert whole[0] == "INFO: Started server process [1]"
    assert client.logs(namespace, "p", tail_lines=1).splitlines() == whole[-1:]
    assert client.logs(namespace, "p", limit_bytes=10) == "INFO: Star"
    assert (
        client.logs(namespace, "p", timestamps=True)
        .splitlines()[0]
        .endswith("Z INFO: Started server process [1]")
    )


def test_a_log_is_followed_to_its_end(client, namespace):
    client.create(PODS, pod("p", node="cpu-1", log_script="server", run_seconds="2"), namespace=namespace)
    assert eventually(lambda: phase(client, namespace, "p") == "Running")

    stream = client.follow_logs(namespace, "p")
    lines = [line.decode() for line in stream.lines()]
    stream.release()

    assert lines[0] == "INFO: Started server process [1]"
    assert lines[-1] == "finished, exiting with code 0"


def test_the_log_of_a_container_that_has_not_begun_is_refused(client, namespace):
    client.create(PODS, pod("p", node="cpu-1", pull_seconds="1000"), namespace=namespace)
    assert eventually(lambda: container(client, namespace, "p").get("state"))

    with pytest.raises(ClusterError, match="waiting to start"):
        client.logs(namespace, "p")


def test_init_containers_and_sidecars_have_logs_too(client, namespace):
    made = pod("p", node="cpu-1", run_seconds="3600")
    made["spec"]["initContainers"] = [
        {"name": "prepare", "image": "example/prepare:1"},
        {"name": "shipper", "image": "example/shipper:1", "restartPolicy": "Always"},
    ]
    client.create(PODS, made, namespace=namespace)
    assert eventually(lambda: phase(client, namespace, "p") == "Running")

    for name in ("prepare", "shipper"):
        assert client.logs(namespace, "p", container=name).splitlines()[0] == "started"
    for name in ("main", "prepare"):
        with pytest.raises(
            ClusterError, match=f'previous terminated container "{name}" in pod "p" not found'
        ):
            client.logs(namespace, "p", container=name, previous=True)


def test_nodes_say_what_they_have(client):
    def ready() -> bool:
        return all(is_ready(client.get(NODES, name)) for name in ("h100-1", "h100-2", "a100-1", "cpu-1"))

    assert eventually(ready)
    node = client.get(NODES, "h100-1")
    assert allocatable(node)["nvidia.com/gpu"] == "8"
    assert node["metadata"]["labels"]["nvidia.com/gpu.product"] == "NVIDIA-H100-80GB-HBM3"


def test_metrics_pages_are_reached_through_the_server(client, namespace, server):
    client.create(
        PODS,
        pod("p", node="h100-1", gpus=2, gpu_utilisation="constant:85", gpu_memory_mib="20000"),
        namespace=namespace,
    )
    assert eventually(lambda: phase(client, namespace, "p") == "Running")

    def exporter_page() -> str:
        return client.proxy_get(
            PODS, "nvidia-dcgm-exporter-h100-1", "metrics", namespace="gpu-operator", port=9400
        )

    assert eventually(lambda: phase(client, "gpu-operator", "nvidia-dcgm-exporter-h100-1") == "Running")
    samples = [one for one in read_metrics(exporter_page()) if one.labels.get("pod") == "p"]
    used = [one.value for one in samples if one.name == "DCGM_FI_DEV_FB_USED"]
    assert used == [20_000, 20_000]
    resources = {one.name for one in read_metrics(client.node_page("h100-1", "metrics/resource"))}
    assert {"node_cpu_usage_seconds_total", "container_memory_working_set_bytes"} <= resources
    client.delete(PODS, "p", namespace)


def test_a_pod_behind_a_gate_says_so_from_the_beginning(client, namespace):
    body = pod("gated")
    body["spec"]["schedulingGates"] = [{"name": "example.org/wait"}]

    found = condition_of(client.create(PODS, body, namespace=namespace), "PodScheduled")

    assert (found["status"], found["reason"]) == ("False", "SchedulingGated")
    assert "gates" in found["message"]


def test_a_field_behind_a_feature_gate_is_dropped(client, namespace):
    alone, many = pod("grouped"), job("grouped", node=None, suspend=True)
    for spec in (alone["spec"], many["spec"]["template"]["spec"]):
        spec["schedulingGroup"] = {"podGroupName": "workers"}

    made = client.create(PODS, alone, namespace=namespace)
    template = client.create(JOBS, many, namespace=namespace)["spec"]["template"]

    assert "schedulingGroup" not in made["spec"]
    assert "schedulingGroup" not in template["spec"]
