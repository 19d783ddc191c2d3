"""The path through the product, as its people walk it: submit, scheduled, running, completed; and what the administrator sees."""

import json
import re
import subprocess
import time
from collections.abc import Callable
from pathlib import Path

import pytest
from axe_playwright_python.sync_playwright import Axe
from playwright.sync_api import Page, expect
from playwright.sync_api import TimeoutError as PlaywrightTimeout

from cluster.control_plane.building import cache_folder
from tests.e2e.conftest import SignIn
from tests.e2e.product import Product

PATIENCE = 60_000
"""Milliseconds: a busy machine is slow, a broken product never gets there."""


def kubectl(product: Product, *arguments: str) -> str:
    done = subprocess.run(
        [str(cache_folder() / "kubectl"), "--kubeconfig", str(product.kubeconfig), *arguments],
        capture_output=True,
        text=True,
        timeout=60,
        check=True,
    )
    return done.stdout


def submit(
    page: Page, product: Product, name: str, *, pool: str = "l40s", run_seconds: int = 25, card: str = "one"
) -> str:
    """Fills the form as a person does; gives the workload's address."""
    page.goto(f"{product.url}/workloads/new/")
    page.select_option("select[name=project]", label="vision")
    page.fill("input[name=name]", name)
    page.fill("input[name=image]", "registry.example/train:1")
    page.fill("input[name=command]", "python")
    page.fill("input[name=args]", "train.py --epochs 3")
    page.check(f"input[name=size][value={card}]", force=True)
    page.locator("summary", has_text="Labels and annotations").click()
    page.fill(
        "textarea[name=annotations]",
        f"simulator/run-seconds={run_seconds}\nsimulator/gpu-utilisation=constant:77\nsimulator/pull-seconds=1",
    )
    page.click("button[type=submit] >> text=Submit >> nth=0")
    page.wait_for_url(re.compile(r"/workloads/[0-9a-f-]{36}/"))
    return page.url


def until(claim: Callable[[], bool], seconds: float = 60, what: str = "") -> None:
    end = time.monotonic() + seconds
    while not claim():
        assert time.monotonic() < end, f"not within {seconds:.0f} s: {what}"
        time.sleep(0.3)


def chip(page: Page) -> str:
    return page.locator("main header, main .page-head").first.inner_text()


def wait_for_phase(page: Page, address: str, phase: str, seconds: float = 90) -> None:
    """The page shows the phase after a reload; live updates have a test of their own."""

    def shown() -> bool:
        page.goto(address)
        return phase in chip(page)

    until(shown, seconds, f"{address} shows {phase}")


def test_a_training_is_submitted_runs_and_completes(product: Product, sign_in: SignIn) -> None:
    page = sign_in("ada")
    address = submit(page, product, "story-one", run_seconds=30)
    wait_for_phase(page, address, "Running")

    pods = json.loads(kubectl(product, "get", "pods", "-n", "runai-vision", "-o", "json"))["items"]
    pod = next(one for one in pods if one["metadata"]["name"].startswith("story-one"))
    assert pod["spec"]["schedulerName"] == "runai-scheduler"
    page.goto(f"{address}pods/")
    expect(page.locator("main")).to_contain_text(pod["spec"]["nodeName"])

    page.goto(f"{address}logs/")
    expect(page.locator("main")).to_contain_text(
        re.compile(r"(step|epoch|loss|start)", re.I), timeout=PATIENCE
    )
    page.goto(f"{address}events/")
    expect(page.locator("main")).to_contain_text("Submitted")
    page.goto(f"{address}yaml/")
    expect(page.locator("main")).to_contain_text("TrainingWorkload", timeout=PATIENCE)

    wait_for_phase(page, address, "Completed")
    phase = kubectl(
        product, "get", "pod", "-n", "runai-vision", pod["metadata"]["name"], "-o", "jsonpath={.status.phase}"
    )
    assert phase == "Succeeded"
    page.goto(f"{address}logs/")
    expect(page.locator("main")).to_contain_text(
        re.compile(r"(step|epoch|loss|start)", re.I), timeout=PATIENCE
    )


BY_HAND = """
apiVersion: run.ai/v2alpha1
kind: TrainingWorkload
metadata:
  name: story-by-hand
  namespace: runai-vision
spec:
  image: {value: "registry.example/train:1"}
  gpu: {value: 1}
  nodePools: {value: [l40s]}
  annotations:
    items:
      simulator/run-seconds: {value: "10"}
"""


def test_a_training_made_with_kubectl_is_one_like_the_others(
    product: Product, sign_in: SignIn, tmp_path: Path
) -> None:
    manifest = tmp_path / "by-hand.yaml"
    manifest.write_text(BY_HAND)
    kubectl(product, "apply", "-f", str(manifest))
    page = sign_in("ada")

    def found_by_name() -> bool:
        page.goto(product.url)
        page.keyboard.press("Control+k")
        page.keyboard.type("story-by")
        hit = page.locator("#palette-list [data-found]", has_text="story-by-hand")
        try:
            hit.click(timeout=5_000)
        except PlaywrightTimeout:
            return False
        page.wait_for_url(re.compile(r"/workloads/[0-9a-f-]{36}/"))
        return True

    until(found_by_name, 60, "the palette finds what kubectl made")
    wait_for_phase(page, page.url, "Completed")
    assert "Completed" in kubectl(product, "get", "tw", "-n", "runai-vision", "story-by-hand")


