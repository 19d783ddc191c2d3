"""What may be asked for, and that nothing is lost on the way to the cluster and back."""

import json
from datetime import UTC, datetime
from typing import Any

import jsonschema
import pytest
from hypothesis import given
from hypothesis import strategies as st

from access.errors import InvalidInput
from cluster.documents import owner_reference
from cluster.kinds import TRAINING_WORKLOADS
from tests.workloads.factories import IMAGE
from workloads.custom_resources import Identity, identity_of, spec_of, to_custom_resource
from workloads.definitions import definitions
from workloads.kinds import KINDS
from workloads.manifests import Order
from workloads.priorities import BY_NAME, Preemptibility
from workloads.spec import WorkloadSpec, quantity_text

TRAINING = KINDS["training"]
IDENTITY = Identity(
    workload_id="5c3f8f3e-0000-4000-8000-000000000001",
    name="train-1",
    namespace="runai-vision",
    project="vision",
    project_id="7",
    department_id="3",
    tenant_id="1",
    cluster_id="5c3f8f3e-0000-4000-8000-000000000002",
    submitted_by="ada@acme.test",
    created=datetime(2030, 1, 1, 12, 0, 0, 123456, tzinfo=UTC),
)
keys = st.from_regex(r"[A-Z_][A-Z0-9_]{0,20}", fullmatch=True)
texts = st.text(st.characters(blacklist_categories=("Cs", "Cc")), max_size=60)
words = st.from_regex(r"[a-zA-Z0-9./=-]{1,12}( [a-zA-Z0-9./=-]{1,12}){0,3}", fullmatch=True)


@st.composite
def submissions(draw: st.DrawFn) -> dict[str, Any]:
    """Specs that keep every rule."""
    gpus = draw(st.integers(0, 128))
    parallelism = draw(st.integers(1, 20))
    environment = draw(
        st.dictionaries(keys.filter(lambda k: not k.startswith(("RUNAI", "NODE_NAME"))), texts, max_size=4)
    )
    optional = {
        "command": draw(st.none() | words),
        "args": draw(st.none() | words),
        "completions": draw(st.none() | st.integers(parallelism, 50)),
        "autoDeletionTimeAfterCompletionSeconds": draw(st.none() | st.integers(0, 10**6)),
        "preemptibility": draw(st.none() | st.sampled_from(list(Preemptibility))),
    }
    return {
        "image": IMAGE,
        "compute": {
            "gpuDevicesRequest": gpus,
            "cpuCoreRequest": draw(st.integers(1, 256_000)) / 1000,
            "cpuMemoryRequest": quantity_text(draw(st.integers(1, 2**41))),
        },
        "environmentVariables": [{"name": name, "value": value} for name, value in environment.items()],
        "nodePools": draw(st.lists(st.sampled_from(["h100", "a100", "default"]), unique=True, max_size=3)),
        "priorityClass": draw(st.sampled_from(sorted(BY_NAME))),
        "terminationGracePeriodSeconds": draw(st.integers(0, 300)),
        "backoffLimit": draw(st.integers(1, 100)),
        "parallelism": parallelism,
        "annotations": [{"name": "simulator/run-seconds", "value": "60"}],
    } | {name: value for name, value in optional.items() if value is not None}


def read(data: object, name: str = "train-1") -> WorkloadSpec:
    return WorkloadSpec.from_json(name, data, TRAINING)


def problems(data: object, name: str = "train-1") -> dict[str, list[str]]:
    with pytest.raises(InvalidInput) as refused:
        read(data, name)
    return refused.value.errors


@given(submissions())
def test_a_spec_survives_json(data: dict[str, Any]) -> None:
    spec = read(data)

    assert read(json.loads(json.dumps(spec.to_json()))) == spec


@given(submissions(), st.booleans(), st.integers(1, 5))
def test_a_spec_survives_the_custom_resource(data: dict[str, Any], suspend: bool, attempt: int) -> None:
    spec = read(data)
    resource = to_custom_resource(spec, IDENTITY, TRAINING, suspend=suspend, attempt=attempt)
    resource = json.loads(json.dumps(resource))

    assert spec_of(resource, TRAINING) == spec
    assert identity_of(resource) == IDENTITY


