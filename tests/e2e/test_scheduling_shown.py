"""What the scheduler decides, as its people see it: each rule shown on the running product, with kubectl and in the browser.

A pool of its own, `stage`: two nodes of four GPUs; the projects vision and speech deserve four each, their department eight.
"""

import json
import re
import subprocess
import time
from collections.abc import Callable, Iterator
from typing import Any

import pytest
from playwright.sync_api import Browser, Page

from cluster.control_plane.building import cache_folder
from tests.e2e.conftest import SignIn
from tests.e2e.product import Product
from tests.e2e.test_the_path import kubectl, until

POOL = "stage"
NODES = ("stage-1", "stage-2")
SHAPE = {
    "name": "stage",
    "cpus": 64,
    "memory_mib": 262_144,
    "gpus": 4,
    "gpu_product": "NVIDIA-L40S",
    "gpu_memory_mib": 46_068,
}
OURS = {"stage": "yes"}
SOON = 45.0
"""Seconds: a busy machine is slow, a scheduler that does not do it never gets there."""

Document = dict[str, Any]


# --- what is put into the cluster -------------------------------------------------------------------------------------------------


def apply(product: Product, *documents: Document) -> None:
    done = subprocess.run(
        [str(cache_folder() / "kubectl"), "--kubeconfig", str(product.kubeconfig), "apply", "-f", "-"],
        input="\n---\n".join(json.dumps(one) for one in documents),
        capture_output=True,
        text=True,
        timeout=60,
    )
    assert done.returncode == 0, done.stderr


def node(name: str) -> Document:
    return {
        "apiVersion": "v1",
        "kind": "Node",
        "metadata": {
            "name": name,
            "labels": {"run.ai/node-pool": POOL, "kubernetes.io/hostname": name},
            "annotations": {"simulator/shape": json.dumps(SHAPE)},
        },
    }


def template(
    project: str,
    gpus: int,
    *,
    priority: str = "low",
    preemptible: bool = True,
    minimum: int = 0,
    gang: str = "",
    node_name: str = "",
    **more: Any,
) -> Document:
    """Metadata and spec of a pod as a foreign tool writes it."""
    annotations = {"simulator/run-seconds": "3600", "simulator/pull-seconds": "0"}
    if minimum:
        annotations["runai.io/gang"] = json.dumps({"name": gang, "minimum": minimum})
    labels = {
        **OURS,
        "runai/queue": project,
        "kai.scheduler/node-pool": POOL,
        "priorityClassName": priority,
        "kai.scheduler/preemptibility": "preemptible" if preemptible else "non-preemptible",
    }
    asked = {"nvidia.com/gpu": str(gpus)}
    spec: Document = {
        "schedulerName": "runai-scheduler",
        "restartPolicy": "Never",
        "terminationGracePeriodSeconds": 1,
        "containers": [{"name": "main", "image": "registry.example/x:1", "resources": {"limits": asked}}],
        **more,
    }
    if node_name:
        spec["nodeSelector"] = {"kubernetes.io/hostname": node_name}
    return {"metadata": {"labels": labels, "annotations": annotations}, "spec": spec}


def pod(name: str, project: str, gpus: int, **options: Any) -> Document:
    found = template(project, gpus, **options)
    found["metadata"] |= {"name": name, "namespace": f"runai-{project}"}
    return {"apiVersion": "v1", "kind": "Pod", **found}


def job(name: str, project: str, gpus: int, pods: int, **options: Any) -> Document:
    ignored = {"action": "Ignore", "onPodConditions": [{"type": "DisruptionTarget", "status": "True"}]}
    return {
        "apiVersion": "batch/v1",
        "kind": "Job",
        "metadata": {"name": name, "namespace": f"runai-{project}", "labels": OURS},
        "spec": {
            "parallelism": pods,
            "completions": pods,
            "podFailurePolicy": {"rules": [ignored]},
            "template": template(project, gpus, gang=name, **options),
        },
    }


# --- what is seen there -----------------------------------------------------------------------------------------------------------


