"""Every verb of the client means the same on both servers."""

import pytest

from cluster.custom_resources import install_definitions
from cluster.errors import AlreadyExists, Conflict, Gone, Invalid, NotFound
from cluster.kinds import CONFIG_MAPS, NAMESPACES, NODES, PODS, Kind
from tests.cluster.suite.objects import config_map, pod, widget_definition
from tests.cluster.waiting import eventually

WIDGETS = Kind("test.run.ai", "v1", "widgets", "Widget")


def test_what_is_created_is_read_listed_and_deleted(client, namespace):
    made = client.create(CONFIG_MAPS, config_map("a", key="1"), namespace=namespace)

    assert client.get(CONFIG_MAPS, "a", namespace)["data"] == {"key": "1"}
    assert made["metadata"]["uid"]
    assert "a" in {item["metadata"]["name"] for item in client.list(CONFIG_MAPS, namespace).items}
    with pytest.raises(AlreadyExists):
        client.create(CONFIG_MAPS, config_map("a"), namespace=namespace)

    client.delete(CONFIG_MAPS, "a", namespace)
    with pytest.raises(NotFound):
        client.get(CONFIG_MAPS, "a", namespace)
    with pytest.raises(NotFound):
        client.delete(CONFIG_MAPS, "a", namespace)


def test_a_dry_run_leaves_nothing(client, namespace):
    client.create(CONFIG_MAPS, config_map("a"), namespace=namespace, dry_run=True)

    with pytest.raises(NotFound):
        client.get(CONFIG_MAPS, "a", namespace)


def test_selectors_choose(client, namespace):
    for name, label in (("a", "x"), ("b", "y"), ("c", "x")):
        client.create(
            CONFIG_MAPS,
            {**config_map(name), "metadata": {"name": name, "labels": {"kind": label}}},
            namespace=namespace,
        )

    def names(**selectors: str) -> set[str]:
        return {item["metadata"]["name"] for item in client.list(CONFIG_MAPS, namespace, **selectors).items}

    assert names(label_selector="kind=x") == {"a", "c"}
    assert names(label_selector="kind in (y)") == {"b"}
    assert names(label_selector="kind,kind!=x") == {"b"}
    assert names(field_selector="metadata.name=b") == {"b"}


def test_a_stale_replace_is_a_conflict(client, namespace):
    first = client.create(CONFIG_MAPS, config_map("a", key="1"), namespace=namespace)
    client.replace(CONFIG_MAPS, {**first, "data": {"key": "2"}})

    with pytest.raises(Conflict):
        client.replace(CONFIG_MAPS, {**first, "data": {"key": "3"}})
    assert client.get(CONFIG_MAPS, "a", namespace)["data"] == {"key": "2"}


def test_the_four_patches(client, namespace):
    client.create(CONFIG_MAPS, config_map("a", one="1", two="2"), namespace=namespace)

    merged = client.merge_patch(CONFIG_MAPS, "a", {"data": {"one": None, "three": "3"}}, namespace=namespace)
    assert merged["data"] == {"two": "2", "three": "3"}

    tested = [
        {"op": "test", "path": "/data/two", "value": "2"},
        {"op": "replace", "path": "/data/two", "value": "22"},
    ]
    assert client.json_patch(CONFIG_MAPS, "a", tested, namespace=namespace)["data"]["two"] == "22"
    with pytest.raises(Invalid):
        client.json_patch(CONFIG_MAPS, "a", tested, namespace=namespace)

    client.create(PODS, pod("p"), namespace=namespace)
    patch = {"spec": {"containers": [{"name": "main", "image": "example/image:2"}]}}
    changed = client.strategic_patch(PODS, "p", patch, namespace=namespace)
    assert changed["spec"]["containers"][0]["image"] == "example/image:2"
    assert changed["spec"]["containers"][0]["resources"]["requests"] == {"cpu": "100m"}

    applied = client.apply(
        CONFIG_MAPS,
        {"metadata": {"name": "b", "namespace": namespace}, "data": {"x": "1"}},
        field_manager="me",
    )
    assert applied["data"] == {"x": "1"}


