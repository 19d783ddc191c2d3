"""What nodes and pods are said to use agrees with the counters their nodes show."""

from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from cluster.metrics_text import read_metrics
from cluster.quantities import parse_quantity
from cluster.simulator.gpus import Devices
from cluster.simulator.kubelet.admission import read_pod
from cluster.simulator.kubelet.lives import NodeAgent
from cluster.simulator.kubelet.pages import resource_page
from cluster.simulator.kubelet.prospects import foresee
from cluster.simulator.kubelet.roster import Roster
from cluster.simulator.kubelet.usage import PREFIX, WINDOW_SECONDS, usage_document
from cluster.simulator.problems import Problem
from cluster.simulator.shapes import SHAPES
from cluster.simulator.stages import PodState, advance

NOON = datetime(2030, 1, 1, 12, tzinfo=UTC)


def after(seconds: float) -> datetime:
    return NOON + timedelta(seconds=seconds)


def cluster_of(pattern: str = "constant:50") -> Roster:
    """Two nodes, each with a pod that runs from noon on with two containers, and one that waits."""
    roster = Roster()
    for name in ("h1", "h2"):
        node = {
            "metadata": {"name": name, "labels": {"pool": name}, "creationTimestamp": "2030-01-01T12:00:00Z"}
        }
        shape = SHAPES["h100"]
        agent = roster.agents[name] = NodeAgent(node, shape, Devices(name, shape), "127.64.0.1")
        for uid in (f"runs-{name}", f"waits-{name}"):
            record = read_pod(agent, pod(uid, name, pattern))
            foresee(agent, record, NOON)
            if uid.startswith("runs"):
                begun = PodState("starting", after(-record.life.start), NOON)
                record.state, _ = advance(begun, record.life, NOON)
            agent.pods[uid] = record
    return roster


def pod(uid: str, node: str, pattern: str) -> dict:
    first = {"name": "main", "resources": {"requests": {"cpu": "2", "memory": "1Gi"}}}
    return {
        "metadata": {
            "name": uid,
            "namespace": "n",
            "uid": uid,
            "labels": {"app": node},
            "annotations": {
                "simulator/cpu-utilisation": pattern,
                "simulator/memory-utilisation": "constant:25",
            },
        },
        "spec": {"nodeName": node, "containers": [first, {"name": "beside"}]},
    }


def items(roster: Roster, path: str, seconds: float = 100, **query: str) -> dict[str, dict]:
    found = usage_document(roster, PREFIX + path, query, after(seconds))["items"]
    return {one["metadata"]["name"]: one for one in found}


def test_a_pod_that_runs_is_listed_with_all_its_containers_and_no_other_is():
    (one,) = items(cluster_of(), "/pods", labelSelector="app=h1").values()

    assert (one["metadata"]["name"], one["metadata"]["namespace"]) == ("runs-h1", "n")
    assert one["containers"] == [
        {"name": "main", "usage": {"cpu": "1000000000n", "memory": f"{256 * 1024}Ki"}},
        {"name": "beside", "usage": {"cpu": "0n", "memory": "0Ki"}},
    ]
    assert (one["timestamp"], one["window"]) == ("2030-01-01T12:01:40Z", "15s")


@given(
    seconds=st.integers(1, 5000),
    pattern=st.sampled_from(["wave:10-90/300", "ramp:0-100/60", "steps:90x30,5x10"]),
)
def test_usage_is_the_slope_of_the_counters(seconds, pattern):
    roster = cluster_of(pattern)
    window = min(WINDOW_SECONDS, seconds)

    def counter(name: str, moment: float, **labels: str) -> float:
        page = read_metrics(resource_page(roster, roster.agents["h1"], after(moment)))
        return next(one.value for one in page if one.name == name and labels.items() <= one.labels.items())

    def slope(name: str, **labels: str) -> float:
        later = counter(name, seconds, **labels)
        return (later - counter(name, seconds - window, **labels)) / window

    used = items(roster, "/pods", seconds)["runs-h1"]["containers"][0]["usage"]["cpu"]
    assert float(parse_quantity(used)) == pytest.approx(
        slope("pod_cpu_usage_seconds_total", pod="runs-h1"), abs=1e-6
    )
    of_the_node = items(roster, "/nodes", seconds)["h1"]["usage"]
    assert float(parse_quantity(of_the_node["cpu"])) == pytest.approx(
        slope("node_cpu_usage_seconds_total"), abs=1e-6
    )
    memory = counter("node_memory_working_set_bytes", seconds)
    assert float(parse_quantity(of_the_node["memory"])) == pytest.approx(memory, abs=1024)


def test_silent_nodes_tell_nothing():
    roster = cluster_of()
    roster.agents["h1"].silent = True

    assert set(items(roster, "/nodes")) == {"h2"}
    assert set(items(roster, "/pods")) == {"runs-h2"}
    assert items(roster, "/nodes", labelSelector="pool=h1") == {}
    assert set(items(roster, "/pods", fieldSelector="metadata.name=runs-h2")) == {"runs-h2"}
    assert items(roster, "/namespaces/other/pods") == {}


@pytest.mark.parametrize(
    "path", ["/pods/x", "/nodes/x", "/namespaces/n/pods/waits-h1", "/namespaces/n", "", "/pods/a/b"]
)
def test_what_is_not_there_is_not_found(path):
    with pytest.raises(Problem) as refused:
        usage_document(cluster_of(), PREFIX + path, {}, after(9))
    assert refused.value.code == 404


def test_single_ones_are_read_by_their_names():
    roster = cluster_of()

    assert usage_document(roster, f"{PREFIX}/nodes/h2", {}, after(9))["kind"] == "NodeMetrics"
    one = usage_document(roster, f"{PREFIX}/namespaces/n/pods/runs-h1", {}, after(9))
    assert (one["kind"], one["metadata"]["name"]) == ("PodMetrics", "runs-h1")
