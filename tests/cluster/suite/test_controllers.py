"""Jobs, Deployments and owned objects behave alike under Kubernetes' own controllers and under ours."""

from datetime import UTC, datetime

import pytest

from cluster.documents import condition_of, format_time
from cluster.errors import NotFound
from cluster.kinds import CONFIG_MAPS, DEPLOYMENTS, JOBS, PODS, REPLICA_SETS
from tests.cluster.suite.objects import config_map, job, pod
from tests.cluster.waiting import eventually

SLOW = {"run_seconds": "1000"}


def is_gone(client, kind, name, namespace) -> bool:
    try:
        client.get(kind, name, namespace)
    except NotFound:
        return True
    return False


def status(client, namespace, name) -> dict:
    return client.get(JOBS, name, namespace).get("status") or {}


def has(client, namespace, name, condition) -> bool:
    found = condition_of(client.get(JOBS, name, namespace), condition)
    return found is not None and found["status"] == "True"


def pods_of(client, namespace, name) -> list[dict]:
    return client.list(PODS, namespace, label_selector=f"batch.kubernetes.io/job-name={name}").items


def active(pods) -> list[dict]:
    return [
        one
        for one in pods
        if one["status"].get("phase") in ("Pending", "Running") and "deletionTimestamp" not in one["metadata"]
    ]


def test_a_job_completes_with_as_many_pods_as_asked_for(client, namespace):
    client.create(JOBS, job("j", completions=5, parallelism=2), namespace=namespace)

    assert eventually(lambda: has(client, namespace, "j", "Complete"), 60)
    final = status(client, namespace, "j")
    assert final["succeeded"] == 5
    assert final["completionTime"]
    assert not final.get("active")
    pods = pods_of(client, namespace, "j")
    assert len(pods) == 5
    assert all(one["metadata"]["ownerReferences"][0]["controller"] for one in pods)
    assert eventually(
        lambda: not any(one["metadata"].get("finalizers") for one in pods_of(client, namespace, "j"))
    )


def test_no_more_than_parallelism_run_at_once(client, namespace):
    client.create(JOBS, job("j", completions=9, parallelism=3, told=SLOW), namespace=namespace)

    assert eventually(lambda: status(client, namespace, "j").get("ready") == 3)
    assert len(active(pods_of(client, namespace, "j"))) == 3
    client.merge_patch(JOBS, "j", {"spec": {"parallelism": 1}}, namespace=namespace)
    assert eventually(lambda: len(active(pods_of(client, namespace, "j"))) == 1)
    assert not status(client, namespace, "j").get("failed")


def test_an_indexed_job_has_one_pod_for_each_index(client, namespace):
    client.create(JOBS, job("j", completions=3, parallelism=3, completionMode="Indexed"), namespace=namespace)

    assert eventually(lambda: has(client, namespace, "j", "Complete"), 60)
    assert status(client, namespace, "j")["completedIndexes"] == "0-2"
    pods = pods_of(client, namespace, "j")
    indexes = {one["metadata"]["annotations"]["batch.kubernetes.io/job-completion-index"] for one in pods}
    assert indexes == {"0", "1", "2"}
    names = {entry["name"] for entry in pods[0]["spec"]["containers"][0]["env"]}
    assert "JOB_COMPLETION_INDEX" in names


def test_a_job_fails_after_its_back_off_limit(client, namespace):
    told = {"run_seconds": "0", "exit_code": "1"}
    client.create(
        JOBS, job("j", completions=1, parallelism=1, backoffLimit=0, told=told), namespace=namespace
    )

    assert eventually(lambda: has(client, namespace, "j", "Failed"), 60)
    failed = condition_of(client.get(JOBS, "j", namespace), "Failed")
    assert failed["reason"] == "BackoffLimitExceeded"
    assert status(client, namespace, "j")["failed"] == 1


def test_a_job_past_its_deadline_fails_and_its_pods_go(client, namespace):
    client.create(
        JOBS, job("j", parallelism=2, completions=2, activeDeadlineSeconds=2, told=SLOW), namespace=namespace
    )

    assert eventually(lambda: has(client, namespace, "j", "Failed"), 60)
    assert condition_of(client.get(JOBS, "j", namespace), "Failed")["reason"] == "DeadlineExceeded"
    assert eventually(lambda: not active(pods_of(client, namespace, "j")))