@given(submissions())
def test_custom_resources_keep_their_own_schema(data: dict[str, Any]) -> None:
    resource = to_custom_resource(read(data), IDENTITY, TRAINING)

    jsonschema.validate(resource["spec"], SPEC_SCHEMA)
    assert set(resource["spec"]) <= set(SPEC_SCHEMA["properties"])  # the API server would drop the others


@given(submissions())
def test_a_job_asks_for_exactly_what_was_submitted(data: dict[str, Any]) -> None:
    spec = read(data)
    owner = owner_reference(
        {
            "apiVersion": "run.ai/v2alpha1",
            "kind": "TrainingWorkload",
            "metadata": {"name": "train-1", "uid": "u"},
        }
    )
    (child,) = TRAINING.children(Order(spec, IDENTITY, owner))
    template = child.document["spec"]["template"]
    container = template["spec"]["containers"][0]

    assert container["resources"]["requests"].get("nvidia.com/gpu", "0") == str(spec.resources.gpu.devices)
    assert container["resources"]["requests"]["cpu"] == f"{spec.resources.cpu_milli}m"
    assert template["metadata"]["labels"]["runai/queue"] == "vision"
    assert all(len(value) <= 63 for value in template["metadata"]["labels"].values())
    names = [variable["name"] for variable in container["env"]]
    assert len(names) == len(set(names))
    assert child.document["spec"]["completions"] >= child.document["spec"]["parallelism"]


@given(
    st.recursive(
        st.none() | st.booleans() | st.integers() | st.floats() | texts,
        lambda inner: (
            st.lists(inner, max_size=3)
            | st.dictionaries(
                st.sampled_from(
                    [
                        "image",
                        "compute",
                        "labels",
                        "parallelism",
                        "nodePools",
                        "gpuDevicesRequest",
                        "name",
                        "value",
                        "environmentVariables",
                    ]
                ),
                inner,
                max_size=4,
            )
        ),
        max_leaves=12,
    )
)
def test_any_json_is_read_or_refused_with_sentences(data: Any) -> None:
    errors: dict[str, list[str]] = {}
    try:
        read(data)
    except InvalidInput as error:
        errors = error.errors or {"": []}

    assert all(sentences and all(s.endswith((".", ")")) for s in sentences) for sentences in errors.values())


@pytest.mark.parametrize(
    ("fields", "path", "words_in_it"),
    [
        ({"compute": {"gpuDevicesRequest": 129}}, "compute.gpuDevicesRequest", "Between 0 and 128"),
        ({"compute": {"gpuDevicesRequest": 1.5}}, "compute.gpuDevicesRequest", "whole number"),
        ({"compute": {"gpuPortionRequest": 0.5}}, "compute.gpuRequestType", "whole GPUs"),
        ({"compute": {"cpuCoreRequest": 0}}, "compute.cpuCoreRequest", "more than 0"),
        ({"compute": {"cpuCoreRequest": 0.0005}}, "compute.cpuCoreRequest", "three decimals"),
        ({"compute": {"cpuCoreRequest": 2, "cpuCoreLimit": 1}}, "compute.cpuCoreLimit", "below the request"),
        ({"compute": {"cpuMemoryRequest": "100Ti"}}, "compute.cpuMemoryRequest", "64 TiB"),
        ({"args": "'open"}, "args", "split into words"),
        (
            {"environmentVariables": [{"name": "RUNAI_PROJECT", "value": "x"}]},
            "environmentVariables.0.name",
            "set by the product",
        ),
        ({"labels": [{"name": "runai/queue", "value": "speech"}]}, "labels.0.name", "set by the product"),
        ({"labels": [{"name": "runai-gpu-group/g1", "value": "g1"}]}, "labels.0.name", "set by the product"),
        (
            {"annotations": [{"name": "received-resource-type", "value": "Fraction"}]},
            "annotations.0.name",
            "set by the product",
        ),
        (
            {"environmentVariables": [{"name": "NVIDIA_VISIBLE_DEVICES", "value": "all"}]},
            "environmentVariables.0.name",
            "set by the product",
        ),
        (
            {"annotations": [{"name": "gpu-fraction", "value": "0.5"}]},
            "annotations.0.name",
            "set by the product",
        ),
        ({"labels": [{"name": "team", "value": "a b"}]}, "labels.0.value", "63"),
        ({"nodePools": ["a", "a"]}, "nodePools", "twice"),
        ({"backoffLimit": 0}, "backoffLimit", "Between 1 and 100"),
        ({"terminationGracePeriodSeconds": 301}, "terminationGracePeriodSeconds", "Between 0 and 300"),
        ({"priorityClass": "urgent"}, "priorityClass", "choose one of"),
        ({"workingDir": "home"}, "workingDir", "absolute"),
        ({"parallelism": 3, "completions": 2}, "parallelism", "Not more at once"),
    ],
)
def test_each_rule_names_its_field_and_its_limit(fields: dict[str, Any], path: str, words_in_it: str) -> None:
    errors = problems({"image": IMAGE} | fields)

    assert list(errors) == [path]
    assert words_in_it in errors[path][0]


