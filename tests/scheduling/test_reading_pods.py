"""What a pod asks for and may use, read as Kubernetes means it; what cannot be meant is refused with the field and the limit."""

import json
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from cluster.labels import GANG, GPU_FRACTION, GPU_RESOURCE, NODE_POOLS, PREEMPTIBILITY, PRIORITY_CLASS
from scheduling import pod_facts
from scheduling.constraints import read_constraints, read_taints
from scheduling.engine.model.constraints import PodAffinityTerm
from scheduling.engine.model.tasks import TaskState
from scheduling.grouping import OWNERS_WORDS, group_of, membership_of
from scheduling.node_facts import read_node
from scheduling.pod_facts import Alike, matters, read_pod, state_of
from scheduling.requests import LARGEST_AMOUNT, UnreadablePod, effective_amounts, read_request
from tests.scheduling.documents import make_node, make_pod


def with_containers(*containers: dict[str, Any], init: tuple[dict[str, Any], ...] = ()) -> dict[str, Any]:
    pod = make_pod("p")
    pod["spec"]["containers"] = list(containers)
    pod["spec"]["initContainers"] = list(init)
    return pod


def asks(cpu: str, gpus: str = "0", **fields: Any) -> dict[str, Any]:
    return {"resources": {"requests": {"cpu": cpu, GPU_RESOURCE: gpus}}, **fields}


# --- amounts --------------------------------------------------------------------------------------------------------------


def test_containers_add_up_and_the_largest_init_container_counts_where_it_is_more() -> None:
    pod = with_containers(asks("1", "1"), asks("500m", "1"), init=(asks("4"), asks("2")))

    assert effective_amounts(pod) == {"cpu": 4000, GPU_RESOURCE: 2}


def test_a_sidecar_runs_beside_the_containers_and_the_later_init_containers() -> None:
    pod = with_containers(asks("1"), init=(asks("1", restartPolicy="Always"), asks("3")))

    assert effective_amounts(pod)["cpu"] == 4000, "sidecar and init container together are the peak"


def test_a_limit_stands_in_for_a_missing_request_and_overhead_is_added() -> None:
    pod = with_containers({"resources": {"limits": {"cpu": "2", "memory": "1Gi"}, "requests": {"cpu": "1"}}})
    pod["spec"]["overhead"] = {"memory": "1Mi"}

    assert effective_amounts(pod) == {"cpu": 1000, "memory": 2**30 + 2**20}


@given(
    st.one_of(
        st.text(max_size=30),
        st.floats(allow_nan=True, allow_infinity=True).map(str),
        st.integers().map(str),
        st.sampled_from(["NaN", "Inf", "-1", "1e309", "0x10", "１", "1e-400", "9" * 40, " 1 ", "1Ki", ""]),
    )
)
def test_whatever_stands_there_is_an_amount_in_bounds_or_refused_with_its_place(text: str) -> None:
    pod = with_containers({"resources": {"requests": {"memory": text}}})
    refusal, amount = None, 0
    try:
        amount = read_request(pod).memory_bytes
    except UnreadablePod as refused:
        refusal = refused

    assert 0 <= amount <= LARGEST_AMOUNT
    if refusal is not None:
        assert refusal.code == "InvalidRequest"
        assert "containers[0]" in str(refusal)


def test_more_gpus_than_a_node_can_have_are_refused_with_the_limit() -> None:
    with pytest.raises(UnreadablePod, match="at most 1024"):
        read_request(make_pod("p", gpus=1025))


def test_a_part_of_a_gpu_is_refused_rather_than_given_without_holding_it_to_its_part() -> None:
    with pytest.raises(UnreadablePod, match="only whole GPUs"):
        read_request(make_pod("p", annotations={GPU_FRACTION: "0.5"}))


# --- gangs ------------------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("kind", ["Job", "ReplicaSet", "ReplicationController", "DaemonSet"])
def test_pods_of_a_job_deployment_or_daemon_set_are_independent(kind: str) -> None:
    pods = [make_pod(f"p-{n}", owner=(kind, "o")) for n in range(3)]

    assert len({membership_of(pod).key for pod in pods}) == 3


