"""Devices are never given twice, and show what their pods do."""

from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from cluster.metrics_text import read_metrics
from cluster.simulator.annotations import AnnotationWrong, DeviceFault, device_faults
from cluster.simulator.dcgm import exporter_page
from cluster.simulator.gpus import Devices, load_of
from cluster.simulator.patterns import parse_pattern
from cluster.simulator.shapes import (
    SHAPES,
    NodeShape,
    capacity_of,
    node_document,
    parse_node_counts,
    shape_named,
    shape_text,
    wanted_nodes,
)

NOON = datetime(2030, 1, 1, 12, tzinfo=UTC)
H100 = SHAPES["h100"]


def make_load(uid: str = "u", since: datetime | None = NOON, **annotations: str):
    notes = {f"simulator/{name.replace('_', '-')}": value for name, value in annotations.items()}
    pod = {
        "metadata": {"name": f"pod-{uid}", "namespace": "n", "uid": uid, "annotations": notes},
        "spec": {"containers": [{"name": "main"}]},
    }
    return load_of(pod, since)


def test_the_lowest_free_devices_are_given():
    devices = Devices("h1", H100)

    assert devices.assign("a", 2) == (0, 1)
    assert devices.assign("b", 1) == (2,)
    devices.release("a")
    assert devices.assign("c", 3) == (0, 1, 3)


def test_too_few_devices_give_none_at_all():
    devices = Devices("h1", H100)
    devices.assign("a", 6)

    assert devices.assign("b", 3) is None
    assert devices.free_count() == 2


def test_devices_are_remembered_unless_another_has_them():
    devices = Devices("h1", H100)

    assert devices.restore("a", (3, 4))
    assert not devices.restore("b", (4, 5))
    assert not devices.restore("b", (8,))
    assert devices.held_by("b") == ()


@given(
    st.lists(
        st.one_of(
            st.tuples(st.just("assign"), st.sampled_from("abcdef"), st.integers(1, 8)),
            st.tuples(st.just("release"), st.sampled_from("abcdef"), st.just(0)),
            st.tuples(st.just("die"), st.just(""), st.integers(0, 7)),
        ),
        max_size=30,
    )
)
def test_no_device_is_ever_held_twice_or_given_dead(steps):
    devices = Devices("h1", H100)
    for step, uid, number in steps:
        if step == "assign" and not devices.held_by(uid):
            free, dead = devices.free_count(), {index for index in range(8) if devices.is_dead(index)}
            given_ones = devices.assign(uid, number)
            assert (given_ones is None) == (number > free)
            assert not dead & set(given_ones or ())
        elif step == "release":
            devices.release(uid)
        elif step == "die":
            devices.set_faults({number: DeviceFault(79, dead=True)})
    held = [index for uid in "abcdef" for index in devices.held_by(uid)]
    assert len(held) == len(set(held))


def test_a_running_pod_shows_its_utilisation_and_memory():
    devices = Devices("h1", H100)
    devices.assign("u", 1)
    loads = {"u": make_load(gpu_utilisation="constant:85", gpu_memory_mib="20000")}

    busy, idle = devices.readings(loads, NOON + timedelta(seconds=60))[:2]

    assert abs(busy.utilisation - 85) <= 2
    assert (busy.memory_used_mib, busy.memory_free_mib) == (20_000, 61_559)
    assert busy.watts > idle.watts == H100.idle_watts
    assert busy.celsius > idle.celsius
    assert (idle.utilisation, idle.memory_used_mib, idle.pid) == (0, 0, None)
    assert busy.pid is not None


def test_a_pod_that_does_not_run_holds_its_device_but_does_nothing_on_it():
    devices = Devices("h1", H100)
    devices.assign("u", 1)

    reading = devices.readings({"u": make_load(since=None)}, NOON)[0]

    assert (reading.utilisation, reading.memory_used_mib, reading.load.pod) == (0, 0, "pod-u")


def test_readings_at_the_same_moment_agree_whoever_asks():
    first, second = Devices("h1", H100), Devices("h1", H100)
    first.assign("u", 2)
    second.assign("u", 2)
    loads = {"u": make_load(gpu_utilisation="wave:20-95/300")}

    assert first.readings(loads, NOON + timedelta(seconds=77)) == second.readings(
        loads, NOON + timedelta(seconds=77)
    )


def test_a_dead_device_disappears_and_strikes_its_pod_once():
    devices = Devices("h1", H100)
    devices.assign("u", 1)
    fault = {0: DeviceFault(79, dead=True)}

    assert devices.set_faults(fault) == {"u"}
    assert devices.set_faults(fault) == set()
    assert [reading.index for reading in devices.readings({}, NOON)] == [1, 2, 3, 4, 5, 6, 7]
    assert capacity_of(H100, dead_devices=devices.dead_count())[1]["nvidia.com/gpu"] == "7"
    assert capacity_of(H100, dead_devices=devices.dead_count())[0]["nvidia.com/gpu"] == "8"


