"""The product on a genuine control plane: real controllers own the Jobs, each part of ours has only its own rights."""

import json
import re
from collections.abc import Iterator
from typing import Any

import pytest
from playwright.sync_api import expect

from cluster.control_plane.building import cache_folder, missing_binaries
from runai_portal.running.ports import free_port
from tests.cluster.rights.audit import beyond, read_audit, unused
from tests.cluster.rights.exceptions import NOT_USED_IN_EVERY_RUN
from tests.cluster.rights.rules import granted
from tests.e2e.conftest import SignIn
from tests.e2e.product import Product
from tests.e2e.rest import Rest
from tests.e2e.test_the_path import PATIENCE, kubectl, submit, until, wait_for_phase
from tests.e2e.volumes import CLAIM, POD_WITH_A_VOLUME, STORAGE_CLASS, volume_on

pytestmark = pytest.mark.control_plane
POOL = "l40s"
"""Eight GPUs, two of them quota of each project; the demo holds two."""


@pytest.fixture(scope="module")
def product(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Product]:
    """One product for this file, on etcd, kube-apiserver and kube-controller-manager."""
    if missing_binaries():
        pytest.skip("no control plane on this machine: make control-plane")
    one = Product(tmp_path_factory.mktemp("genuine"), free_port(), ("--cluster=control-plane",))
    try:
        one.start()
        yield one
    finally:
        one.stop()
        (one.data / "up.log").write_text("\n".join(one.lines))


@pytest.fixture
def rest(product: Product) -> Iterator[Rest]:
    one = Rest(product)
    yield one
    one.close()


def found(product: Product, *arguments: str) -> Any:
    return json.loads(kubectl(product, "get", *arguments, "-o", "json"))


def apply(product: Product, *documents: dict[str, Any]) -> None:
    file = product.data / "applied.json"
    file.write_text(json.dumps({"apiVersion": "v1", "kind": "List", "items": list(documents)}))
    kubectl(product, "apply", "-f", str(file))


def pods_of(product: Product, namespace: str, job: str) -> dict[str, dict[str, Any]]:
    """uid -> pod, of a Job."""
    items = found(product, "pods", "-n", namespace, "-l", f"batch.kubernetes.io/job-name={job}")["items"]
    return {pod["metadata"]["uid"]: pod for pod in items}


def running(pods: dict[str, dict[str, Any]]) -> set[str]:
    return {
        uid
        for uid, pod in pods.items()
        if pod["status"]["phase"] == "Running" and "deletionTimestamp" not in pod["metadata"]
    }


def test_a_training_is_submitted_scheduled_runs_and_completes(product: Product, sign_in: SignIn) -> None:
    page = sign_in("ada")
    address = submit(page, product, "genuine-one", run_seconds=12)
    wait_for_phase(page, address, "Running")
    pod = next(iter(pods_of(product, "runai-vision", "genuine-one").values()))
    assert pod["spec"]["schedulerName"] == "runai-scheduler"
    page.goto(f"{address}logs/")
    expect(page.locator("main")).to_contain_text(re.compile(r"(step|epoch|loss)", re.I), timeout=PATIENCE)
    page.goto(f"{address}yaml/")
    expect(page.locator("main")).to_contain_text("TrainingWorkload", timeout=PATIENCE)

    wait_for_phase(page, address, "Completed")
    job = found(product, "job", "-n", "runai-vision", "genuine-one")
    assert {one["type"] for one in job["status"]["conditions"]} >= {"SuccessCriteriaMet", "Complete"}
    assert job["metadata"]["ownerReferences"][0]["kind"] == "TrainingWorkload"
    # the Job has ended: only a new one can run it again
    page.get_by_role("button", name=re.compile("^Run")).first.click()
    until(
        lambda: (
            found(product, "job", "-n", "runai-vision", "genuine-one")["metadata"]["uid"]
            != job["metadata"]["uid"]
        ),
        what="its second Job",
    )


def test_kubectl_shows_what_matters(product: Product) -> None:
    def listed() -> list[list[str]]:
        return [line.split() for line in kubectl(product, "get", "tw", "-n", "runai-vision").splitlines()]

    # which of the demo's trainings come first is up to the genuine controllers
    until(
        lambda: any(_runs_whole(row) for row in listed()), what="a training that runs in what kubectl lists"
    )
    assert listed()[0] == ["NAME", "PHASE", "GPUS", "PODS", "POOL", "AGE"]
    wide = kubectl(product, "get", "runai", "-A", "-o", "wide").splitlines()[0].split()
    assert {"PRIORITY", "IMAGE", "MESSAGE"} <= set(wide)