def test_an_unknown_owner_is_one_gang_that_runs_from_its_first_pod_on() -> None:
    pods = [make_pod(f"p-{n}", owner=("SparkApplication", "o")) for n in range(3)]

    group = group_of((membership_of(pod), pod) for pod in pods)

    assert {membership_of(pod).key for pod in pods} == {group.membership.key}
    assert (len(group.members), group.minimums, group.membership.name) == (3, {"": 1}, "o")


def test_the_annotation_decides_over_the_owner_and_keeps_the_place_in_the_queue() -> None:
    told = json.dumps({"name": "g", "minimum": 2, "created": "2030-01-01T09:00:00Z"})
    pods = [make_pod(f"p-{n}", owner=("Job", "o"), annotations={GANG: told}) for n in range(3)]

    group = group_of((membership_of(pod), pod) for pod in pods)

    assert {membership_of(pod).key for pod in pods} == {group.membership.key}
    assert (len(group.members), group.minimums) == (3, {"": 2})
    assert group.membership.created_at == 1893488400, "09:00, not when the pods were made"


@pytest.mark.parametrize(
    "text",
    ["", "[]", "null", '{"name": "g"}', '{"name": "g", "minimum": 0}', '{"name": "g", "minimum": 1.5}',
     '{"name": "g", "minimum": true}', '{"name": "", "minimum": 1}', '{"name": "g", "minimum": 1e9}',
     '{"name": "g", "minimum": 1, "created": "yesterday"}',
     '{"name": "g", "minimum": 1, "created": "0001-01-01T00:00:00+14:00"}', "[" * 100_000],
)  # fmt: skip
def test_an_annotation_that_cannot_be_meant_is_refused(text: str) -> None:
    with pytest.raises(UnreadablePod) as refused:
        membership_of(make_pod("p", annotations={GANG: text}))
    assert refused.value.code == "InvalidGang"


WORDS = st.dictionaries(
    st.sampled_from([*OWNERS_WORDS, "note"]),
    st.sampled_from(["", "x", "[" * 100_000, '{"name": "g", "minimum": 2}', "0001-01-01T00:00:00+14:00"])
    | st.text(max_size=20),
)


@given(WORDS, WORDS, WORDS)
def test_whatever_people_write_on_a_pod_it_is_read_and_once_placed_it_counts(
    labels: dict[str, str], annotations: dict[str, str], owner_said: dict[str, str]
) -> None:
    """One pod must not stop the others', nor leave its project's account, whatever is written on it or its Job afterwards."""
    said = tuple(owner_said.items())
    waiting, placed = (
        read_pod(make_pod("p", gpus=2, node=node, labels=labels, annotations=annotations), Alike(), said)
        for node in ("", "n1")
    )

    assert (waiting.membership is None) == (waiting.problem is not None)
    assert placed.problem is None
    assert placed.membership is not None
    assert placed.request.gpu.devices == 2
    if waiting.membership is not None:
        assert placed.membership.queue == waiting.membership.queue


@pytest.mark.parametrize(
    ("labels", "owner", "priority", "preemptible"),
    [
        ({PRIORITY_CLASS: "very-high"}, None, 150, None),
        ({PRIORITY_CLASS: "no-such-class"}, None, 50, None),
        ({"pod-template-hash": "x"}, ("ReplicaSet", "d-x"), 125, None),
        ({}, ("Notebook", "n"), 100, None),
        ({PREEMPTIBILITY: "non-preemptible"}, None, 50, False),
        ({PREEMPTIBILITY: "perhaps"}, None, 50, None),
    ],
)
def test_priority_and_preemptibility_follow_labels_then_the_owner(
    labels: dict[str, str], owner: tuple[str, str] | None, priority: int, preemptible: bool | None
) -> None:
    found = membership_of(make_pod("p", labels=labels, owner=owner))
    assert (found.priority, found.preemptible) == (priority, preemptible)


def test_pools_keep_their_order() -> None:
    assert membership_of(make_pod("p", annotations={NODE_POOLS: "h100, a100,"})).pools == ("h100", "a100")


# --- constraints ---------------------------------------------------------------------------------------------------------------