def pods_of(product: Product, project: str, name: str) -> list[Document]:
    found = json.loads(kubectl(product, "get", "pods", "-n", f"runai-{project}", "-o", "json"))["items"]
    return [one for one in found if re.fullmatch(rf"{name}(-[a-z0-9]+)*", one["metadata"]["name"])]


def running(product: Product, project: str, name: str) -> int:
    return sum(
        one["status"].get("phase") == "Running" and "deletionTimestamp" not in one["metadata"]
        for one in pods_of(product, project, name)
    )


def nodes_of(product: Product, project: str, name: str) -> list[str]:
    return sorted(
        one["spec"]["nodeName"] for one in pods_of(product, project, name) if "nodeName" in one["spec"]
    )


def told(product: Product, project: str, name: str) -> tuple[str, str]:
    """(reason, message) of the condition PodScheduled, of the one pod that carries them."""
    for one in pods_of(product, project, name):
        for condition in one["status"].get("conditions", []):
            if condition["type"] == "PodScheduled" and condition["status"] == "False":
                return str(condition["reason"]), str(condition["message"])
    return "", ""


def spokesman(product: Product, project: str, name: str) -> str:
    """The one pod of a gang that carries its reason."""
    for one in pods_of(product, project, name):
        if "runai.io/refusal" in one["metadata"].get("annotations", {}):
            return str(one["metadata"]["name"])
    raise AssertionError(f"no pod of {name} says why it waits")


def wait_for_pods(product: Product, project: str, name: str, count: int) -> None:
    until(
        lambda: running(product, project, name) == count,
        SOON,
        f"{count} pods of {name} run; now {running(product, project, name)}, told {told(product, project, name)}",
    )


def text_of(page: Page, address: str) -> str:
    page.goto(address)
    return " ".join(page.locator("main").inner_text().replace("\u00a0", " ").replace("\u202f", " ").split())


def wait_for_text(page: Page, address: str, *wanted: str | re.Pattern[str]) -> str:
    seen = [""]

    def shown() -> bool:
        seen[0] = text_of(page, address)
        return all(
            re.search(one if isinstance(one, re.Pattern) else re.escape(one), seen[0]) for one in wanted
        )

    end = time.monotonic() + SOON
    while not shown():
        assert time.monotonic() < end, f"{address} does not show {wanted}:\n{seen[0]}"
        time.sleep(0.5)
    return seen[0]


# --- what people do in the browser ------------------------------------------------------------------------------------------------


def submit(
    page: Page,
    product: Product,
    name: str,
    project: str,
    *,
    gpus: int = 1,
    pods: int = 1,
    priority: str = "low",
    preemptible: bool = True,
) -> str:
    """Fills the form as a person does; gives the workload's address."""
    page.goto(f"{product.url}/workloads/new/")
    page.select_option("select[name=project]", label=project)
    page.fill("input[name=name]", name)
    page.fill("input[name=image]", "registry.example/train:1")
    page.fill("input[name=gpus]", str(gpus))
    page.fill("input[name=cores]", "1")
    page.fill("input[name=memory]", "1Gi")
    page.fill("input[name=parallelism]", str(pods))
    while page.locator("[data-ordered=node_pools] [data-move=out]").count():
        page.locator("[data-ordered=node_pools] [data-move=out]").first.click()
    page.select_option("[data-ordered=node_pools] [data-ordered-add]", POOL)
    page.select_option("select[name=priority]", priority)
    wanted = "preemptible" if preemptible else "non-preemptible"
    page.check(f"input[name=preemptibility][value={wanted}]", force=True)
    page.fill("input[name=grace_seconds]", "1")
    page.locator("summary", has_text="Labels and annotations").click()
    page.fill("textarea[name=annotations]", "simulator/run-seconds=3600\nsimulator/pull-seconds=0")
    page.click("button[type=submit] >> text=Submit >> nth=0")
    page.wait_for_url(re.compile(r"/workloads/[0-9a-f-]{36}/"))
    return page.url


