"""What the simulated API server takes: `python -m tests.benchmarks.simulator [--nodes 1000 --pods 10000 --check]`.

The server, the watchers and the writers are processes of their own, as in life. A latency runs from the moment a writer sends a status
to the moment a watcher has read the change.
"""

import argparse
import http.client
import json
import multiprocessing
import selectors
import socket
import ssl
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from multiprocessing.synchronize import Event
from pathlib import Path
from typing import Any

import psutil
import yaml

from cluster.control_plane.running import free_ports
from cluster.simulator.running import ServerSettings, SimulatedServer
from cluster.simulator.shapes import wanted_nodes
from tests.benchmarks.api_load import Target, pod, spread, status, void

NAMESPACE = "default"
WATCHERS = 10
BURST = 1000
WANTED_RATE = 300.0
WANTED_P99_SECONDS = 1.0
VERSION_MARK = b'"resourceVersion":"'


def serve(folder: str, port: int) -> None:
    """The server's process."""
    SimulatedServer(ServerSettings(port, Path(folder), Path(folder) / "kubeconfig")).run()


@contextmanager
def server(folder: Path, port: int) -> Iterator[tuple[Target, psutil.Process, float]]:
    """A running server, its process, and the seconds until its first answer."""
    process = multiprocessing.get_context("spawn").Process(target=serve, args=(str(folder), port))
    begun = time.monotonic()
    process.start()
    try:
        while True:
            try:
                socket.create_connection(("127.0.0.1", port), 1).close()
                break
            except OSError:
                time.sleep(0.02)
        took = time.monotonic() - begun
        user = yaml.safe_load((folder / "kubeconfig").read_text())["users"][0]["user"]
        yield Target(port, user["token"], str(folder / "ca.crt")), psutil.Process(process.pid), took
    finally:
        process.terminate()
        process.join(20)


def watch(
    target: Target, ready: Event, stop: Event, found: "multiprocessing.Queue[dict[int, list[float]]]"
) -> None:
    """The watchers' process: the moments at which each version was read, by version."""
    seen: dict[int, list[float]] = {}
    chooser = selectors.DefaultSelector()
    rests: dict[ssl.SSLSocket, bytes] = {}
    path = f"/api/v1/namespaces/{NAMESPACE}/pods"
    version = json.loads(target.send(target.connection(), "GET", path + "?limit=1"))["metadata"][
        "resourceVersion"
    ]
    for _ in range(WATCHERS):
        plain = socket.create_connection(("127.0.0.1", target.port))
        secured = target.context().wrap_socket(plain, server_hostname="127.0.0.1")
        request = f"GET {path}?watch=1&resourceVersion={version} HTTP/1.1\r\nHost: x\r\nAuthorization: Bearer {target.token}\r\n\r\n"
        secured.sendall(request.encode())
        secured.recv(65536)
        secured.setblocking(False)
        rests[secured] = b""
        chooser.register(secured, selectors.EVENT_READ)
    ready.set()
    while not stop.is_set():
        for key, _ in chooser.select(0.2):
            _read_changes(key.fileobj, rests, seen)
    found.put(seen)


def _read_changes(secured: Any, rests: dict[ssl.SSLSocket, bytes], seen: dict[int, list[float]]) -> None:
    """Note the version of each whole line; versions stand in the first part of an object."""
    parts = [rests[secured]]
    try:
        while chunk := secured.recv(1 << 20):
            parts.append(chunk)
    except (ssl.SSLWantReadError, BlockingIOError):
        pass
    moment = time.monotonic()
    *lines, rests[secured] = b"".join(parts).split(b"}\n")
    for line in lines:
        place = line.rfind(VERSION_MARK)
        if place >= 0:
            begin = place + len(VERSION_MARK)
            seen.setdefault(int(line[begin : line.index(b'"', begin)]), []).append(moment)


def fill(target: Target, nodes: int, pods: int) -> None:
    documents = wanted_nodes({"h100": nodes})
    path = f"/api/v1/namespaces/{NAMESPACE}/pods"
    took = spread(
        nodes,
        lambda connection, n: void(target.send(connection, "POST", "/api/v1/nodes", documents[n])),
        target,
    )
    print(f"created  {nodes:6d} nodes of 8 GPUs   {nodes / took:7.0f}/s")
    took = spread(pods, lambda connection, n: void(target.send(connection, "POST", path, pod(n))), target)
    print(f"created  {pods:6d} pods              {pods / took:7.0f}/s")


def write_status(
    target: Target, sent: dict[int, float]
) -> Callable[[http.client.HTTPSConnection, int], None]:
    """Patches a pod's status and notes under the new version when it was sent."""

    def work(connection: http.client.HTTPSConnection, number: int) -> None:
        moment = time.monotonic()
        path = f"/api/v1/namespaces/{NAMESPACE}/pods/p{number}/status"
        answer = target.send(connection, "PATCH", path, status(number), "merge-patch+json")
        place = answer.rfind(VERSION_MARK) + len(VERSION_MARK)
        sent[int(answer[place : answer.index(b'"', place)])] = moment

    return work