def _runs_whole(row: list[str]) -> bool:
    """NAME, PHASE, GPUS, PODS, POOL, AGE of a training all of whose pods run."""
    if len(row) != 6:  # not all is known of it yet
        return False
    _, phase, gpus, pods, pool, _ = row
    running, _, wanted = pods.partition("/")
    return (phase, pool) == ("Running", "h100") and int(gpus) > 0 and running == wanted != "0"


def test_stop_run_again_and_delete(product: Product, sign_in: SignIn) -> None:
    page = sign_in("ada")
    address = submit(page, product, "genuine-stop", run_seconds=600)
    wait_for_phase(page, address, "Running")
    first = set(pods_of(product, "runai-vision", "genuine-stop"))
    page.get_by_role("button", name="Stop", exact=True).click()
    wait_for_phase(page, address, "Stopped")
    until(lambda: not pods_of(product, "runai-vision", "genuine-stop"), what="no pods of a stopped workload")
    job = found(product, "job", "-n", "runai-vision", "genuine-stop")
    assert {one["type"]: one["status"] for one in job["status"]["conditions"]}["Suspended"] == "True"

    page.get_by_role("button", name=re.compile("^Run")).first.click()
    wait_for_phase(page, address, "Running")
    assert not first & set(pods_of(product, "runai-vision", "genuine-stop"))
    page.get_by_role("button", name=re.compile("^Delete")).or_(
        page.get_by_role("link", name=re.compile("^Delete"))
    ).first.click()
    page.locator("dialog[open] button", has_text="Delete").click()
    gone = ("tw,job,pod", "-n", "runai-vision", "-l", "runai.io/workload-name=genuine-stop")
    until(lambda: not found(product, *gone)["items"], what="nothing of a deleted workload is left")


def test_a_program_that_fails_is_tried_again_and_then_has_failed(product: Product, rest: Rest) -> None:
    workload = rest.train(
        "vision", "genuine-crash", gpus=0, annotations={"run-seconds": "1", "exit-code": "3"}, backoffLimit=1
    )
    until(lambda: rest.phase(workload) == "Failed", 120, "the workload has failed")
    job = found(product, "job", "-n", "runai-vision", "genuine-crash")
    assert job["status"]["failed"] == 2
    assert "xit code 3" in kubectl(
        product, "get", "tw", "genuine-crash", "-n", "runai-vision", "-o", "jsonpath={.status.message}"
    )


def test_a_foreign_job_of_the_same_name_is_not_touched(product: Product, rest: Rest) -> None:
    kubectl(product, "create", "job", "genuine-taken", "-n", "runai-vision", "--image=busybox", "--", "true")
    before = found(product, "job", "-n", "runai-vision", "genuine-taken")["metadata"]["uid"]
    workload = rest.train("vision", "genuine-taken", annotations={})

    def told() -> bool:
        place = ("tw", "genuine-taken", "-n", "runai-vision", "--ignore-not-found")  # it may not be sent yet
        return "is not this workload's" in kubectl(product, "get", *place, "-o", "jsonpath={.status}")

    until(told, 60, "the name conflict is told")
    assert rest.phase(workload) != "Running"
    assert found(product, "job", "-n", "runai-vision", "genuine-taken")["metadata"]["uid"] == before


