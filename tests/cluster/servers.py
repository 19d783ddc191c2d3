"""API servers for tests: the simulator in a thread of this process, and a real control plane beside it."""

import json
import ssl
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import httpx
import yaml

from cluster.client import ClusterClient
from cluster.control_plane.running import free_ports
from cluster.simulator.running import ServerSettings, SimulatedServer

START_SECONDS = 30


@dataclass
class Reply:
    """An answer as it came."""

    status: int
    body: Any
    headers: httpx.Headers

    @property
    def reason(self) -> str:
        return str(self.body.get("reason", "")) if isinstance(self.body, dict) else ""


class ClusterApi:
    """One server for tests: the product's client, and plain requests for what that client would never send."""

    def __init__(self, name: str, kubeconfig: Path) -> None:
        self.name = name
        self.kubeconfig = kubeconfig
        self.namespace = ""
        self.client = ClusterClient.connect(kubeconfig, user_agent="tester/1")
        config = yaml.safe_load(kubeconfig.read_text())
        self.http = plain_client(config, user_agent="tester/1")

    def send(
        self, method: str, path: str, body: Any = None, media: str = "application/json", **headers: str
    ) -> Reply:
        """One request; a body that is not text or bytes is sent as JSON."""
        content = body if isinstance(body, bytes | str) or body is None else json.dumps(body)
        sent = {"content-type": media} if body is not None else {}
        answer = self.http.request(
            method, path, content=content, headers=sent | {k.replace("_", "-"): v for k, v in headers.items()}
        )
        try:
            read = answer.json()
        except ValueError:
            read = answer.text
        return Reply(answer.status_code, read, answer.headers)

    def place(self, plural: str, name: str = "", *, group: str = "", version: str = "v1") -> str:
        """The path of a collection, or of one object, in the test's namespace."""
        root = f"/apis/{group}/{version}" if group else f"/api/{version}"
        return f"{root}/namespaces/{self.namespace}/{plural}" + (f"/{name}" if name else "")

    def lines(self, path: str, *, most: int = 1000) -> list[dict[str, Any]]:
        """The events of a watch that ends by itself, at most so many."""
        found: list[dict[str, Any]] = []
        with self.http.stream("GET", path) as answer:
            for line in answer.iter_lines():
                found.append(json.loads(line))
                if len(found) >= most:
                    break
        return found

    def close(self) -> None:
        self.client.close()
        self.http.close()


def plain_client(config: dict[str, Any], user_agent: str, token: str | None = None) -> httpx.Client:
    """HTTP with the CA and the token of a kubeconfig, or another token ("" for none)."""
    import base64

    cluster, user = config["clusters"][0]["cluster"], config["users"][0]["user"]
    context = ssl.create_default_context(
        cadata=base64.b64decode(cluster["certificate-authority-data"]).decode()
    )
    used = user["token"] if token is None else token
    headers = {"user-agent": user_agent} | ({"authorization": f"Bearer {used}"} if used else {})
    return httpx.Client(
        base_url=cluster["server"], verify=context, headers=headers, timeout=30, trust_env=False
    )


@contextmanager
def served(
    folder: Path, *, history_length: int = 10_000, port: int | None = None
) -> Iterator[SimulatedServer]:
    """A simulated API server without nodes and controllers; its kubeconfig is `folder/kubeconfig`."""
    settings = ServerSettings(port or free_ports(1)[0], folder, folder / "kubeconfig", history_length)
    server = SimulatedServer(settings)
    ready = threading.Event()
    thread = threading.Thread(
        target=lambda: server.run(on_ready=ready.set), name="simulated server", daemon=True
    )
    thread.start()
    if not ready.wait(START_SECONDS):
        raise TimeoutError(f"the simulated server did not start within {START_SECONDS} s")
    try:
        yield server
    finally:
        server.stop()
        thread.join(START_SECONDS)
