"""The simulated nodes as a whole: faults, restarts, and nodes of any shape, on the simulated API server."""

import json

from cluster.documents import condition_of
from cluster.kinds import NODES, PODS
from cluster.nodes import allocatable, is_ready
from cluster.simulator.shapes import NodeShape
from tests.cluster.suite.objects import annotations, pod
from tests.cluster.waiting import eventually


def test_a_silent_node_is_marked_and_tainted_and_recovers(place):
    place.run_pod("p", policy="Always")
    assert eventually(lambda: place.phase("p") == "Running")

    place.tell_node(fault="not-ready")
    assert eventually(
        lambda: condition_of(place.client.get(NODES, place.node), "Ready")["status"] == "Unknown"
    )
    assert eventually(
        lambda: (
            "node.kubernetes.io/unreachable"
            in {taint["key"] for taint in place.client.get(NODES, place.node)["spec"].get("taints", [])}
        )
    )
    assert eventually(lambda: condition_of(place.pod("p"), "Ready")["status"] == "False")

    place.tell_node(fault=None)
    assert eventually(lambda: is_ready(place.client.get(NODES, place.node)))
    assert eventually(lambda: not place.client.get(NODES, place.node)["spec"].get("taints"))
    assert eventually(lambda: condition_of(place.pod("p"), "Ready")["status"] == "True")


def test_pods_are_taken_from_a_silent_node_when_they_tolerate_it_no_longer(place):
    impatient = pod("p", policy="Always")
    impatient["spec"]["nodeName"] = place.node
    impatient["spec"]["tolerations"] = [
        {
            "key": "node.kubernetes.io/unreachable",
            "operator": "Exists",
            "effect": "NoExecute",
            "tolerationSeconds": 1,
        }
    ]
    place.client.create(PODS, impatient, namespace=place.namespace)
    assert eventually(lambda: place.phase("p") == "Running")

    place.tell_node(fault="not-ready")

    assert eventually(lambda: "deletionTimestamp" in place.pod("p")["metadata"])
    place.tell_node(fault=None)
    assert eventually(lambda: not place.has("p"))


def test_a_dead_device_is_taken_out_and_fails_its_pod(place):
    place.run_pod("p", gpus=2)
    assert eventually(lambda: place.phase("p") == "Running")

    place.tell_node(device_faults=json.dumps({"1": {"xid": 79, "dead": True}}))

    assert eventually(lambda: place.phase("p") == "Failed")
    assert eventually(lambda: allocatable(place.client.get(NODES, place.node))["nvidia.com/gpu"] == "7")
    assert place.client.get(NODES, place.node)["status"]["capacity"]["nvidia.com/gpu"] == "8"
    assert "CUDA error" in place.client.logs(place.namespace, "p")
    assert eventually(place.exporter_runs)
    assert "1" not in place.gpu_samples("DCGM_FI_DEV_GPU_UTIL")

    place.tell_node(device_faults=None)
    assert eventually(lambda: allocatable(place.client.get(NODES, place.node))["nvidia.com/gpu"] == "8")


def test_an_xid_error_shows_on_the_page_and_fails_the_pod(place):
    place.run_pod("p", gpus=1)
    assert eventually(lambda: place.phase("p") == "Running")

    place.tell_node(device_faults=json.dumps({"0": {"xid": 31}}))

    assert eventually(lambda: place.phase("p") == "Failed")
    assert eventually(place.exporter_runs)
    assert place.gpu_samples("DCGM_FI_DEV_XID_ERRORS")["0"] == 31


def test_a_container_that_wants_more_memory_than_the_device_has_fails(place):
    place.run_pod("p", gpus=1, gpu_memory_mib="90000", run_seconds="1")

    assert eventually(lambda: place.phase("p") == "Failed")
    assert "CUDA out of memory. Tried to allocate 90000 MiB" in place.client.logs(place.namespace, "p")


