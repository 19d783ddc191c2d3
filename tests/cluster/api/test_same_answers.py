"""The simulator answers as the real server does: status, headers for the user, and the whole document."""

import contextlib
import json
import secrets
from dataclasses import replace
from functools import partial

import pytest

from cluster.errors import NotFound
from cluster.kinds import NAMESPACES
from tests.cluster.api.comparing import differences
from tests.cluster.api.conversations import CONVERSATIONS, Step
from tests.cluster.conftest import with_namespace
from tests.cluster.servers import ClusterApi, Reply
from tests.cluster.waiting import eventually

pytestmark = pytest.mark.control_plane


@pytest.mark.parametrize("title", CONVERSATIONS)
def test_both_servers_say_the_same(title: str, simulator: ClusterApi, control_plane: ClusterApi) -> None:
    namespace = f"t-{secrets.token_hex(4)}"
    servers = (control_plane, simulator)
    for server in servers:
        with_namespace(server, namespace)
    try:
        found: list[str] = []
        for step in CONVERSATIONS[title]:
            if step.method in UNTIL:
                for server in servers:
                    assert eventually(partial(UNTIL[step.method], server, step, namespace), 60)
                continue
            real, simulated = (say(server, step, namespace) for server in servers)
            found += [f"{step}\n    {line}" for line in compared(real, simulated)]
        assert not found, "\n".join(["", *found])
    finally:
        for server in servers:
            forget(server, namespace)


def say(server: ClusterApi, step: Step, namespace: str) -> Reply:
    """Send one step, with the namespace's name put in."""
    text = step.body if isinstance(step.body, str) else None if step.body is None else json.dumps(step.body)
    body = text.replace("{ns}", namespace) if text is not None else None
    return server.send(step.method, step.path.replace("{ns}", namespace), body, step.media, **step.headers)


def is_served(server: ClusterApi, step: Step, namespace: str) -> bool:
    """The path answers several times in a row: the real server installs a new resource piece by piece."""
    return all(server.send("GET", step.path.replace("{ns}", namespace)).status == 200 for _ in range(5))


def is_refused(server: ClusterApi, step: Step, namespace: str) -> bool:
    """A creation is refused several times in a row: the real server takes a moment to hear of what has changed."""
    return all(say(server, replace(step, method="POST"), namespace).status >= 400 for _ in range(5))


def is_accepted(server: ClusterApi, step: Step, namespace: str) -> bool:
    """The same, the other way round."""
    return all(say(server, replace(step, method="POST"), namespace).status < 400 for _ in range(5))


UNTIL = {"WAIT": is_served, "REFUSED": is_refused, "ACCEPTED": is_accepted}
"""Not sent: the test waits until this is so."""


def compared(real: Reply, simulated: Reply) -> list[str]:
    lines = []
    if real.status != simulated.status:
        lines.append(f"status: real {real.status}, simulated {simulated.status}")
    if warnings_of(real) != warnings_of(simulated):
        lines.append(
            f"warning: real {real.headers.get('warning')}, simulated {simulated.headers.get('warning')}"
        )
    return lines + differences(real.body, simulated.body)


def warnings_of(reply: Reply) -> list[str]:
    """Without their order: rules are asked in that of Go's maps, which is another one each time."""
    return sorted(reply.headers.get("warning", "").removeprefix("299 - ").split(", 299 - "))


def forget(server: ClusterApi, namespace: str) -> None:
    with contextlib.suppress(NotFound):
        server.client.delete(NAMESPACES, namespace)