def test_a_suspended_job_has_no_pods_until_it_is_resumed(client, namespace):
    client.create(JOBS, job("j", parallelism=1, completions=1, suspend=True, told=SLOW), namespace=namespace)
    assert eventually(lambda: has(client, namespace, "j", "Suspended"))
    assert pods_of(client, namespace, "j") == []

    client.merge_patch(JOBS, "j", {"spec": {"suspend": False}}, namespace=namespace)
    assert eventually(lambda: len(active(pods_of(client, namespace, "j"))) == 1)
    client.merge_patch(JOBS, "j", {"spec": {"suspend": True}}, namespace=namespace)
    assert eventually(lambda: pods_of(client, namespace, "j") == [])
    assert not status(client, namespace, "j").get("failed")


def test_a_finished_job_goes_after_its_time_to_live(client, namespace):
    client.create(
        JOBS, job("j", completions=1, parallelism=1, ttlSecondsAfterFinished=0), namespace=namespace
    )

    assert eventually(lambda: is_gone(client, JOBS, "j", namespace), 60)
    assert eventually(lambda: pods_of(client, namespace, "j") == [])


def test_a_pod_that_is_evicted_by_policy_is_replaced_and_not_counted(client, namespace):
    policy = {
        "rules": [{"action": "Ignore", "onPodConditions": [{"type": "DisruptionTarget", "status": "True"}]}]
    }
    document = job("j", completions=1, parallelism=1, backoffLimit=0, podFailurePolicy=policy, told=SLOW)
    client.create(JOBS, document, namespace=namespace)
    assert eventually(lambda: status(client, namespace, "j").get("ready") == 1)
    victim = pods_of(client, namespace, "j")[0]["metadata"]["name"]

    condition = {
        "type": "DisruptionTarget",
        "status": "True",
        "reason": "PreemptionByScheduler",
        "message": "reclaimed",
        # without it the disruption controller takes the condition for a stale one, and sets it back
        "lastTransitionTime": format_time(datetime.now(UTC)),
    }
    client.strategic_patch(
        PODS, victim, {"status": {"conditions": [condition]}}, namespace=namespace, subresource="status"
    )
    client.delete(PODS, victim, namespace)

    assert eventually(lambda: is_gone(client, PODS, victim, namespace))
    assert eventually(lambda: status(client, namespace, "j").get("ready") == 1), client.get(
        JOBS, "j", namespace
    )["status"]
    assert not has(client, namespace, "j", "Failed")


@pytest.mark.parametrize("propagation", ["Background", "Foreground"])
def test_a_deleted_job_takes_its_pods_with_it(client, namespace, propagation):
    client.create(JOBS, job("j", parallelism=2, completions=2, told=SLOW), namespace=namespace)
    assert eventually(lambda: len(active(pods_of(client, namespace, "j"))) == 2)

    client.delete(JOBS, "j", namespace, propagation=propagation)

    assert eventually(
        lambda: is_gone(client, JOBS, "j", namespace) and not pods_of(client, namespace, "j"), 60
    )


def test_orphaned_pods_stay(client, namespace):
    client.create(JOBS, job("j", parallelism=1, completions=1, told=SLOW), namespace=namespace)
    assert eventually(lambda: len(active(pods_of(client, namespace, "j"))) == 1)

    client.delete(JOBS, "j", namespace, propagation="Orphan")

    assert eventually(lambda: is_gone(client, JOBS, "j", namespace))
    left = pods_of(client, namespace, "j")
    assert len(active(left)) == 1
    assert "ownerReferences" not in left[0]["metadata"]


def test_what_is_owned_goes_with_its_owner(client, namespace):
    owner = client.create(CONFIG_MAPS, config_map("owner"), namespace=namespace)
    reference = {"apiVersion": "v1", "kind": "ConfigMap", "name": "owner", "uid": owner["metadata"]["uid"]}
    child = {**config_map("child"), "metadata": {"name": "child", "ownerReferences": [reference]}}
    client.create(CONFIG_MAPS, child, namespace=namespace)

    client.delete(CONFIG_MAPS, "owner", namespace)

    assert eventually(lambda: is_gone(client, CONFIG_MAPS, "child", namespace))


