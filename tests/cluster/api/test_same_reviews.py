"""Webhooks are asked the same by both servers: the reviews of one conversation, compared as answers are."""

import secrets
from collections.abc import Iterator
from typing import Any

import pytest

from tests.cluster.api.comparing import differences
from tests.cluster.api.steps import (
    APPLY,
    BINDING,
    CORE,
    DEPLOYMENTS,
    JOB,
    JOBS,
    MERGE,
    POD,
    Step,
    config_map,
    delete,
    deployment,
    patch,
    post,
    put,
)
from tests.cluster.api.test_same_answers import forget, say
from tests.cluster.conftest import with_namespace
from tests.cluster.servers import ClusterApi
from tests.cluster.suite.test_webhooks import MUTATING, VALIDATING
from tests.cluster.waiting import eventually
from tests.cluster.webhook_server import WebhookServer, configuration, hook

pytestmark = pytest.mark.control_plane

EVICTION = {"apiVersion": "policy/v1", "kind": "Eviction", "metadata": {"name": "p"}}
STEPS: list[Step] = [
    post(f"{CORE}/configmaps?fieldManager=me&fieldValidation=Strict", config_map("a", {"k": "1"})),
    post(f"{CORE}/configmaps?dryRun=All", config_map("dry")),
    patch(f"{CORE}/configmaps/a", {"data": {"k": "2"}}, MERGE),
    patch(f"{CORE}/configmaps/b?fieldManager=me&force=true", config_map("b", {"k": "1"}), APPLY),
    patch(f"{CORE}/configmaps/b?fieldManager=me", config_map("b", {"k": "2"}), APPLY),
    delete(f"{CORE}/configmaps/a", {"propagationPolicy": "Background"}),
    delete(f"{CORE}/configmaps?fieldSelector=metadata.name=b"),
    post(f"{CORE}/pods", POD),
    post(f"{CORE}/pods/p/binding", BINDING),
    patch(f"{CORE}/pods/p/status", {"status": {"phase": "Running"}}, MERGE),
    post(f"{CORE}/pods/p/eviction", EVICTION),
    post(DEPLOYMENTS, deployment()),
    put(
        f"{DEPLOYMENTS}/web/scale",
        {"metadata": {"name": "web", "namespace": "{ns}"}, "spec": {"replicas": 3}},
    ),
    post(JOBS, JOB),
    delete(f"{JOBS}/j?propagationPolicy=Foreground"),
    patch("/api/v1/namespaces/{ns}", {"metadata": {"labels": {"extra": "yes"}}}, MERGE),
]
REVIEWED = {
    ("/pods ", ".object.status.phase"): "a new pod has no phase yet; here it has its first one",
    ("/jobs ", ".object.metadata.labels"): "the real server copies the template's labels when it reads a Job",
}
"""(end of the step, path): why it may differ."""


@pytest.fixture(scope="module")
def webhooks(tmp_path_factory: pytest.TempPathFactory) -> Iterator[WebhookServer]:
    with WebhookServer(tmp_path_factory.mktemp("webhooks")).running() as server:
        yield server


def test_both_servers_ask_the_same(
    simulator: ClusterApi, control_plane: ClusterApi, webhooks: WebhookServer
) -> None:
    namespace = f"t-{secrets.token_hex(4)}"
    heard = {server.name: reviews(server, webhooks, namespace) for server in (control_plane, simulator)}

    found: list[str] = []
    for path in ("mutate", "judge"):
        real, simulated = (heard[server.name][path] for server in (control_plane, simulator))
        for index, step in enumerate(STEPS):
            for one, other in zip(real[index], simulated[index], strict=False):
                found += [f"{path}: {step}\n    {line}" for line in told(step, one, other)]
            if len(real[index]) != len(simulated[index]):
                found.append(f"{path}: {step}: asked {len(real[index])} and {len(simulated[index])} times")
    assert not found, "\n".join(["", *found])


def told(step: Step, real: dict[str, Any], simulated: dict[str, Any]) -> list[str]:
    """What differs and has not been reviewed; a line begins with its path."""
    lines = differences(real, simulated)
    known = {path for place, path in REVIEWED if f"{step} ".endswith(place)}
    return [line for line in lines if line.partition(":")[0] not in known]


def reviews(
    server: ClusterApi, webhooks: WebhookServer, namespace: str
) -> dict[str, list[list[dict[str, Any]]]]:
    """What each webhook was asked, by step."""
    with_namespace(server, namespace)
    selected = {"matchLabels": {"kubernetes.io/metadata.name": namespace}}
    rules = [{"apiGroups": ["*"], "apiVersions": ["*"], "resources": ["*/*"], "operations": ["*"]}]
    made = []
    for kind, word, path in ((MUTATING, "Mutating", "mutate"), (VALIDATING, "Validating", "judge")):
        place = f"/{server.name}/{path}"
        webhooks.answer(place)
        one = hook(path, webhooks.client_config(place), rules=rules, namespaceSelector=selected)
        name = f"{path}-{namespace}"
        server.client.create(kind, configuration(word, name, one))
        made.append((kind, name))
    probe = config_map("probe")
    heard: dict[str, list[list[dict[str, Any]]]] = {"mutate": [], "judge": []}
    try:
        for path in heard:
            assert eventually(lambda path=path: is_asked(server, webhooks, path, probe), 30)
        for step in STEPS:
            for path in heard:
                webhooks.asked[f"/{server.name}/{path}"].clear()
            say(server, step, namespace)
            for path, listed in heard.items():
                listed.append(last_of_each(webhooks.asked[f"/{server.name}/{path}"]))
    finally:
        for kind, name in made:
            server.client.delete(kind, name)
        forget(server, namespace)
    return heard


def last_of_each(asked: list[dict[str, Any]]) -> list[dict[str, Any]]:
    """Without the ones before it that asked the same: the real server begins a change with the object its cache has, and asks
    again if that was out of date.
    """
    kept = {}
    for request in asked:
        what = tuple(str(request.get(key)) for key in ("operation", "resource", "subResource", "name"))
        kept[what] = {key: value for key, value in request.items() if key != "uid"}
    return list(kept.values())


def is_asked(server: ClusterApi, webhooks: WebhookServer, path: str, probe: dict[str, Any]) -> bool:
    server.send("POST", server.place("configmaps") + "?dryRun=All", probe)
    return bool(webhooks.asked[f"/{server.name}/{path}"])
