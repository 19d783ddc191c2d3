"""What a container finds in its environment, and what is said when something it needs is not there: the kubelet's order and words."""

import base64

import pytest
from hypothesis import given
from hypothesis import strategies as st

from cluster.simulator.kubelet.environment import Surroundings, environment_of, expanded, variables_of
from cluster.simulator.kubelet.references import (
    Contents,
    Lacking,
    Unread,
    contents_of,
    references_of,
    unmounted,
)

AROUND = Surroundings("10.64.0.2", "127.64.0.1", {"cpu": "31500m", "memory": "128Gi"})
SETTINGS = ("configmap", "settings")
KEYS = ("secret", "keys")
FINDINGS = {
    SETTINGS: Contents({"colour": "blue", "size": "5"}, frozenset({"colour", "size", "picture"})),
    KEYS: Contents({"token": "t0p"}, frozenset({"token"})),
}


def make_pod(*, env=(), env_from=(), volumes=(), **spec) -> dict:
    container = {"name": "main", "image": "i", "env": list(env), "envFrom": list(env_from)}
    return {
        "metadata": {
            "name": "p",
            "namespace": "n",
            "uid": "u-1",
            "labels": {"app": "x"},
            "annotations": {"a/b": "c"},
        },
        "spec": {
            "nodeName": "h1",
            "serviceAccountName": "default",
            "containers": [container],
            "volumes": list(volumes),
            **spec,
        },
    }


def variables(pod: dict, findings=FINDINGS) -> dict[str, str]:
    return variables_of(pod, pod["spec"]["containers"][0], AROUND, findings)


def key_of(field: str, name: str, key: str, **more) -> dict:
    return {"name": "V", "valueFrom": {field: {"name": name, "key": key, **more}}}


def test_env_stands_over_env_from_and_a_later_source_over_an_earlier_one():
    pod = make_pod(
        env_from=[
            {"configMapRef": {"name": "settings"}},
            {"prefix": "K_", "secretRef": {"name": "keys"}},
            {"prefix": "", "configMapRef": {"name": "more"}},
        ],
        env=[{"name": "size", "value": "$(size)x$(K_token)"}],
    )
    findings = FINDINGS | {("configmap", "more"): Contents({"colour": "red"})}

    # the value refers to what envFrom brought, before it replaces it
    assert variables(pod, findings) == {"colour": "red", "size": "5xt0p", "K_token": "t0p"}


def test_keys_of_config_maps_and_secrets_become_variables():
    assert variables(make_pod(env=[key_of("configMapKeyRef", "settings", "colour")])) == {"V": "blue"}
    assert variables(make_pod(env=[key_of("secretKeyRef", "keys", "token")])) == {"V": "t0p"}


@pytest.mark.parametrize(
    ("pod", "sentence"),
    [
        (make_pod(env=[key_of("configMapKeyRef", "x", "k")]), 'configmap "x" not found'),
        (make_pod(env=[key_of("secretKeyRef", "x", "k")]), 'secret "x" not found'),
        (make_pod(env_from=[{"configMapRef": {"name": "x"}}]), 'configmap "x" not found'),
        (make_pod(env_from=[{"secretRef": {"name": "x"}}]), 'secret "x" not found'),
        (
            make_pod(env=[key_of("configMapKeyRef", "settings", "k")]),
            "couldn't find key k in ConfigMap n/settings",
        ),
        (make_pod(env=[key_of("secretKeyRef", "keys", "k")]), "couldn't find key k in Secret n/keys"),
        (
            make_pod(env=[key_of("configMapKeyRef", "settings", "picture")]),
            "couldn't find key picture in ConfigMap n/settings",  # binary data are no variables
        ),
    ],
)
def test_what_is_missing_is_said_in_the_kubelets_words(pod, sentence):
    with pytest.raises(Lacking) as told:
        variables(pod)
    assert str(told.value) == sentence


def test_what_is_optional_is_left_out():
    pod = make_pod(
        env_from=[{"configMapRef": {"name": "x", "optional": True}}],
        env=[
            key_of("configMapKeyRef", "x", "k", optional=True),
            key_of("secretKeyRef", "keys", "k", optional=True),
        ],
    )
    assert variables(pod) == {}


def test_what_may_not_be_read_is_not_forgiven_as_optional():
    pod = make_pod(env_from=[{"secretRef": {"name": "keys", "optional": True}}])

    with pytest.raises(Lacking, match="forbidden"):
        variables(pod, {KEYS: Unread("secrets is forbidden")})


def test_fields_of_the_pod_and_of_its_node():
    def field(path: str) -> dict:
        return {"name": path, "valueFrom": {"fieldRef": {"fieldPath": path}}}

    wanted = {
        "metadata.name": "p",
        "metadata.namespace": "n",
        "metadata.uid": "u-1",
        "metadata.labels['app']": "x",
        "metadata.annotations['a/b']": "c",
        "metadata.labels['none']": "",
        "spec.nodeName": "h1",
        "spec.serviceAccountName": "default",
        "status.hostIP": "127.64.0.1",
        "status.podIP": "10.64.0.2",
        "status.podIPs": "10.64.0.2",
    }
    assert variables(make_pod(env=[field(path) for path in wanted])) == wanted