def test_hard_spread_is_read_and_soft_spread_is_a_wish_not_followed() -> None:
    pod = make_pod("p", labels={"app": "x", "revision": "7"})
    hard = {
        "maxSkew": 2,
        "topologyKey": "zone",
        "whenUnsatisfiable": "DoNotSchedule",
        "labelSelector": {"matchLabels": {"app": "x"}},
        "matchLabelKeys": ["revision", "absent"],
        "minDomains": 3,
        "nodeTaintsPolicy": "Honor",
    }
    soft = {"maxSkew": 1, "topologyKey": "host", "whenUnsatisfiable": "ScheduleAnyway"}
    pod["spec"]["topologySpreadConstraints"] = [hard, soft]

    (found,) = read_constraints(pod).spread

    assert (found.max_skew, found.topology_key, found.min_domains) == (2, "zone", 3)
    assert (found.honor_node_affinity, found.honor_taints) == (True, True)
    assert found.selects({"app": "x", "revision": "7"})
    assert not found.selects({"app": "x", "revision": "6"})
    del hard["labelSelector"]
    (nobody,) = read_constraints(pod).spread
    assert not nobody.selects({"app": "x", "revision": "7"}), "no selector selects nobody"


def test_a_hard_rule_that_would_not_be_kept_is_refused() -> None:
    pod = make_pod("p")
    pod["spec"]["resourceClaims"] = [{"name": "gpu"}]
    with pytest.raises(UnreadablePod, match="resourceClaims"):
        read_constraints(pod)


def test_an_affinity_without_a_selector_is_for_nobody_and_with_an_empty_one_for_everybody() -> None:
    pod = make_pod("p")
    terms = [{"topologyKey": "host"}, {"topologyKey": "host", "labelSelector": {}}]
    pod["spec"]["affinity"] = {"podAntiAffinity": {"requiredDuringSchedulingIgnoredDuringExecution": terms}}

    nobody, everybody = read_constraints(pod).pod_anti_affinity

    assert not nobody.selects({"app": "x"}, "ns", "ns")
    assert everybody.selects({"app": "x"}, "ns", "ns")


def test_an_unknown_operator_is_refused() -> None:
    pod = make_pod("p")
    term = {"matchExpressions": [{"key": "zone", "operator": "Near", "values": ["a"]}]}
    required = {"requiredDuringSchedulingIgnoredDuringExecution": {"nodeSelectorTerms": [term]}}
    pod["spec"]["affinity"] = {"nodeAffinity": required}
    with pytest.raises(UnreadablePod, match="Near"):
        read_constraints(pod)


def test_selectors_tolerations_and_affinities_arrive_as_they_are_meant() -> None:
    pod = make_pod("p")
    pod["spec"] |= {
        "nodeSelector": {"zone": "a"},
        "tolerations": [{"key": "gpu", "operator": "Exists"}],
        "affinity": {
            "podAntiAffinity": {
                "requiredDuringSchedulingIgnoredDuringExecution": [
                    {"topologyKey": "host", "labelSelector": {"matchLabels": {"app": "x"}}}
                ]
            }
        },
    }
    found = read_constraints(pod)
    assert found.node_selector == (("zone", "a"),)
    assert found.tolerations[0].tolerates(read_taints(tainted("gpu"))[0])
    assert found.pod_anti_affinity[0].selects({"app": "x"}, "ns", "ns")


NAMESPACES = {"red": {"team": "r"}, "crimson": {"team": "r"}, "blue": {"team": "b"}}
OF_RED = {"matchLabels": {"team": "r"}}
NOT_RED = {"matchExpressions": [{"key": "team", "operator": "NotIn", "values": ["r", "b"]}]}


@pytest.mark.parametrize(
    ("term", "selected"),
    [
        ({}, {"own"}),
        ({"namespaces": ["blue"]}, {"blue"}),
        ({"namespaceSelector": {}}, {"own", "red", "crimson", "blue"}),
        ({"namespaceSelector": OF_RED}, {"red", "crimson"}),
        ({"namespaceSelector": OF_RED, "namespaces": ["blue"]}, {"red", "crimson", "blue"}),
        ({"namespaceSelector": NOT_RED}, set()),
    ],
)
def test_an_affinity_finds_namespaces_by_name_and_by_label(term: dict[str, Any], selected: set[str]) -> None:
    found = affinity_of({"labelSelector": {}, **term})

    assert {name for name in ("own", *NAMESPACES) if found.selects({}, name, "own")} == selected