def set_quota(page: Page, product: Product, kind: str, name: str, gpus: int, limit: str = "") -> None:
    """Through the quota editor of the unit's table."""
    page.goto(f"{product.url}/{kind}s/?q={name}")
    link = page.locator("tbody a", has_text=re.compile(rf"^\s*{name}\s*$")).first.get_attribute("href")
    unit = re.search(r"/(\d+)/", link or "")
    assert unit, f"{name} is in the list of {kind}s"
    pool = pool_id(page, product)
    page.goto(f"{product.url}/projects/?edit={kind}-{unit.group(1)}&pool={pool}")
    form = page.locator(".editor form")
    form.locator("input[name=gpu_deserved]").fill(str(gpus))
    form.locator("input[name=gpu_limit]").fill(limit)
    with page.expect_navigation():
        form.locator("button[type=submit]").click()


def pool_id(page: Page, product: Product) -> str:
    page.goto(f"{product.url}/node-pools/?q={POOL}")
    found = re.search(r"/node-pools/(\d+)/edit/", page.locator("main").inner_html())
    assert found, f"{POOL} is in the list of node pools"
    return found.group(1)


@pytest.fixture(scope="module")
def stage(product: Product, browser: Browser) -> Iterator[Page]:
    """The pool and its quotas, made by the administrator; gives her page."""
    apply(product, *(node(name) for name in NODES))
    context = browser.new_context(viewport={"width": 1440, "height": 900})
    page = context.new_page()
    page.goto(f"{product.url}/account/login/")
    page.fill("input[name=login]", "root@acme.example")
    page.fill("input[name=password]", product.password_of("root"))
    page.click("button[type=submit]")
    page.wait_for_url(lambda url: "/account/login" not in url)
    page.goto(f"{product.url}/node-pools/new/")
    page.fill("input[name=name]", POOL)
    page.fill("input[name=label_key]", "run.ai/node-pool")
    page.fill("input[name=label_value]", POOL)
    page.click("button[type=submit] >> text=Create the node pool")
    set_quota(page, product, "department", "research", 8)
    for project in ("vision", "speech"):
        set_quota(page, product, "project", project, 4)
    wait_for_text(page, f"{product.url}/nodes/?q=stage", *NODES)
    yield page
    context.close()


@pytest.fixture(autouse=True)
def empty_stage(product: Product, stage: Page) -> Iterator[None]:
    yield
    for project in ("vision", "speech"):
        place = ("-n", f"runai-{project}", "--wait=false")
        kubectl(product, "delete", "jobs,pods", *place, "-l", "stage=yes")
        found = kubectl(product, "get", "trainingworkloads", "-n", f"runai-{project}", "-o", "name").split()
        named = [one for one in found if "/stage-" in one]
        if named:
            kubectl(product, "delete", *place, *named)

    def is_empty() -> bool:
        found = json.loads(kubectl(product, "get", "pods", "-A", "-o", "json"))["items"]
        return not any(
            one["spec"].get("nodeName") in NODES and one["metadata"]["namespace"].startswith("runai-")
            for one in found
        )

    until(is_empty, SOON, "the stage is empty again")


# --- the rules, shown -------------------------------------------------------------------------------------------------------------


def test_idle_gpus_are_used_over_quota_and_taken_back_by_their_owner(
    product: Product, stage: Page, sign_in: SignIn
) -> None:
    page = sign_in("ada")
    borrower = submit(page, product, "stage-borrow", "vision", pods=8)
    wait_for_pods(product, "vision", "stage-borrow", 8)
    wait_for_text(page, borrower, "8 of 8 run")

    owner = submit(page, product, "stage-owner", "speech", pods=4)
    wait_for_pods(product, "speech", "stage-owner", 4)
    wait_for_text(page, owner, "4 of 4 run")
    wait_for_pods(product, "vision", "stage-borrow", 4)
    # A cycle between the owner's pods finds less demand, and so a higher fair share: the last loss is the one that is told.
    receipt = re.compile(r"Taken back .* vision held \d GPUs in stage, its fair share was 4 GPUs")
    shown = wait_for_text(page, borrower, "4 of 8 run", receipt)
    assert "stage-owner" not in shown, "another project's workload is not named"
    events = kubectl(product, "get", "events", "-n", "runai-vision")
    assert "Evicted" in events
    assert "stage-owner" not in events