def test_two_appliers_of_one_field_conflict_unless_forced(client, namespace):
    def document(value: str) -> dict:
        return {"metadata": {"name": "a", "namespace": namespace}, "data": {"x": value}}

    client.apply(CONFIG_MAPS, document("1"), field_manager="one")
    with pytest.raises(Conflict) as caught:
        client.apply(CONFIG_MAPS, document("2"), field_manager="two")
    assert any("x" in cause.field for cause in caught.value.causes)

    assert client.apply(CONFIG_MAPS, document("2"), field_manager="two", force=True)["data"] == {"x": "2"}


def test_what_an_applier_leaves_out_goes(client, namespace):
    both = {"metadata": {"name": "a", "namespace": namespace}, "data": {"x": "1", "y": "2"}}
    client.apply(CONFIG_MAPS, both, field_manager="one")

    left = client.apply(CONFIG_MAPS, {**both, "data": {"x": "1"}}, field_manager="one")

    assert left["data"] == {"x": "1"}


def test_a_uid_precondition_protects_a_namesake(client, namespace):
    old = client.create(CONFIG_MAPS, config_map("a"), namespace=namespace)
    client.delete(CONFIG_MAPS, "a", namespace)
    client.create(CONFIG_MAPS, config_map("a"), namespace=namespace)

    with pytest.raises(Conflict):
        client.delete(CONFIG_MAPS, "a", namespace, uid=old["metadata"]["uid"])
    client.get(CONFIG_MAPS, "a", namespace)


def test_an_invalid_object_names_its_fields(client, namespace):
    broken = pod("p")
    broken["spec"]["containers"][0]["resources"]["requests"]["cpu"] = "-1"
    broken["spec"]["restartPolicy"] = "Sometimes"

    with pytest.raises(Invalid) as caught:
        client.create(PODS, broken, namespace=namespace)

    fields = " ".join(cause.field for cause in caught.value.causes)
    assert "spec.restartPolicy" in fields


def test_a_name_that_is_none_is_refused(client, namespace):
    with pytest.raises(Invalid, match=r"metadata\.name"):
        client.create(CONFIG_MAPS, config_map("Not_A_Name"), namespace=namespace)


def test_generated_names_differ(client, namespace):
    document = {"apiVersion": "v1", "kind": "ConfigMap", "metadata": {"generateName": "gen-"}}

    names = {client.create(CONFIG_MAPS, document, namespace=namespace)["metadata"]["name"] for _ in range(3)}

    assert len(names) == 3
    assert all(name.startswith("gen-") for name in names)


def test_a_finalizer_holds_what_is_deleted(client, namespace):
    held = {**config_map("a"), "metadata": {"name": "a", "finalizers": ["test.run.ai/hold"]}}
    client.create(CONFIG_MAPS, held, namespace=namespace)
    client.delete(CONFIG_MAPS, "a", namespace)

    assert client.get(CONFIG_MAPS, "a", namespace)["metadata"]["deletionTimestamp"]
    client.merge_patch(CONFIG_MAPS, "a", {"metadata": {"finalizers": None}}, namespace=namespace)
    with pytest.raises(NotFound):
        client.get(CONFIG_MAPS, "a", namespace)


def test_a_collection_is_deleted_by_selector(client, namespace):
    for name, label in (("a", "x"), ("b", "y")):
        client.create(
            CONFIG_MAPS,
            {**config_map(name), "metadata": {"name": name, "labels": {"kind": label}}},
            namespace=namespace,
        )

    client.delete_collection(CONFIG_MAPS, namespace, label_selector="kind=x")

    left = {
        item["metadata"]["name"] for item in client.list(CONFIG_MAPS, namespace, label_selector="kind").items
    }
    assert left == {"b"}