def deployment(replicas: int, image: str = "example/image:1", **strategy) -> dict:
    template = pod("unused", node="cpu-1", policy="Always")
    template["spec"]["containers"][0]["image"] = image
    return {
        "apiVersion": "apps/v1",
        "kind": "Deployment",
        "metadata": {"name": "d"},
        "spec": {
            "replicas": replicas,
            "selector": {"matchLabels": {"app": "d"}},
            "strategy": strategy or {"type": "RollingUpdate"},
            "template": {
                "metadata": {"labels": {"app": "d"}, "annotations": template["metadata"]["annotations"]},
                "spec": template["spec"],
            },
        },
    }


def rolled_out(client, namespace, replicas: int) -> bool:
    document = client.get(DEPLOYMENTS, "d", namespace)
    now = document.get("status") or {}
    return (
        now.get("observedGeneration") == document["metadata"]["generation"]
        and now.get("updatedReplicas", 0)
        == now.get("availableReplicas", 0)
        == now.get("replicas", 0)
        == replicas
    )


def test_a_deployment_scales_and_rolls(client, namespace):
    client.create(DEPLOYMENTS, deployment(3), namespace=namespace)
    assert eventually(lambda: rolled_out(client, namespace, 3))

    client.merge_patch(DEPLOYMENTS, "d", {"spec": {"replicas": 5}}, namespace=namespace)
    assert eventually(lambda: rolled_out(client, namespace, 5))

    image = {"spec": {"template": {"spec": {"containers": [{"name": "main", "image": "example/image:2"}]}}}}
    client.strategic_patch(DEPLOYMENTS, "d", image, namespace=namespace)
    assert eventually(lambda: rolled_out(client, namespace, 5), 60)
    assert eventually(
        lambda: (
            {one["spec"]["containers"][0]["image"] for one in active(client.list(PODS, namespace).items)}
            == {"example/image:2"}
        )
    )
    revisions = {
        one["metadata"]["annotations"]["deployment.kubernetes.io/revision"]: one["spec"]["replicas"]
        for one in client.list(REPLICA_SETS, namespace).items
    }
    assert revisions == {"1": 0, "2": 5}
    cause = {"kubernetes.io/change-cause": "a newer image"}
    client.merge_patch(DEPLOYMENTS, "d", {"metadata": {"annotations": cause}}, namespace=namespace)
    assert eventually(
        lambda: (
            [
                one["spec"]["replicas"]
                for one in client.list(REPLICA_SETS, namespace).items
                if cause.items() <= one["metadata"]["annotations"].items()
            ]
            == [5]
        )
    )
    assert condition_of(client.get(DEPLOYMENTS, "d", namespace), "Available")["status"] == "True"


def test_a_recreated_deployment_never_runs_old_and_new_together(client, namespace):
    client.create(DEPLOYMENTS, deployment(2, type="Recreate"), namespace=namespace)
    assert eventually(lambda: rolled_out(client, namespace, 2))

    image = {"spec": {"template": {"spec": {"containers": [{"name": "main", "image": "example/image:2"}]}}}}
    client.strategic_patch(DEPLOYMENTS, "d", image, namespace=namespace)

    seen: set[frozenset[str]] = set()

    def look() -> bool:
        running = [
            one for one in client.list(PODS, namespace).items if one["status"].get("phase") == "Running"
        ]
        seen.add(frozenset(one["spec"]["containers"][0]["image"] for one in running))
        return rolled_out(client, namespace, 2) and seen >= {frozenset({"example/image:2"})}

    assert eventually(look, 60)
    assert all(len(images) <= 1 for images in seen)


def test_a_lost_replica_is_replaced(client, namespace):
    client.create(DEPLOYMENTS, deployment(2), namespace=namespace)
    assert eventually(lambda: rolled_out(client, namespace, 2))
    victim = active(client.list(PODS, namespace).items)[0]["metadata"]["name"]

    client.delete(PODS, victim, namespace)

    assert eventually(
        lambda: (
            len(active(client.list(PODS, namespace).items)) == 2
            and victim not in {one["metadata"]["name"] for one in client.list(PODS, namespace).items}
        ),
        60,
    )
