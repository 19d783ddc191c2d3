"""What may not change any more on a pod or a Job that stands: on whose account it is, and what the scheduler has counted."""

import json

import pytest

from cluster import labels
from tests.cluster.admission.reviewing import CONTROLLER, VISION, container, job, ours, pod, refusals

FRACTION = labels.GPU_FRACTION
WORDS = [
    ("labels", labels.PREEMPTIBILITY, "non-preemptible"),
    ("labels", labels.PRIORITY_CLASS, "high"),
    ("labels", labels.QUEUE_KAI, "speech"),
    ("annotations", labels.GANG, "no gang at all"),
]


def gang(**said):
    return {labels.GANG: json.dumps({"name": "g", "minimum": 2, **said})}


@pytest.mark.parametrize("mark", sorted(VISION.marks))
def test_a_pod_cannot_run_on_the_account_of_another_project(mark):
    must = f"must be {VISION.marks[mark]!r}, as its namespace runai-vision has it"
    theirs, nobodys = ours(marks={mark: "another"}), ours()
    del nobodys["metadata"]["labels"][mark]

    assert refusals(theirs) == [f"metadata.labels[{mark}]: 'another' {must}"]
    assert refusals(nobodys) == [f"metadata.labels[{mark}]: nothing {must}"]
    # nor does it move there afterwards; a pod of before the project may stay what it was
    for changed in (theirs, nobodys):
        assert len(refusals(changed, old=ours(), operation="UPDATE")) == 1
        assert refusals(changed, old=changed, operation="UPDATE") == []
        assert refusals(ours(), old=changed, operation="UPDATE") == []


def test_nobody_says_since_when_a_gang_waits():
    forged, given = gang(created="2001-01-01T00:00:00Z"), gang(created="2026-01-01T00:00:00Z")
    place = f"metadata.annotations[{labels.GANG}]"
    told = "says since when the gang waits, which only the product writes"

    assert refusals(ours(annotations=forged)) == [f"{place}: {told}"]
    assert refusals(ours(annotations=forged), old=ours(), operation="UPDATE") == [f"{place}: {told}"]
    assert refusals(ours(annotations=forged), old=ours(annotations=given), operation="UPDATE") == [
        f"{place}: {told}"
    ]
    found = refusals(job(ours(annotations=forged)), group="batch", resource="jobs")
    assert found == [f"spec.template.{place}: {told}"]
    # who belongs together may be said, and what the product has written may stay
    assert refusals(ours(annotations=gang()), old=ours(), operation="UPDATE") == []
    smaller = gang(created="2026-01-01T00:00:00Z", minimum=1)
    assert refusals(ours(annotations=smaller), old=ours(annotations=given), operation="UPDATE") == []


@pytest.mark.parametrize(("part", "name", "value"), WORDS)
def test_what_a_pod_was_placed_by_cannot_change_on_it(part, name, value):
    """Else what was lent could be kept for ever, and a pod that nobody can read any more would be on nobody's account."""
    placed = ours(nodeName="h100-0")
    metadata = placed["metadata"]
    changed = {**placed, "metadata": {**metadata, part: {**metadata.get(part, {}), name: value}}}
    told = f"metadata.{part}[{name}]: cannot change from nothing to {value!r} on a pod that has its place: submit it anew"

    assert refusals(changed, old=placed, operation="UPDATE") == [told]
    assert refusals(changed, old=placed, operation="UPDATE", subresource="status") == [told]
    assert refusals(placed, old=changed, operation="UPDATE") != []
    assert refusals(changed, old=placed, operation="UPDATE", user=CONTROLLER) == []
    waiting = {"old": ours(), "operation": "UPDATE"}
    assert refusals({**changed, "spec": waiting["old"]["spec"]}, **waiting) == []


@pytest.mark.parametrize(("part", "name", "value"), WORDS)
def test_nor_on_the_job_that_speaks_for_its_pods_unless_it_is_stopped(part, name, value):
    running = job(pod())
    changed = {**running, "metadata": {**running["metadata"], part: {name: value}}}
    asked = {"operation": "UPDATE", "group": "batch", "resource": "jobs"}
    told = f"metadata.{part}[{name}]: cannot change from nothing to {value!r} on a Job that is not suspended: stop it first"
    stopped = {**running, "spec": {**running["spec"], "suspend": True}}

    assert refusals(changed, old=running, **asked) == [told]
    assert refusals({**changed, "spec": stopped["spec"]}, old=stopped, **asked) == []


def test_a_request_for_a_part_cannot_change_on_a_pod():
    old, new = ours(annotations={FRACTION: "0.5"}), ours(annotations={FRACTION: "0.9"})

    assert refusals(new, old=old, operation="UPDATE") == [
        f"metadata.annotations[{FRACTION}]: cannot change from '0.5' to '0.9' on a pod"
    ]


def test_an_update_that_is_not_about_the_pods_passes_even_where_they_were_let_in_before():
    old = pod(containers=[container(securityContext={"privileged": True})])
    new = {**old, "metadata": {**old["metadata"], "finalizers": []}}

    assert refusals(new, old=old, operation="UPDATE") == []
    scaled = {**job(old), "spec": {**job(old)["spec"], "parallelism": 3}}
    assert refusals(scaled, old=job(old), operation="UPDATE", resource="jobs", group="batch") == []
    assert refusals(job(old), old=job(pod()), operation="UPDATE", resource="jobs", group="batch") != []


def test_a_pod_does_not_grow_past_what_it_was_placed_with():
    def sized(cpu, memory):
        return pod(containers=[container(resources={"requests": {"cpu": cpu, "memory": memory}})])

    asked = {"operation": "UPDATE", "subresource": "resize", "old": sized("1", "1Gi")}

    assert refusals(sized("1000m", "512Mi"), **asked) == []
    assert refusals(sized("1001m", "1Gi"), **asked) == [
        "spec.containers[0].resources.requests[cpu]: 1001m is more than the 1 the pod was placed with: submit it anew"
    ]
    assert (
        refusals(sized("2", "1Gi"), **{**asked, "user": {"username": "x", "groups": ["system:masters"]}})
        == []
    )
    # nor as a whole
    small, large = (pod(resources={"requests": {"cpu": cpu}}) for cpu in ("1", "2"))
    assert refusals(large, **{**asked, "old": small}) == [
        "spec.resources.requests[cpu]: 2 is more than the 1 the pod was placed with: submit it anew"
    ]
    assert refusals(small, **{**asked, "old": large}) == []
    assert len(refusals(small, **{**asked, "old": pod()})) == 1