def test_a_project_gets_its_quota_back_and_urgent_work_goes_first(
    product: Product, rest: Rest, sign_in: SignIn
) -> None:
    """Reclaim between projects, preemption inside one; the Jobs' controller replaces what was taken and blames nobody."""
    long = {"run-seconds": "3600", "gpu-utilisation": "constant:80"}
    rest.train("vision", "genuine-fill", annotations=long, parallelism=6)
    fill = ("runai-vision", "genuine-fill")
    until(lambda: len(running(pods_of(product, *fill))) == 6, 90, "vision holds the rest of the pool")
    before = running(pods_of(product, *fill))

    claim = rest.train("speech", "genuine-claim", gpus=2, annotations=long)
    until(lambda: rest.phase(claim) == "Running", 90, "speech has its two GPUs")
    until(lambda: len(pods_of(product, *fill)) == 6, 60, "the Job has made two new pods")
    after = running(pods_of(product, *fill))
    assert len(after) == 4
    assert after < before
    page = sign_in("ada", height=1000)
    page.goto(f"{product.url}/workloads/?q=genuine-")
    expect(page.locator("tbody tr", has_text="genuine-fill")).to_contain_text("Degraded", timeout=PATIENCE)
    page.screenshot(path=product.data / "reclaim-list.png")
    page.click("tbody a >> text=genuine-fill")
    page.wait_for_url(re.compile(r"/workloads/[0-9a-f-]{36}/"))
    page.screenshot(path=product.data / "reclaim-victim.png", full_page=True)
    page.goto(f"{page.url}events/")
    expect(page.locator("main")).to_contain_text("Taken back for another project", timeout=PATIENCE)
    page.screenshot(path=product.data / "reclaim-events.png", full_page=True)

    urgent = rest.train(
        "vision",
        "genuine-urgent",
        annotations=long,
        priorityClass="high",
        preemptibility="non-preemptible",
    )
    until(lambda: rest.phase(urgent) == "Running", 90, "urgent work has a place")
    until(lambda: len(running(pods_of(product, *fill))) == 3, 60, "one more pod gave its place")

    def status() -> dict[str, Any]:
        return dict(found(product, "job", "-n", *fill)["status"])

    until(lambda: status().get("active") == 6, 60, "the Job has replaced it")
    assert not status().get("failed")


def test_a_new_volume_is_made_where_its_pod_goes(product: Product) -> None:
    """We choose the node, a provisioner (played here) makes the volume there, the real controller binds it, and the pod follows."""
    apply(product, STORAGE_CLASS, CLAIM, POD_WITH_A_VOLUME)
    claim = ("pvc", "genuine-data", "-n", "runai-vision")

    def chosen() -> str:
        notes = found(product, *claim)["metadata"].get("annotations", {})
        return str(notes.get("volume.kubernetes.io/selected-node", ""))

    until(lambda: bool(chosen()), 60, "the claim is told its node")
    assert chosen().startswith(POOL)
    apply(product, volume_on(chosen(), found(product, *claim)))

    until(lambda: found(product, *claim)["status"]["phase"] == "Bound", 60, "the claim has its volume")
    pod = ("pod", "genuine-with-a-volume", "-n", "runai-vision")
    until(lambda: found(product, *pod)["status"]["phase"] == "Running", 90, "the pod runs")
    assert found(product, *pod)["spec"]["nodeName"] == chosen()


def test_metrics_come_through_the_proxies(product: Product, sign_in: SignIn) -> None:
    page = sign_in("root")

    def all_gpus_are_known() -> bool:
        page.goto(f"{product.url}/")
        return "of 56" in page.locator("main").inner_text()

    until(all_gpus_are_known, 90, "allocated GPUs of 56")
    page.goto(f"{product.url}/nodes/")
    expect(page.locator("main")).to_contain_text("h100-1")


def test_every_right_is_used_and_nothing_else_is_asked_for(product: Product) -> None:
    """Late in this file: the tests before it have done what the product does. The audit log of the API server tells what that took."""
    asked = read_audit(product.data / "control-plane" / "audit.log")
    mine = granted()

    assert {name: sorted(map(str, refused)) for name, refused in asked.refused.items()} == {}
    assert {name: sorted(map(str, found)) for name, found in beyond(mine, asked).items()} == {}
    not_used = {(name, right) for name, found in unused(mine, asked).items() for right in found}
    assert sorted(f"{name}: {right}" for name, right in not_used - set(NOT_USED_IN_EVERY_RUN)) == []


def test_stopped_and_started_again_all_work_is_where_it_was(product: Product, rest: Rest) -> None:
    workload = rest.train("vision", "genuine-long", gpus=0, annotations={"run-seconds": "3600"})
    until(lambda: rest.phase(workload) == "Running", 90, "a workload runs")
    pods = found(product, "pods", "-A", "-l", "runai.io/workload-id")["items"]
    before = running({pod["metadata"]["uid"]: pod for pod in pods})
    mark = len(product.lines)
    product.stop()
    talked_to_it = re.compile(r"^\S+ (cluster|nodes|scheduler|worker) .*(WARN|warning|ERROR|error|Traceback)")
    assert [line for line in product.lines[mark:] if talked_to_it.search(line)] == []
    product.lines.clear()
    product.start()

    pods = found(product, "pods", "-A", "-l", "runai.io/workload-id")["items"]
    assert running({pod["metadata"]["uid"]: pod for pod in pods}) == before
    until(lambda: rest.phase(workload) == "Running", 60, "it runs on")
    version = json.loads(kubectl(product, "version", "-o", "json"))
    assert version["serverVersion"]["gitVersion"] == cache_folder().name