def test_the_list_follows_live_without_a_reload(product: Product, sign_in: SignIn) -> None:
    page = sign_in("ada")
    submit(page, product, "story-live", run_seconds=15)
    page.goto(f"{product.url}/workloads/?q=story-live")
    row = page.locator("tbody tr", has_text="story-live")
    expect(row).to_contain_text("Completed", timeout=90_000)


def test_errors_stand_at_the_field_and_nothing_is_lost(product: Product, sign_in: SignIn) -> None:
    page = sign_in("ada")
    page.goto(f"{product.url}/workloads/new/")
    page.fill("input[name=name]", "Not A Name!")
    page.fill("input[name=image]", "registry.example/train:1")
    page.fill("input[name=gpus]", "999")
    page.click("button[type=submit] >> text=Submit >> nth=0")
    expect(page.locator("main")).to_contain_text("128")
    expect(page.locator("input[name=name]")).to_have_value("Not A Name!")
    assert page.locator("input[name=name][aria-invalid=true]").count() == 1
    assert page.locator("input[name=gpus][aria-invalid=true]").count() == 1


def test_what_can_never_run_says_so_with_numbers(product: Product, sign_in: SignIn) -> None:
    page = sign_in("ada")
    page.goto(f"{product.url}/workloads/?q=speech-foundation")
    page.click("tbody a >> text=speech-foundation")
    expect(page.locator("main")).to_contain_text("16 GPUs")
    expect(page.locator("main")).to_contain_text("8")


def test_stop_run_again_and_delete(product: Product, sign_in: SignIn) -> None:
    page = sign_in("ada")
    address = submit(page, product, "story-stop", run_seconds=600)
    wait_for_phase(page, address, "Running")
    page.get_by_role("button", name="Stop", exact=True).click()
    wait_for_phase(page, address, "Stopped")

    def no_pods() -> bool:
        return "story-stop" not in kubectl(product, "get", "pods", "-n", "runai-vision", "--no-headers")

    until(no_pods, what="the pods of a stopped workload are gone")
    page.get_by_role("button", name=re.compile("^Run")).first.click()
    wait_for_phase(page, address, "Running")
    page.get_by_role("button", name=re.compile("^Delete")).or_(
        page.get_by_role("link", name=re.compile("^Delete"))
    ).first.click()
    page.locator("dialog[open] button", has_text="Delete").click()
    until(no_pods, what="the pods of a deleted workload are gone")


def test_a_stranger_sees_nothing_of_it(product: Product, sign_in: SignIn) -> None:
    address = submit(sign_in("ada"), product, "story-private", run_seconds=5)
    eve, root = sign_in("eve"), sign_in("root")
    assert eve.goto(address).status == 200  # type: ignore[union-attr]  # a page answers
    assert eve.locator("main >> text=Stop").count() == 0
    assert root.goto(address).status == 200  # type: ignore[union-attr]
    speech = kubectl(product, "get", "trainingworkloads", "-n", "runai-recsys", "-o", "json")
    other = next(one for one in json.loads(speech)["items"])["metadata"]["labels"]["runai.io/workload-id"]
    assert eve.goto(f"{product.url}/workloads/{other}/").status == 404  # type: ignore[union-attr]


def test_the_overview_shows_the_clusters_gpus(product: Product, sign_in: SignIn) -> None:
    page = sign_in("root")

    def samples_are_there() -> bool:
        page.goto(f"{product.url}/")
        return "of 56" in page.locator("main").inner_text()

    until(samples_are_there, 90, "allocated GPUs of 56")
    expect(page.locator("main")).to_contain_text("h100-1")
    expect(page.locator(".js-plotly-plot").first).to_be_visible(timeout=PATIENCE)


PAGES = {
    "ada": ["/", "/workloads/", "/workloads/new/", "/projects/", "/node-pools/", "/settings/"],
    "root": [
        "/",
        "/nodes/",
        "/clusters/",
        "/departments/",
        "/access/",
        "/audit/",
        "/workloads/?view=deleted",
        "/scheduling/",
        "/style-guide/",
    ],
}


@pytest.mark.parametrize("dark", [False, True], ids=["light", "dark"])
@pytest.mark.parametrize("name", PAGES)
def test_axe_finds_nothing_serious(product: Product, sign_in: SignIn, name: str, dark: bool) -> None:
    page = sign_in(name, dark=dark)
    found = []
    for path in PAGES[name]:
        page.goto(product.url + path)
        page.wait_for_timeout(500)
        found += [
            (path, violation["id"], violation["nodes"][0]["html"][:200])
            for violation in Axe().run(page).response["violations"]
            if violation["impact"] in {"serious", "critical"}
        ]
    assert not found


@pytest.mark.parametrize("path", ["/scheduling/", "/node-pools/"])
def test_axe_finds_nothing_serious_on_a_telephone(product: Product, sign_in: SignIn, path: str) -> None:
    """Wide tables become cards there: what scrolled sideways would be out of the keyboard's reach."""
    page = sign_in("root", width=390, height=844)
    page.goto(product.url + path)
    page.wait_for_timeout(500)
    violations = Axe().run(page).response["violations"]
    assert not [one["id"] for one in violations if one["impact"] in {"serious", "critical"}]


@pytest.mark.parametrize("path", ["/", "/workloads/", "/workloads/new/", "/projects/"])
def test_no_page_scrolls_sideways_on_a_telephone(product: Product, sign_in: SignIn, path: str) -> None:
    page = sign_in("ada", width=390, height=844)
    page.goto(product.url + path)
    wide = page.evaluate("document.documentElement.scrollWidth - document.documentElement.clientWidth")
    assert wide <= 0