def test_the_exporter_page_is_read_back_with_the_pods_labels():
    devices = Devices("h1", H100)
    devices.assign("u", 1)
    devices.set_faults({1: DeviceFault(31, dead=False)})
    page = exporter_page("h1", devices.readings({"u": make_load(gpu_memory_mib="1000000")}, NOON))

    samples = list(read_metrics(page))

    used = {one.labels["gpu"]: one for one in samples if one.name == "DCGM_FI_DEV_FB_USED"}
    assert used["0"].labels["pod"] == "pod-u"
    assert used["0"].labels["modelName"] == "NVIDIA H100 80GB HBM3"
    assert used["0"].value == 81_559  # what is there, not what was wished
    assert "pod" not in used["1"].labels
    xids = {one.labels["gpu"]: one.value for one in samples if one.name == "DCGM_FI_DEV_XID_ERRORS"}
    assert (xids["0"], xids["1"]) == (0, 31)


@pytest.mark.parametrize(
    ("text", "second", "value"),
    [
        ("idle", 50, 0),
        ("constant:85", 1e6, 85),
        ("wave:20-95/300", 0, 20),
        ("wave:20-95/300", 150, 95),
        ("ramp:0-90/600", 300, 45),
        ("ramp:0-90/600", 6000, 90),
        ("steps:90x300,5x60", 299, 90),
        ("steps:90x300,5x60", 301, 5),
        ("steps:90x300,5x60", 361, 90),
    ],
)
def test_patterns_are_what_they_say(text, second, value):
    assert parse_pattern(text).at(second) == pytest.approx(value)


@pytest.mark.parametrize(
    "text", ["", "constant:101", "wave:1-2", "wave:1-2/0", "steps:", "steps:1x0", "constant:-1", "sine:1"]
)
def test_patterns_that_cannot_be_followed_are_named(text):
    with pytest.raises(AnnotationWrong, match="simulator/gpu-utilisation"):
        make_load(gpu_utilisation=text)


@given(
    text=st.sampled_from(
        ["idle", "constant:85", "wave:20-95/300", "ramp:0-90/600", "ramp:90-0/60", "steps:90x300,5x60"]
    ),
    start=st.floats(0, 5000),
    length=st.floats(0.1, 50),
)
def test_a_counter_is_the_integral_of_its_pattern(text, start, length):
    pattern = parse_pattern(text)
    parts = 400
    middle = sum(pattern.at(start + length * (part + 0.5) / parts) for part in range(parts)) * length / parts

    assert pattern.integral(start + length) - pattern.integral(start) == pytest.approx(
        middle, abs=1 + length * 0.3
    )
    assert pattern.integral(start + length) >= pattern.integral(start)
    assert 0 <= pattern.at(start) <= 100


def test_known_shapes_have_nvidias_labels():
    labels = node_document("h100-1", H100, pool="h100")["metadata"]["labels"]

    assert labels["nvidia.com/gpu.product"] == "NVIDIA-H100-80GB-HBM3"
    assert labels["nvidia.com/gpu.memory"] == "81559"
    assert labels["nvidia.com/gpu.count"] == "8"
    assert labels["run.ai/node-pool"] == "h100"
    assert all(len(value) <= 63 for value in labels.values())


def test_any_shape_can_be_told_as_json():
    shape = NodeShape("trace-7", 96, 524_288, 2, "NVIDIA-T4", 15_360, "turing", "7.5", 10, 70)

    assert shape_named(shape_text(shape)) == shape
    assert shape_text(H100) == "h100"


@pytest.mark.parametrize("text", ["b200", '{"name":"x"}', '{"name":"x","cpus":0,"memory_mib":4096}', "[]"])
def test_shapes_that_cannot_be_followed_are_named(text):
    with pytest.raises(AnnotationWrong, match="simulator/shape"):
        shape_named(text)


def test_counts_make_named_nodes():
    nodes = wanted_nodes(parse_node_counts("h100=2,cpu=1"))

    assert [node["metadata"]["name"] for node in nodes] == ["h100-1", "h100-2", "cpu-1"]
    with pytest.raises(ValueError, match="b200=1"):
        parse_node_counts("h100=2,b200=1")


def test_device_faults_that_cannot_be_read_are_named():
    assert device_faults({"simulator/device-faults": '{"3": {"xid": 79, "dead": true}}'}) == {
        3: DeviceFault(79, True)
    }
    with pytest.raises(AnnotationWrong, match="device-faults"):
        device_faults({"simulator/device-faults": "3 is broken"})
