"""What a pool's page says of its free GPUs."""

import pytest
from django.urls import reverse

from organization.free_gpus import figures_of, words_of
from organization.models import Cluster, ClusterState, NodePool

FREE = {"free": 42_000, "8000": 24_000, "4000": 36_000, "1000": 42_000, "500": 42_000}


def test_each_request_has_its_share_of_what_is_free() -> None:
    assert figures_of(FREE) == [
        {"label": "free GPUs", "value": "42"},
        {"label": "usable by 8-GPU requests", "value": "57 %"},
        {"label": "usable by 4-GPU requests", "value": "86 %"},
        {"label": "usable by 1-GPU requests", "value": "100 %"},
        {"label": "usable by half-GPU requests", "value": "100 %"},
    ]
    assert words_of(FREE) == "57 · 86 · 100 · 100 %"


def test_what_nobody_knows_is_not_nothing() -> None:
    assert figures_of({}) == [{"label": "free GPUs", "value": "unknown"}]
    assert words_of({}) == "unknown"


def test_of_nothing_there_is_no_share() -> None:
    full = dict.fromkeys(FREE, 0)
    assert [figure["value"] for figure in figures_of(full)] == ["0", "–", "–", "–", "–"]
    assert words_of(full) == "none free"


@pytest.mark.django_db
def test_the_page_of_a_pool_offers_three_strategies_and_shows_its_fragmentation(client, acme, root) -> None:
    pool = acme.cluster.node_pools.get(name="h100")
    NodePool.objects.filter(pk=pool.pk).update(free_gpus=FREE)
    client.force_login(root)
    page = client.get(reverse("organization:edit_node_pool", args=(pool.pk,))).content.decode()
    for strategy in ("binpack", "spread", "fragmentation"):
        assert f'name="gpu_placement" value="{strategy}"' in page
    assert 'name="cpu_placement" value="fragmentation"' not in page
    assert "Keeps free GPUs usable for what this pool is usually asked for" in page
    assert "57 %" in page
    listed = client.get(reverse("organization:node_pools")).content.decode()
    assert "57 · 86 · 100 · 100 %" in listed
    assert "unknown" in listed  # the pools nobody has looked at


@pytest.mark.django_db
@pytest.mark.parametrize("state", [ClusterState.DISCONNECTED, ClusterState.WAITING])
def test_what_a_cluster_said_before_it_fell_silent_is_not_shown_as_now(client, acme, root, state) -> None:
    pool = acme.cluster.node_pools.get(name="h100")
    NodePool.objects.filter(pk=pool.pk).update(free_gpus=FREE)
    Cluster.objects.update(state=state)
    client.force_login(root)
    page = client.get(reverse("organization:edit_node_pool", args=(pool.pk,))).content.decode()
    listed = client.get(reverse("organization:node_pools")).content.decode()
    told = client.get(f"/api/v1/node-pools/{pool.pk}").json()["status"]
    assert "57 %" not in page
    assert "unknown" in page
    assert "57 ·" not in listed
    assert told["freeGpus"] is None
    assert set(told["usableFreeGpus"].values()) == {None}


@pytest.mark.django_db
def test_a_pool_is_made_fragmentation_aware_on_its_page(client, acme, root) -> None:
    pool = acme.cluster.node_pools.get(name="h100")
    client.force_login(root)
    form = {
        "label_key": pool.label_key,
        "label_value": pool.label_value,
        "gpu_placement": "fragmentation",
        "cpu_placement": "binpack",
        "min_runtime_seconds": "0",
        "usage_weight": "1",
        "usage_window_hours": "168",
        "usage_half_life_hours": "0",
    }
    address = reverse("organization:edit_node_pool", args=(pool.pk,))
    assert client.post(address, form).status_code == 302
    pool.refresh_from_db()
    assert pool.gpu_placement == "fragmentation"
    refused = client.post(address, form | {"cpu_placement": "fragmentation"})
    assert refused.status_code == 422
    assert "is not one of the available choices" in refused.content.decode()