def test_more_important_work_of_the_same_project_goes_first(
    product: Product, stage: Page, sign_in: SignIn
) -> None:
    page = sign_in("ada")
    apply(product, job("stage-speech", "speech", 1, 4, preemptible=False))
    low = submit(page, product, "stage-low", "vision", pods=4)
    wait_for_pods(product, "vision", "stage-low", 4)

    urgent = submit(page, product, "stage-urgent", "vision", gpus=2, priority="very-high")
    wait_for_pods(product, "vision", "stage-urgent", 1)
    wait_for_text(page, urgent, "Running")
    wait_for_text(page, low, "2 of 4 run", "stage-urgent", "Very high", "Low")
    assert running(product, "speech", "stage-speech") == 4


def test_a_gang_waits_whole_and_starts_whole(product: Product, stage: Page) -> None:
    apply(product, job("stage-speech", "speech", 1, 4, preemptible=False))
    wait_for_pods(product, "speech", "stage-speech", 4)
    apply(product, job("stage-gang", "vision", 2, 3, minimum=3))
    until(lambda: told(product, "vision", "stage-gang")[0] != "", SOON, "the gang is told why it waits")

    reason, message = told(product, "vision", "stage-gang")
    assert reason == "GangNotWhole"
    assert "2 of 3" in message.replace("its ", "").replace("the ", "")
    assert nodes_of(product, "vision", "stage-gang") == []
    described = ("describe", "pod", "-n", "runai-vision", spokesman(product, "vision", "stage-gang"))
    until(lambda: "FailedScheduling" in kubectl(product, *described), SOON, "the event of the refusal")
    assert message[:40] in kubectl(product, *described)

    kubectl(product, "delete", "job", "-n", "runai-speech", "stage-speech", "--wait=false")
    wait_for_pods(product, "vision", "stage-gang", 3)


def test_an_elastic_job_shrinks_to_its_minimum(product: Product, stage: Page) -> None:
    apply(product, job("stage-elastic", "vision", 1, 8, minimum=2))
    wait_for_pods(product, "vision", "stage-elastic", 8)

    apply(product, job("stage-four", "speech", 1, 4))
    wait_for_pods(product, "speech", "stage-four", 4)
    assert running(product, "vision", "stage-elastic") == 4

    set_quota(stage, product, "project", "vision", 2)
    set_quota(stage, product, "project", "speech", 6)
    try:
        apply(product, job("stage-two", "speech", 1, 2))
        wait_for_pods(product, "speech", "stage-two", 2)
        assert running(product, "vision", "stage-elastic") == 2, "its minimum still runs"
    finally:
        set_quota(stage, product, "project", "speech", 4)
        set_quota(stage, product, "project", "vision", 4)


def test_work_is_moved_together_so_that_a_larger_one_fits(
    product: Product, stage: Page, sign_in: SignIn
) -> None:
    page = sign_in("ada")
    mover = submit(page, product, "stage-mover", "vision", gpus=2)
    wait_for_pods(product, "vision", "stage-mover", 1)
    first = nodes_of(product, "vision", "stage-mover")[0]
    other = next(name for name in NODES if name != first)
    apply(product, pod("stage-fixed", "speech", 2, preemptible=False, node_name=other))
    wait_for_pods(product, "speech", "stage-fixed", 1)

    apply(product, pod("stage-large", "speech", 4))
    wait_for_pods(product, "speech", "stage-large", 1)
    assert nodes_of(product, "speech", "stage-large") == [first]
    wait_for_pods(product, "vision", "stage-mover", 1)
    assert nodes_of(product, "vision", "stage-mover") == [other], "it was moved, not stopped"
    wait_for_text(page, mover, re.compile(r"[Mm]oved"))


