"""CronJobs make a Job at each moment of their schedule, on both servers.

The real controller goes by the real clock, so these wait for the next full minute: once, for all of them.
"""

from typing import Any

from cluster.client import ClusterClient
from cluster.kinds import CRON_JOBS, JOBS
from tests.cluster.suite.objects import job
from tests.cluster.waiting import eventually

MINUTE = 75
"""Seconds until the next full minute, at most, and some to see its effect."""


def cron_job(name: str, run_seconds: str = "0.2", **spec: Any) -> dict[str, Any]:
    template = job("unused", told={"run_seconds": run_seconds})
    return {
        "apiVersion": "batch/v1",
        "kind": "CronJob",
        "metadata": {"name": name},
        "spec": {
            "schedule": "* * * * *",
            "jobTemplate": {"metadata": {"labels": {"made-by": name}}, "spec": template["spec"]},
            **spec,
        },
    }


def jobs_of(client: ClusterClient, namespace: str, name: str) -> list[dict[str, Any]]:
    return client.list(JOBS, namespace, label_selector=f"made-by={name}").items


def finished_before(client: ClusterClient, namespace: str, name: str, number: int) -> None:
    """A Job that the CronJob owns as if it had made it earlier."""
    owner = client.get(CRON_JOBS, name, namespace)
    document = job(f"{name}-old-{number}")
    document["metadata"] |= {
        "labels": {"made-by": name},
        "ownerReferences": [
            {
                "apiVersion": "batch/v1",
                "kind": "CronJob",
                "name": name,
                "uid": owner["metadata"]["uid"],
                "controller": True,
                "blockOwnerDeletion": True,
            }
        ],
    }
    client.create(JOBS, document, namespace=namespace)


def test_a_schedule_makes_jobs_as_its_policies_say(client, namespace):
    client.create(CRON_JOBS, cron_job("plain"), namespace=namespace)
    client.create(CRON_JOBS, cron_job("paused", suspend=True), namespace=namespace)
    client.create(CRON_JOBS, cron_job("one", "3600", concurrencyPolicy="Forbid"), namespace=namespace)
    client.create(
        CRON_JOBS, cron_job("short", suspend=True, successfulJobsHistoryLimit=1), namespace=namespace
    )
    for number in (1, 2):
        finished_before(client, namespace, "short", number)

    assert eventually(
        lambda: len(jobs_of(client, namespace, "short")) == 1, 30
    )  # the older one was cleaned up
    assert eventually(lambda: jobs_of(client, namespace, "plain"), MINUTE)
    (made,) = jobs_of(client, namespace, "plain")
    assert made["metadata"]["annotations"]["batch.kubernetes.io/cronjob-scheduled-timestamp"]
    moment = made["metadata"]["name"].removeprefix("plain-")
    assert int(moment) > 29_000_000  # minutes since 1970

    assert eventually(lambda: jobs_of(client, namespace, "one"), 10)
    only = jobs_of(client, namespace, "one")[0]["metadata"]["name"]

    def is_told() -> bool:  # after the Job is made
        status = client.get(CRON_JOBS, "one", namespace).get("status") or {}
        return [one["name"] for one in status.get("active") or []] == [only] and "lastScheduleTime" in status

    assert eventually(is_told)

    def has_succeeded() -> bool:
        status = client.get(CRON_JOBS, "plain", namespace)["status"]
        return "lastSuccessfulTime" in status and not status.get("active")

    assert eventually(has_succeeded, 20)
    assert jobs_of(client, namespace, "paused") == []

    client.delete(CRON_JOBS, "one", namespace)
    assert eventually(lambda: jobs_of(client, namespace, "one") == [], 30)  # it takes its Jobs with it