def test_what_happened_while_the_kubelet_was_away_is_made_up_for(place):
    place.run_pod("runs", gpus=3)
    place.run_pod("ends", run_seconds="1")
    assert eventually(lambda: place.phase("runs") == "Running" and place.phase("ends") == "Running")
    devices = place.pod("runs")["metadata"]["annotations"]["simulator/devices"]

    place.stop()
    place.run_pod("comes", gpus=5, run_seconds="1")
    place.client.delete(PODS, "ends", place.namespace)
    place.start()

    assert eventually(lambda: place.phase("comes") == "Succeeded")
    assert eventually(lambda: not place.has("ends"))
    assert place.phase("runs") == "Running"
    assert place.pod("runs")["metadata"]["annotations"]["simulator/devices"] == devices
    assert not set(devices.split(",")) & set(
        place.pod("comes")["metadata"]["annotations"]["simulator/devices"].split(",")
    )


def test_restarts_are_counted_on_across_a_restart_of_the_kubelet(place):
    place.run_pod("p", policy="Always", fail="crash-loop", run_seconds="0")
    assert eventually(
        lambda: place.pod("p")["status"].get("containerStatuses", [{}])[0].get("restartCount") == 1
    )

    place.stop()
    place.start()

    assert eventually(lambda: place.pod("p")["status"]["containerStatuses"][0]["restartCount"] >= 2)


def test_a_lost_status_is_written_again(place):
    place.run_pod("p")
    assert eventually(lambda: place.phase("p") == "Running")

    place.client.merge_patch(
        PODS, "p", {"status": {"phase": "Pending"}}, namespace=place.namespace, subresource="status"
    )

    assert eventually(lambda: place.phase("p") == "Running")


def test_annotations_may_be_changed_while_a_pod_runs(place):
    place.run_pod("p", gpus=1, gpu_utilisation="idle")
    assert eventually(lambda: place.phase("p") == "Running")

    place.client.merge_patch(
        PODS,
        "p",
        {"metadata": {"annotations": {"simulator/gpu-utilisation": "constant:100"}}},
        namespace=place.namespace,
    )
    assert eventually(place.exporter_runs)
    assert eventually(lambda: place.gpu_samples("DCGM_FI_DEV_GPU_UTIL")["0"] == 100)

    place.client.merge_patch(
        PODS,
        "p",
        {"metadata": {"annotations": annotations(run_seconds="0", exit_code="7")}},
        namespace=place.namespace,
    )
    assert eventually(lambda: place.phase("p") == "Failed")


def test_a_node_of_any_shape_is_played_as_soon_as_it_is_made(place):
    name = f"{place.node}-odd"
    place.nodes.append(name)
    place.add_node(name, NodeShape("odd", 6, 24_576, 2, "NVIDIA-T4", 15_360, "turing", "7.5", 10, 70))

    assert eventually(lambda: is_ready(place.client.get(NODES, name)))
    assert allocatable(place.client.get(NODES, name))["nvidia.com/gpu"] == "2"


def test_a_node_that_is_removed_takes_its_pods_along(place):
    place.run_pod("p")
    assert eventually(lambda: place.phase("p") == "Running")
    assert eventually(lambda: place.has(f"nvidia-dcgm-exporter-{place.node}", "gpu-operator"))

    place.client.delete(NODES, place.node)

    assert eventually(lambda: not place.has("p"))
    assert eventually(lambda: not place.has(f"nvidia-dcgm-exporter-{place.node}", "gpu-operator"))


def test_an_exporter_that_is_deleted_comes_back(place):
    name = f"nvidia-dcgm-exporter-{place.node}"
    assert eventually(lambda: place.has(name, "gpu-operator"))
    uid = place.client.get(PODS, name, "gpu-operator")["metadata"]["uid"]

    place.client.delete(PODS, name, "gpu-operator", grace_seconds=0)

    assert eventually(
        lambda: (
            place.has(name, "gpu-operator")
            and place.client.get(PODS, name, "gpu-operator")["metadata"]["uid"] != uid
        )
    )