def paced(
    work: Callable[[http.client.HTTPSConnection, int], None], rate: float, pods: int
) -> Callable[[http.client.HTTPSConnection, int], None]:
    """The same work, each piece not before its turn at `rate` a second."""
    begun = time.monotonic()

    def timed(connection: http.client.HTTPSConnection, number: int) -> None:
        time.sleep(max(0.0, begun + number / rate - time.monotonic()))
        work(connection, number % pods)

    return timed


def percentile(values: list[float], share: float) -> float:
    ordered = sorted(values)
    return ordered[min(int(len(ordered) * share), len(ordered) - 1)]


def latencies(sent: dict[int, float], seen: dict[int, list[float]]) -> list[float]:
    """One for each watcher of each write. Raises RuntimeError when a watcher missed one."""
    missing = [version for version in sent if len(seen.get(version, [])) != WATCHERS]
    if missing:
        raise RuntimeError(f"{len(missing)} of {len(sent)} writes did not reach every watcher")
    return [moment - begun for version, begun in sent.items() for moment in seen[version]]


def measure(target: Target, process: psutil.Process, pods: int, seconds: int) -> tuple[float, float, float]:
    """(p99 of the burst, writes a second sustained, p99 while sustained); prints all figures."""
    spawn = multiprocessing.get_context("spawn")
    ready, stop, found = spawn.Event(), spawn.Event(), spawn.Queue()
    watchers = spawn.Process(target=watch, args=(target, ready, stop, found))
    watchers.start()
    ready.wait(60)
    process.cpu_percent()
    time.sleep(10)
    print(f"idle with {WATCHERS} watchers: {process.cpu_percent():.1f} % of a core")
    burst: dict[int, float] = {}
    took = spread(min(BURST, pods), write_status(target, burst), target)
    time.sleep(2)
    steady: dict[int, float] = {}
    process.cpu_percent()
    count = int(WANTED_RATE * seconds)
    long = spread(count, paced(write_status(target, steady), WANTED_RATE, pods), target)
    busy = process.cpu_percent()
    time.sleep(2)
    stop.set()
    seen: dict[int, list[float]] = found.get(timeout=60)
    watchers.join(20)
    quick, even = latencies(burst, seen), latencies(steady, seen)
    print(
        f"burst of {len(burst)} status writes in {took:.2f} s ({len(burst) / took:.0f}/s), to {WATCHERS} watchers:",
        figures(quick),
    )
    print(
        f"{count / long:.0f} writes/s for {seconds} s, to {WATCHERS} watchers:",
        figures(even),
        f"server at {busy:.0f} % of a core",
    )
    return percentile(quick, 0.99), count / long, percentile(even, 0.99)


def figures(values: list[float]) -> str:
    return f"p50 {percentile(values, 0.5) * 1000:.0f} ms, p99 {percentile(values, 0.99) * 1000:.0f} ms, last {max(values) * 1000:.0f} ms;"


def main() -> None:
    parser = argparse.ArgumentParser(prog="python -m tests.benchmarks.simulator", description=__doc__)
    parser.add_argument("--nodes", type=int, default=1000)
    parser.add_argument("--pods", type=int, default=10_000)
    parser.add_argument("--seconds", type=int, default=10, help="how long the sustained part lasts")
    parser.add_argument("--check", action="store_true", help="exit with 1 when an aim is missed")
    options = parser.parse_args()
    with tempfile.TemporaryDirectory(prefix="simulator-benchmark-") as name:
        folder, (port,) = Path(name), free_ports(1)
        with server(folder, port) as (target, process, _):
            fill(target, options.nodes, options.pods)
            begun = time.monotonic()
            size = len(target.send(target.connection(), "GET", f"/api/v1/namespaces/{NAMESPACE}/pods"))
            print(
                f"list of all pods: {size / 1e6:.1f} MB in {time.monotonic() - begun:.2f} s; memory {process.memory_info().rss / 1e6:.0f} MB"
            )
            burst, rate, steady = measure(target, process, options.pods, options.seconds)
        with server(folder, port) as (_, _, took):
            print(f"start with all of it: {took:.1f} s")
    reached = burst <= WANTED_P99_SECONDS and steady <= WANTED_P99_SECONDS and rate >= 0.99 * WANTED_RATE
    print("aims (p99 <= 1 s to ten watchers, 300 writes/s):", "reached" if reached else "MISSED")
    if options.check and not reached:
        sys.exit(1)


if __name__ == "__main__":
    main()
