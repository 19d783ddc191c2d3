"""The definitions of deploy/crds on both servers: what they refuse, what they show, and that a status is a status."""

from typing import Any

import pytest

from cluster.errors import Invalid
from cluster.kinds import TRAINING_WORKLOADS, WORKLOAD_KINDS, Kind
from tests.cluster.servers import ClusterApi
from workloads import spec_rules
from workloads.definitions import definitions, ensure_crds
from workloads.kinds.training import PODS_AT_MOST

TABLE = "application/json;as=Table;v=v1;g=meta.k8s.io"


@pytest.fixture
def api(cluster_api: ClusterApi) -> ClusterApi:
    ensure_crds(cluster_api.client)
    return cluster_api


def training(name: str = "one", **spec: Any) -> dict[str, Any]:
    return {
        "apiVersion": TRAINING_WORKLOADS.api_version,
        "kind": TRAINING_WORKLOADS.kind,
        "metadata": {"name": name},
        "spec": {"image": {"value": "registry.example/train:1"}, **spec},
    }


def value(content: Any) -> dict[str, Any]:
    return {"value": content}


def create(api: ClusterApi, document: dict[str, Any]) -> dict[str, Any]:
    return api.client.create(TRAINING_WORKLOADS, document, namespace=api.namespace)


BAD = {
    "no image": ("spec.image", {"image": None}),
    "an empty image": ("spec.image.value", {"image": value("")}),
    "an image with spaces": ("spec.image.value", {"image": value("my image")}),
    "a field without its value": ("spec.gpu.value", {"gpu": {}}),
    "half a device": ("spec.gpu.value", {"gpu": value(0.5)}),
    "fewer than no devices": ("spec.gpu.value", {"gpu": value(-1)}),
    "more devices than a node has": ("spec.gpu.value", {"gpu": value(spec_rules.GPUS_AT_MOST + 1)}),
    "cores that are no quantity": ("spec.cpu.value", {"cpu": value("many")}),
    "memory below zero": ("spec.memory.value", {"memory": value("-1Gi")}),
    "memory that is a flag": ("spec.memory.value", {"memory": value(True)}),
    "a word for a switch": ("spec.suspend.value", {"suspend": value("yes")}),
    "too many pools": ("spec.nodePools.value", {"nodePools": value([f"p{n}" for n in range(21)])}),
    "a pool without a name": ("spec.nodePools.value[1]", {"nodePools": value(["a", ""])}),
    "a priority in capitals": ("spec.priorityClass.value", {"priorityClass": value("High")}),
    "half interrupted": ("spec.preemptibility.value", {"preemptibility": value("maybe")}),
    "a directory below nowhere": ("spec.workingDir.value", {"workingDir": value("work")}),
    "no pods at once": ("spec.parallelism.value", {"parallelism": value(0)}),
    "a crowd of pods": ("spec.parallelism.value", {"parallelism": value(PODS_AT_MOST + 1)}),
    "too much time to save": (
        "spec.terminationGracePeriodSeconds.value",
        {"terminationGracePeriodSeconds": value(301)},
    ),
    "a variable that is a number": (
        "spec.environment.items.A.value",
        {"environment": {"items": {"A": value(1)}}},
    ),
    "too many variables": (
        "spec.environment.items",
        {"environment": {"items": {f"V{n}": value("x") for n in range(spec_rules.VARIABLES_AT_MOST + 1)}}},
    ),
}


@pytest.mark.parametrize("case", BAD)
def test_what_cannot_be_run_is_refused_at_its_field(api: ClusterApi, case: str):
    field, spec = BAD[case]
    document = training(**spec)
    document["spec"] = {name: content for name, content in document["spec"].items() if content is not None}

    with pytest.raises(Invalid) as refused:
        create(api, document)

    assert refused.value.code == 422
    assert field in {cause.field for cause in refused.value.causes}