@pytest.mark.parametrize("name", ["", "A", "1a", "a_b", "a-", "a" * 64, "ä"])
def test_a_name_must_be_one_of_kubernetes(name: str) -> None:
    assert "name" in problems({"image": IMAGE}, name)


def test_nothing_asked_for_is_the_standard_share_of_each_gpu() -> None:
    spec = read({"image": IMAGE, "compute": {"gpuDevicesRequest": 4}})

    assert (spec.resources.cpu_milli, spec.resources.memory_bytes) == (400, 400 * 2**20)


def test_a_whole_portion_is_a_whole_gpu() -> None:
    asked = {"gpuDevicesRequest": 1, "gpuRequestType": "portion", "gpuPortionRequest": 1.0}

    assert read({"image": IMAGE, "compute": asked}).resources.gpu.milli == 1000


@pytest.mark.parametrize(
    ("priority", "expected"),
    [
        ("low", "preemptible"),
        ("build", "non-preemptible"),
        ("medium-high", "preemptible"),
        ("high", "non-preemptible"),
    ],
)
def test_without_a_word_preemptibility_follows_the_priority(priority: str, expected: str) -> None:
    assert read({"image": IMAGE, "priorityClass": priority}).preemptibility == expected


def test_a_pod_for_several_pools_carries_no_pool_label() -> None:
    owner = owner_reference(
        {"apiVersion": "run.ai/v2alpha1", "kind": "TrainingWorkload", "metadata": {"name": "t", "uid": "u"}}
    )
    (child,) = TRAINING.children(
        Order(read({"image": IMAGE, "nodePools": ["h100", "a100"]}), IDENTITY, owner)
    )
    metadata = child.document["spec"]["template"]["metadata"]

    assert "kai.scheduler/node-pool" not in metadata["labels"]
    assert metadata["annotations"]["runai.io/node-pools"] == "h100,a100"


def test_a_pod_without_gpus_sees_none() -> None:
    owner = owner_reference(
        {"apiVersion": "run.ai/v2alpha1", "kind": "TrainingWorkload", "metadata": {"name": "t", "uid": "u"}}
    )
    (child,) = TRAINING.children(Order(read({"image": IMAGE}), IDENTITY, owner))
    container = child.document["spec"]["template"]["spec"]["containers"][0]

    assert {"name": "NVIDIA_VISIBLE_DEVICES", "value": "void"} in container["env"]
    assert "nvidia.com/gpu" not in container["resources"]["requests"]


def _schema() -> dict[str, Any]:
    """The training's structural schema as plain JSON schema; int-or-string spelt out."""
    definition = next(d for d in definitions() if d["spec"]["names"]["kind"] == TRAINING_WORKLOADS.kind)
    schema = definition["spec"]["versions"][0]["schema"]["openAPIV3Schema"]["properties"]["spec"]
    text = json.dumps(schema).replace('"x-kubernetes-int-or-string": true', '"type": ["integer", "string"]')
    found: dict[str, Any] = json.loads(text)
    return found


SPEC_SCHEMA = _schema()
