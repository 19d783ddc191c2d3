"""Writers for benchmarks of an API server: plain connections, many at once, and the objects they send."""

import http.client
import json
import socket
import ssl
import threading
import time
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

WRITERS = 8


@dataclass
class Target:
    """Where the server is and how to get in."""

    port: int
    token: str
    authority: str

    def context(self) -> ssl.SSLContext:
        return ssl.create_default_context(cafile=self.authority)

    def connection(self) -> http.client.HTTPSConnection:
        made = http.client.HTTPSConnection("127.0.0.1", self.port, context=self.context(), timeout=60)
        made.connect()
        made.sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        return made

    def send(
        self,
        connection: http.client.HTTPSConnection,
        method: str,
        path: str,
        body: Any = None,
        media: str = "json",
    ) -> bytes:
        """One request; an answer other than success ends the benchmark."""
        headers = {
            "Authorization": f"Bearer {self.token}",
            "Content-Type": f"application/{media}",
            "User-Agent": "benchmark/1",
        }
        connection.request(method, path, json.dumps(body) if body is not None else None, headers)
        answer = connection.getresponse()
        content = answer.read()
        if answer.status >= 300:
            raise RuntimeError(f"{method} {path}: {answer.status} {content[:300]!r}")
        return content


def pod(number: int) -> dict[str, Any]:
    resources = {"requests": {"cpu": "4", "memory": "16Gi"}, "limits": {"nvidia.com/gpu": "1"}}
    container = {"name": "main", "image": "registry.example/train:1", "resources": resources}
    labels = {"runai/queue": "vision", "runai.io/workload-name": f"train-{number}"}
    spec = {"schedulerName": "runai-scheduler", "restartPolicy": "Never", "containers": [container]}
    return {
        "apiVersion": "v1",
        "kind": "Pod",
        "metadata": {"name": f"p{number}", "labels": labels},
        "spec": spec,
    }


def status(number: int) -> dict[str, Any]:
    stamp = time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime())
    conditions = [
        {"type": kind, "status": "True", "lastTransitionTime": stamp}
        for kind in ("Initialized", "Ready", "ContainersReady")
    ]
    state = {"running": {"startedAt": stamp}}
    container = {
        "name": "main",
        "ready": True,
        "restartCount": number % 7,
        "image": "x",
        "imageID": "y",
        "state": state,
    }
    return {
        "status": {
            "phase": "Running",
            "podIP": f"10.0.0.{number % 250}",
            "conditions": conditions,
            "containerStatuses": [container],
        }
    }


def spread(count: int, work: Callable[[http.client.HTTPSConnection, int], None], target: Target) -> float:
    """Do `work` for 0..count-1 over all writers; the seconds it took."""
    numbers = iter(range(count))
    lock = threading.Lock()
    failures: list[BaseException] = []

    def write() -> None:
        connection = target.connection()
        try:
            while True:
                with lock:
                    number = next(numbers, None)
                if number is None:
                    return
                work(connection, number)
        except (OSError, RuntimeError) as error:
            failures.append(error)
        finally:
            connection.close()

    threads = [threading.Thread(target=write) for _ in range(WRITERS)]
    begun = time.monotonic()
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    if failures:
        raise failures[0]
    return time.monotonic() - begun


def void(_: bytes) -> None:
    """The answer is not needed."""