def affinity_of(term: dict[str, Any]) -> PodAffinityTerm:
    pod = make_pod("p")
    required = {"requiredDuringSchedulingIgnoredDuringExecution": [{"topologyKey": "host", **term}]}
    pod["spec"]["affinity"] = {"podAffinity": required}
    (found,) = read_constraints(pod, NAMESPACES).pod_affinity
    return found


def tainted(key: str) -> dict[str, Any]:
    node = make_node("n")
    node["spec"]["taints"] = [{"key": key, "effect": "NoSchedule"}]
    return node


def test_the_taint_of_a_cordon_is_only_the_cordon() -> None:
    assert read_taints(tainted("node.kubernetes.io/unschedulable")) == ()


# --- nodes and states -------------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("text", ["NaN", "-8", "many"])
def test_a_node_with_unreadable_amounts_takes_nothing_and_is_named(text: str) -> None:
    document = make_node("n1")
    document["status"]["allocatable"][GPU_RESOURCE] = text
    node, problem = read_node(document)
    assert not node.ready
    assert "n1" in problem


@pytest.mark.parametrize(
    ("text", "mib"),
    [("81920", 81_920), ("85899345920", 81_920), ("", None), ("-1", None), ("９", None), ("0", None)],
)
def test_device_memory_is_mebibytes_or_unknown(text: str, mib: int | None) -> None:
    document = make_node("n1")
    document["metadata"]["labels"]["nvidia.com/gpu.memory"] = text
    assert read_node(document)[0].gpu_memory_mib == mib


@pytest.mark.parametrize(
    ("fields", "state"),
    [
        ({}, TaskState.PENDING),
        ({"node": "n"}, TaskState.BOUND),
        ({"node": "n", "phase": "Running"}, TaskState.RUNNING),
        ({"node": "n", "phase": "Succeeded"}, None),
        ({"node": "n", "phase": "Failed"}, None),
        ({"node": "n", "phase": "Unknown"}, TaskState.BOUND),
    ],
)
def test_where_a_pod_stands(fields: dict[str, Any], state: TaskState | None) -> None:
    assert state_of(make_pod("p", **fields)) is state


def test_a_pod_on_its_way_out_holds_its_place_until_it_is_gone() -> None:
    pod = make_pod("p", node="n", phase="Running")
    pod["metadata"]["deletionTimestamp"] = "2030-01-01T12:00:00Z"
    assert state_of(pod) is TaskState.RELEASING
    waiting = make_pod("p")
    waiting["metadata"]["deletionTimestamp"] = "2030-01-01T12:00:00Z"
    assert state_of(waiting) is None


def test_our_own_explanation_is_no_news() -> None:
    old, new = make_pod("p", uid="u"), make_pod("p", uid="u")
    new["metadata"]["annotations"]["runai.io/refusal"] = "{}"
    new["status"]["conditions"] = [{"type": "PodScheduled", "status": "False"}]
    assert not matters(new, old)
    new["metadata"]["annotations"][GANG] = '{"name": "g", "minimum": 2}'
    assert matters(new, old)


def test_equal_requests_and_constraints_are_one_object(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(pod_facts, "MOST_ALIKE", 3)
    alike = Alike()
    for number in range(10):  # more kinds than are remembered
        pods = [make_pod(name, gpus=number + 1) for name in ("a", "b")]
        for pod in pods:
            pod["spec"]["nodeSelector"] = {"zone": str(number)}
        first, second = (read_pod(pod, alike) for pod in pods)
        assert first.request is second.request
        assert first.constraints is second.constraints
        assert first.constraints.node_selector == (("zone", str(number)),)


def test_what_the_pod_asks_for_as_a_whole_counts_instead_of_its_containers():
    pod = make_pod("p", cpu="2")
    pod["spec"]["resources"] = {"requests": {"cpu": "3"}}

    assert effective_amounts(pod)["cpu"] == 3000