def test_custom_resources_are_validated_defaulted_and_have_a_status_of_their_own(client, namespace):
    install_definitions(client, [widget_definition()])
    widget = {
        "apiVersion": "test.run.ai/v1",
        "kind": "Widget",
        "metadata": {"name": "w"},
        "spec": {"size": 3},
    }

    made = client.create(WIDGETS, {**widget, "status": {"phase": "ignored"}}, namespace=namespace)
    assert made["spec"]["colour"] == "blue"
    assert "status" not in made
    with pytest.raises(Invalid) as caught:
        client.create(
            WIDGETS, {**widget, "metadata": {"name": "x"}, "spec": {"size": 0}}, namespace=namespace
        )
    assert any(cause.field == "spec.size" for cause in caught.value.causes)

    patched = client.merge_patch(
        WIDGETS,
        "w",
        {"status": {"phase": "Ready"}, "spec": {"size": 9}},
        namespace=namespace,
        subresource="status",
    )
    assert (patched["status"]["phase"], patched["spec"]["size"]) == ("Ready", 3)
    assert patched["metadata"]["generation"] == 1


def test_a_binding_needs_the_right_pod_and_works_once(client, namespace):
    made = client.create(PODS, pod("p"), namespace=namespace)
    uid = made["metadata"]["uid"]

    with pytest.raises(Conflict):
        client.bind(namespace, "p", uid="00000000-0000-0000-0000-000000000000", node="cpu-1")
    client.bind(namespace, "p", uid=uid, node="cpu-1")
    with pytest.raises(Conflict):
        client.bind(namespace, "p", uid=uid, node="cpu-1")

    assert client.get(PODS, "p", namespace)["spec"]["nodeName"] == "cpu-1"


def test_a_namespace_takes_its_objects_with_it(client, server):
    client.create(NAMESPACES, {"apiVersion": "v1", "kind": "Namespace", "metadata": {"name": "goes"}})
    client.create(CONFIG_MAPS, config_map("a"), namespace="goes")
    client.delete(NAMESPACES, "goes")

    def gone() -> bool:
        try:
            client.get(NAMESPACES, "goes")
        except NotFound:
            return True
        return False

    assert eventually(gone, 60)
    with pytest.raises(NotFound):
        client.get(CONFIG_MAPS, "a", "goes")


def test_a_watch_shows_changes_in_order(client, namespace):
    version = client.list(CONFIG_MAPS, namespace, label_selector="seen=yes").resource_version
    labelled = {**config_map("a", n="1"), "metadata": {"name": "a", "labels": {"seen": "yes"}}}
    client.create(CONFIG_MAPS, labelled, namespace=namespace)
    client.merge_patch(CONFIG_MAPS, "a", {"data": {"n": "2"}}, namespace=namespace)
    client.delete(CONFIG_MAPS, "a", namespace)

    seen = []
    with client.watch(
        CONFIG_MAPS,
        namespace=namespace,
        resource_version=version,
        label_selector="seen=yes",
        timeout_seconds=20,
    ) as watch:
        for event in watch:
            if event.type != "BOOKMARK":
                seen.append((event.type, event.document["data"]["n"]))
            if len(seen) == 3:
                break

    assert seen == [("ADDED", "1"), ("MODIFIED", "2"), ("DELETED", "2")]


def test_an_object_that_leaves_the_selector_is_deleted_for_the_watch(client, namespace):
    labelled = {**config_map("a"), "metadata": {"name": "a", "labels": {"seen": "yes"}}}
    client.create(CONFIG_MAPS, labelled, namespace=namespace)
    version = client.list(CONFIG_MAPS, namespace, label_selector="seen=yes").resource_version
    client.merge_patch(CONFIG_MAPS, "a", {"metadata": {"labels": {"seen": "no"}}}, namespace=namespace)

    with client.watch(
        CONFIG_MAPS,
        namespace=namespace,
        resource_version=version,
        label_selector="seen=yes",
        timeout_seconds=20,
    ) as watch:
        first = next(event for event in watch if event.type != "BOOKMARK")

    assert first.type == "DELETED"


def test_a_watch_from_long_ago_is_gone_or_complete(client, server, namespace):
    """Version 1 is compacted on the simulator and unknown to a young etcd: both must say so or give everything."""
    try:
        with client.watch(NODES, resource_version="1", timeout_seconds=1) as watch:
            seen = {event.document["metadata"]["name"] for event in watch if event.type == "ADDED"}
    except Gone:
        return
    assert {"h100-1", "h100-2", "a100-1", "cpu-1"} <= seen


def test_the_version_is_the_one_that_is_pinned(client):
    from cluster.control_plane.building import version

    assert client.version() == version()