@pytest.mark.parametrize(
    ("resource", "divisor", "value"),
    [
        ("limits.cpu", None, "2"),  # 1500m, rounded up
        ("limits.cpu", "1m", "1500"),
        ("requests.cpu", "0", "0"),
        ("limits.memory", "1Mi", str(127 * 1024 + 1024)),  # the node's: the container has no limit
        ("requests.memory", "1Mi", "65"),  # 64.5Mi
        ("requests.ephemeral-storage", None, "0"),
    ],
)
def test_amounts_are_told_in_units_of_the_divisor(resource, divisor, value):
    told = {"resource": resource} | ({"divisor": divisor} if divisor else {})
    pod = make_pod(env=[{"name": "V", "valueFrom": {"resourceFieldRef": told}}])
    pod["spec"]["containers"][0]["resources"] = {
        "limits": {"cpu": "1500m"},
        "requests": {"memory": str(64 * 2**20 + 2**19)},
    }

    assert variables(pod) == {"V": value}


def test_amounts_of_another_container_and_of_the_pod_as_a_whole():
    def amount(**told) -> dict:
        return {"name": "V", "valueFrom": {"resourceFieldRef": told}}

    pod = make_pod(env=[amount(resource="limits.memory", containerName="other")])
    pod["spec"]["containers"].append({"name": "other", "resources": {"limits": {"memory": "3Gi"}}})
    assert variables(pod) == {"V": str(3 * 2**30)}

    whole = make_pod(env=[amount(resource="limits.cpu")], resources={"limits": {"cpu": "4"}})
    assert variables(whole) == {"V": "4"}


def test_the_runtimes_variables_stand_below_the_pods_own():
    pod = make_pod(env=[{"name": "PATH", "value": "/mine"}, {"name": "SEEN", "value": "$(HOSTNAME)"}])

    found = environment_of(pod, pod["spec"]["containers"][0], AROUND, FINDINGS)

    assert (found["PATH"], found["HOSTNAME"], found["HOME"]) == ("/mine", "p", "/root")
    assert found["SEEN"] == "$(HOSTNAME)"  # a value refers to what the pod sets, not to what the runtime does


@given(st.text(alphabet="$()AB ", max_size=20))
def test_a_text_without_known_names_only_loses_doubled_dollars(text):
    assert expanded(text, {}) == text.replace("$$", "$")


@given(st.dictionaries(st.from_regex(r"[a-z.-]{1,8}", fullmatch=True), st.text(max_size=9), max_size=4))
def test_a_secret_says_what_was_put_into_it(data):
    coded = {key: base64.b64encode(text.encode()).decode() for key, text in data.items()}

    assert contents_of({"kind": "Secret", "data": coded}) == Contents(data, frozenset(data))
    assert contents_of({"kind": "ConfigMap", "data": data}) == Contents(data, frozenset(data))


def test_contents_never_show_in_a_log():
    assert "t0p" not in repr(FINDINGS)


def volume(**source) -> dict:
    return {"name": "v", **source}


@pytest.mark.parametrize(
    ("source", "sentence"),
    [
        ({"configMap": {"name": "x"}}, 'configmap "x" not found'),
        ({"secret": {"secretName": "x"}}, 'secret "x" not found'),
        (
            {"configMap": {"name": "settings", "items": [{"key": "k", "path": "k"}]}},
            "configmap references non-existent config key: k",
        ),
        (
            {"secret": {"secretName": "keys", "items": [{"key": "k", "path": "k"}]}},
            "references non-existent secret key: k",
        ),
        ({"projected": {"sources": [{"secret": {"name": "x"}}]}}, 'secret "x" not found'),
        (
            {"projected": {"sources": [{"secret": {"name": "x"}}, {"configMap": {"name": "y"}}]}},
            '[secret "x" not found, configmap "y" not found]',
        ),
    ],
)
def test_a_volume_that_cannot_be_mounted_says_why(source, sentence):
    pod = make_pod(volumes=[volume(**source)])

    assert unmounted(pod, FINDINGS) == (f'MountVolume.SetUp failed for volume "v" : {sentence}',)


@pytest.mark.parametrize(
    "source",
    [
        {"configMap": {"name": "x", "optional": True}},
        {"secret": {"secretName": "keys", "optional": True, "items": [{"key": "k", "path": "k"}]}},
        {"configMap": {"name": "settings", "items": [{"key": "picture", "path": "k"}]}},
        {"projected": {"sources": [{"secret": {"name": "x", "optional": True}}, {"downwardAPI": {}}]}},
        {"emptyDir": {}},
        {"persistentVolumeClaim": {"claimName": "x"}},
    ],
)
def test_other_volumes_keep_nothing_back(source):
    assert unmounted(make_pod(volumes=[volume(**source)]), FINDINGS) == ()


def test_a_pod_refers_to_what_its_volumes_and_all_its_containers_name_and_to_nothing_else():
    pod = make_pod(
        env=[key_of("configMapKeyRef", "a", "k", optional=True), {"name": "X", "value": "y"}],
        env_from=[{"secretRef": {"name": "b"}}],
        volumes=[
            volume(configMap={"name": "c"}),
            volume(projected={"sources": [{"secret": {"name": "d"}}, {"serviceAccountToken": {}}]}),
        ],
        initContainers=[{"name": "first", "envFrom": [{"configMapRef": {"name": "e"}}]}],
    )

    assert references_of(pod) == {
        ("configmap", "a"),
        ("secret", "b"),
        ("configmap", "c"),
        ("secret", "d"),
        ("configmap", "e"),
    }
    assert references_of(make_pod()) == frozenset()
