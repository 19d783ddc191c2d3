"""Each process is killed with -9 while work runs: nothing is lost, nothing is bound twice, and it all comes back."""

import json
import os
import signal
import subprocess
from collections import Counter

import pytest

from tests.e2e.conftest import SignIn
from tests.e2e.product import Product
from tests.e2e.test_the_path import kubectl, submit, until, wait_for_phase

PARTS = ("redis", "cluster", "web", "scheduler", "worker", "beat")


def running_pods(product: Product) -> dict[str, str]:
    """uid -> node of the demo's running pods."""
    pods = json.loads(kubectl(product, "get", "pods", "-A", "-l", "runai.io/workload-id", "-o", "json"))[
        "items"
    ]
    return {
        pod["metadata"]["uid"]: pod["spec"]["nodeName"] for pod in pods if pod["status"]["phase"] == "Running"
    }


def gpus_given_twice(product: Product) -> list[tuple[str, str]]:
    """(node, device) pairs that two living pods hold."""
    pods = json.loads(kubectl(product, "get", "pods", "-A", "-o", "json"))["items"]
    held = Counter(
        (pod["spec"]["nodeName"], device)
        for pod in pods
        if pod["status"]["phase"] == "Running"
        for device in pod["metadata"].get("annotations", {}).get("simulator/devices", "").split(",")
        if device
    )
    return [pair for pair, count in held.items() if count > 1]


@pytest.mark.parametrize("part", PARTS)
def test_a_killed_part_comes_back_and_nothing_is_lost(product: Product, sign_in: SignIn, part: str) -> None:
    page = sign_in("ada")
    address = submit(page, product, f"kill-{part}", run_seconds=20)
    before = running_pods(product)
    mark = len(product.lines)
    pid = product.pid_of(part)
    assert pid, f"{part} runs"
    os.kill(pid, signal.SIGKILL)
    product.wait_for("SIGKILL", 20, after=mark)
    until(lambda: product.pid_of(part) not in {None, pid}, 30, f"{part} is started again")
    until(lambda: answers(product), 60, "web and cluster answer")

    wait_for_phase(page, address, "Completed", 150)
    after = running_pods(product)
    assert all(after[uid] == node for uid, node in before.items() if uid in after)
    assert not gpus_given_twice(product)


def answers(product: Product) -> bool:
    from urllib.error import URLError
    from urllib.request import urlopen

    try:
        with urlopen(f"{product.url}/readyz", timeout=3) as answer:
            kubectl(product, "get", "nodes")
            return bool(answer.status == 200)
    except (URLError, OSError, subprocess.SubprocessError):
        return False