def test_what_stands_at_the_limits_is_accepted(api: ClusterApi):
    made = create(
        api,
        training(
            gpu=value(spec_rules.GPUS_AT_MOST),
            cpu=value(4),
            cpuLimit=value("4500m"),
            memory=value("1.5Gi"),
            memoryLimit=value("64e9"),
            nodePools=value([f"pool-{n}" for n in range(spec_rules.POOLS_AT_MOST)]),
            workingDir=value("/workspace"),
            environment={"items": {"EMPTY": value("")}},
            suspend=value(True),
            parallelism=value(PODS_AT_MOST),
        ),
    )

    assert made["spec"]["cpu"] == value(4)
    assert made["spec"]["environment"]["items"]["EMPTY"] == value("")


def test_fields_nobody_knows_are_dropped_or_refused_as_asked(api: ClusterApi):
    path = api.place("trainingworkloads", group="run.ai", version="v2alpha1")
    document = training(color=value("red"))

    strict = api.send("POST", f"{path}?fieldValidation=Strict", document)
    assert (strict.status, strict.reason) == (400, "BadRequest")
    assert 'unknown field "spec.color"' in strict.body["message"]

    dropped = api.send("POST", path, document)
    assert "color" not in dropped.body["spec"]


def test_the_status_is_written_apart_from_the_spec(api: ClusterApi):
    made = create(api, {**training(gpu=value(1)), "status": {"phase": "Running"}})
    assert "status" not in made
    patch = {"spec": {"gpu": value(2)}, "status": {"phase": "Running", "pods": "1/1", "nodePool": "h100"}}

    told = api.client.merge_patch(
        TRAINING_WORKLOADS, "one", patch, namespace=api.namespace, subresource="status"
    )
    assert (told["spec"]["gpu"], told["status"]["phase"]) == (value(1), "Running")
    assert told["metadata"]["generation"] == 1

    changed = api.client.merge_patch(
        TRAINING_WORKLOADS,
        "one",
        {"spec": {"gpu": value(2)}, "status": {"phase": "Failed"}},
        namespace=api.namespace,
    )
    assert (changed["spec"]["gpu"], changed["status"]["phase"]) == (value(2), "Running")
    assert changed["metadata"]["generation"] == 2


def test_a_condition_has_a_known_status(api: ClusterApi):
    create(api, training())
    patch = {"status": {"conditions": [{"type": "Running", "status": "Perhaps"}]}}

    with pytest.raises(Invalid) as refused:
        api.client.merge_patch(
            TRAINING_WORKLOADS, "one", patch, namespace=api.namespace, subresource="status"
        )
    assert "status.conditions[0].status" in {cause.field for cause in refused.value.causes}


def test_kubectls_table_shows_how_it_goes(api: ClusterApi):
    create(api, training(gpu=value(4), priorityClass=value("high")))
    status = {"phase": "Pending", "pods": "0/1", "nodePool": "h100", "message": "needs 4 GPUs"}
    api.client.merge_patch(
        TRAINING_WORKLOADS, "one", {"status": status}, namespace=api.namespace, subresource="status"
    )
    path = api.place("trainingworkloads", group="run.ai", version="v2alpha1")

    table = api.send("GET", path, accept=TABLE).body

    columns = [(one["name"], one["priority"]) for one in table["columnDefinitions"]]
    assert columns == [
        ("Name", 0),
        ("Phase", 0),
        ("GPUs", 0),
        ("Pods", 0),
        ("Pool", 0),
        ("Priority", 1),
        ("Image", 1),
        ("Message", 1),
        ("Age", 0),
    ]
    cells = table["rows"][0]["cells"]
    assert cells[:5] == ["one", "Pending", 4, "0/1", "h100"]
    assert cells[5:8] == ["high", "registry.example/train:1", "needs 4 GPUs"]


@pytest.mark.parametrize("kind", WORKLOAD_KINDS, ids=lambda kind: kind.plural)
def test_each_kind_has_a_short_name_and_is_one_of_runai(api: ClusterApi, kind: Kind):
    listed = api.send("GET", f"/apis/{kind.group}/{kind.version}").body["resources"]
    found = {one["name"]: one for one in listed}

    short = {one["spec"]["names"]["plural"]: one["spec"]["names"]["shortNames"] for one in definitions()}
    assert found[kind.plural]["shortNames"] == short[kind.plural]
    assert found[kind.plural]["categories"] == ["runai"]
    assert f"{kind.plural}/status" in found
    assert len({name for names in short.values() for name in names}) == len(short)
