"""What a container's command says decides its end, and with it the pod's restarts and the Job's end, on both servers."""

import pytest

from cluster.documents import condition_of, name_of
from cluster.kinds import JOBS, PODS
from tests.cluster.suite.objects import job, pod
from tests.cluster.waiting import eventually


def run(client, namespace: str, *command: str, policy: str = "Never") -> None:
    document = pod("p", node="cpu-1", policy=policy)
    document["spec"]["containers"][0]["command"] = list(command)
    client.create(PODS, document, namespace=namespace)


def run_job(client, namespace: str, *command: str, **spec) -> None:
    document = job("j", told={"pull_seconds": "0"}, **spec)
    document["spec"]["template"]["spec"]["containers"][0]["command"] = list(command)
    client.create(JOBS, document, namespace=namespace)


def status(client, namespace: str) -> dict:
    return client.get(PODS, "p", namespace)["status"]


def container(client, namespace: str) -> dict:
    return (status(client, namespace).get("containerStatuses") or [{}])[0]


@pytest.mark.parametrize(
    ("command", "phase", "code", "log"),
    [
        (["true"], "Succeeded", 0, ""),
        (["false"], "Failed", 1, ""),
        (["sh", "-c", "echo hello; sleep 1; exit 3"], "Failed", 3, "hello\n"),
    ],
)
def test_a_pod_ends_as_its_program_says(client, namespace, command, phase, code, log):
    run(client, namespace, *command)

    assert eventually(lambda: status(client, namespace).get("phase") == phase)
    assert container(client, namespace)["state"]["terminated"]["exitCode"] == code
    assert client.logs(namespace, "p") == log


def test_a_program_that_ends_is_started_again_where_the_pod_says_so(client, namespace):
    run(client, namespace, "sh", "-c", "date; exit 7", policy="OnFailure")

    assert eventually(lambda: container(client, namespace).get("restartCount", 0) >= 1)
    assert container(client, namespace)["lastState"]["terminated"]["exitCode"] == 7
    assert eventually(
        lambda: container(client, namespace)["state"].get("waiting", {}).get("reason") == "CrashLoopBackOff"
    )


def test_a_failing_program_uses_up_a_jobs_retries(client, namespace):
    run_job(client, namespace, "false", backoffLimit=0)

    assert eventually(lambda: condition_of(client.get(JOBS, "j", namespace), "Failed"))
    assert condition_of(client.get(JOBS, "j", namespace), "Failed")["reason"] == "BackoffLimitExceeded"


def test_an_exit_code_reaches_the_jobs_rules(client, namespace):
    rules = [{"action": "FailJob", "onExitCodes": {"operator": "In", "values": [42]}}]
    script = 'echo "Hello world!" && sleep 1 && exit 42'
    run_job(client, namespace, "bash", "-c", script, podFailurePolicy={"rules": rules})

    assert eventually(lambda: condition_of(client.get(JOBS, "j", namespace), "Failed"))
    failed = condition_of(client.get(JOBS, "j", namespace), "Failed")
    assert (failed["reason"], "exit code 42" in failed["message"]) == ("PodFailurePolicy", True)


def test_a_job_is_complete_when_its_program_is(client, namespace):
    run_job(
        client,
        namespace,
        "sh",
        "-c",
        "echo index $JOB_COMPLETION_INDEX",
        completions=2,
        completionMode="Indexed",
    )

    assert eventually(lambda: client.get(JOBS, "j", namespace)["status"].get("succeeded") == 2)
    pods = client.list(PODS, namespace, label_selector="batch.kubernetes.io/job-name=j").items
    logs = {client.logs(namespace, name_of(one)) for one in pods}
    assert logs == {"index 0\n", "index 1\n"}


def test_a_program_without_an_end_runs_until_its_pod_goes(client, namespace):
    run(client, namespace, "sleep", "infinity")
    assert eventually(lambda: status(client, namespace).get("phase") == "Running")

    client.delete(PODS, "p", namespace)

    assert eventually(lambda: not client.list(PODS, namespace).items)