def test_a_pool_set_to_spread_spreads(product: Product, stage: Page) -> None:
    apply(product, pod("stage-a", "vision", 1), pod("stage-b", "vision", 1))
    wait_for_pods(product, "vision", "stage-a", 1)
    wait_for_pods(product, "vision", "stage-b", 1)
    assert nodes_of(product, "vision", "stage-a") == nodes_of(product, "vision", "stage-b"), "packed"

    place(stage, product, "spread")
    try:
        apply(product, pod("stage-c", "vision", 1))
        wait_for_pods(product, "vision", "stage-c", 1)
        assert nodes_of(product, "vision", "stage-c") != nodes_of(product, "vision", "stage-a")
    finally:
        place(stage, product, "binpack")


def place(page: Page, product: Product, strategy: str) -> None:
    page.goto(f"{product.url}/node-pools/{pool_id(page, product)}/edit/")
    field = page.locator("[name=gpu_placement]").first
    if field.evaluate("field => field.tagName") == "SELECT":
        field.select_option(strategy)
    else:
        page.check(f"input[name=gpu_placement][value={strategy}]", force=True)
    page.click("button[type=submit] >> text=Save the node pool")


WAITING: dict[str, tuple[Document, str, str]] = {
    "never": (pod("stage-never", "vision", 16), "NeverFits", r"16 GPUs .*4"),
    "protected": (
        job("stage-protected", "vision", 1, 5, minimum=5, preemptible=False),
        "NonPreemptibleOverQuota",
        r"5.*4|4.*5",
    ),
    "elsewhere": (
        pod("stage-elsewhere", "vision", 1, nodeSelector={"zone": "mars"}),
        "NoMatchingNode",
        r"zone=mars|2",
    ),
    "alone": (pod("stage-alone", "vision", 1, minimum=3, gang="stage-alone"), "GangIncomplete", r"1 of .*3"),
    "part": (pod("stage-part", "vision", 3), "Fragmented", r"3 GPUs.*4.*2"),
}
"""What waits beside two uninterruptible pods of two GPUs, one on each node: reason and numbers."""


def test_each_waiting_reason_reads_true(product: Product, stage: Page) -> None:
    for name, project in zip(NODES, ("vision", "speech"), strict=True):
        apply(product, pod(f"stage-hold-{project}", project, 2, preemptible=False, node_name=name))
        wait_for_pods(product, project, f"stage-hold-{project}", 1)
    apply(product, *(document for document, _, _ in WAITING.values()))
    apply(product, pod("stage-lost", "vision", 1) | {"metadata": lost_metadata()})

    for name, (_, reason, numbers) in WAITING.items():
        expect_told(product, "vision", f"stage-{name}", reason, numbers)
    expect_told(product, "vision", "stage-lost", "NodePoolDoesNotExist", "nowhere")


def lost_metadata() -> Document:
    found = pod("stage-lost", "vision", 1)["metadata"]
    return {**found, "labels": {**found["labels"], "kai.scheduler/node-pool": "nowhere"}}


def expect_told(product: Product, project: str, name: str, reason: str, numbers: str) -> None:
    seen: list[tuple[str, str]] = [("", "")]

    def matches() -> bool:
        seen[0] = told(product, project, name)
        return seen[0][0] == reason and re.search(numbers, seen[0][1]) is not None

    end = time.monotonic() + SOON
    while not matches():
        assert time.monotonic() < end, f"{name}: {seen[0]}, expected {reason} with {numbers}"
        time.sleep(0.5)


def test_a_killed_scheduler_is_followed_by_another(product: Product, stage: Page) -> None:
    import os
    import signal

    pid = product.pid_of("scheduler")
    assert pid
    apply(product, pod("stage-before", "vision", 1))
    wait_for_pods(product, "vision", "stage-before", 1)
    os.kill(pid, signal.SIGKILL)
    killed = time.monotonic()
    apply(product, pod("stage-after", "vision", 1))
    claim: Callable[[], bool] = lambda: bool(nodes_of(product, "vision", "stage-after"))  # noqa: E731  (used once)
    until(claim, 2 * SOON, "a pod is placed after the scheduler was killed")
    took = time.monotonic() - killed
    print(
        f"takeover after kill -9: {took:.1f} s"
    )  # most of it is the start of a Python process: the machine's speed
