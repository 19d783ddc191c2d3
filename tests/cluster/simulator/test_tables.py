"""Tables show what kubectl shows."""

from datetime import UTC, datetime
from typing import Any

import pytest

from cluster.simulator.tables.ages import age, human_duration
from cluster.simulator.tables.json_paths import first_at
from cluster.simulator.tables.pods import pod_cells, pod_reason
from cluster.simulator.tables.printing import CELLS, _columns
from cluster.simulator.tables.workloads import job_cells

NOW = datetime(2030, 1, 2, 12, tzinfo=UTC)


@pytest.mark.parametrize(
    ("seconds", "text"),
    [
        (-5, "<invalid>"),
        (-0.5, "0s"),
        (0, "0s"),
        (119, "119s"),
        (120, "2m"),
        (135, "2m15s"),
        (599, "9m59s"),
        (600, "10m"),
        (179 * 60, "179m"),
        (180 * 60, "3h"),
        (3 * 3600 + 60, "3h1m"),
        (8 * 3600, "8h"),
        (47 * 3600, "47h"),
        (48 * 3600, "2d"),
        (50 * 3600, "2d2h"),
        (8 * 86400, "8d"),
        (400 * 86400, "400d"),
        (3 * 365 * 86400 + 86400, "3y1d"),
        (9 * 365 * 86400, "9y"),
    ],
)
def test_durations(seconds: float, text: str) -> None:
    assert human_duration(seconds) == text


def test_an_unknown_time_has_an_unknown_age() -> None:
    assert age(None, NOW) == age("soon", NOW) == "<unknown>"
    assert age("2030-01-02T11:00:00Z", NOW) == "60m"


def pod(status: dict[str, Any], **metadata: Any) -> dict[str, Any]:
    return {
        "metadata": {"name": "p", "creationTimestamp": "2030-01-02T11:59:00Z", **metadata},
        "spec": {"containers": [{"name": "c"}]},
        "status": status,
    }


def container(**state: Any) -> list[dict[str, Any]]:
    return [{"name": "c", "ready": False, "restartCount": 0, "state": state}]


@pytest.mark.parametrize(
    ("status", "metadata", "word"),
    [
        ({"phase": "Pending"}, {}, "Pending"),
        (
            {"phase": "Pending", "containerStatuses": container(waiting={"reason": "ImagePullBackOff"})},
            {},
            "ImagePullBackOff",
        ),
        (
            {
                "phase": "Failed",
                "containerStatuses": container(terminated={"reason": "OOMKilled", "exitCode": 137}),
            },
            {},
            "OOMKilled",
        ),
        ({"phase": "Failed", "containerStatuses": container(terminated={"exitCode": 3})}, {}, "ExitCode:3"),
        (
            {"phase": "Failed", "containerStatuses": container(terminated={"exitCode": 1, "signal": 9})},
            {},
            "Signal:9",
        ),
        ({"phase": "Failed", "reason": "Evicted"}, {}, "Evicted"),
        (
            {
                "phase": "Succeeded",
                "containerStatuses": container(terminated={"reason": "Completed", "exitCode": 0}),
            },
            {},
            "Completed",
        ),
        ({"phase": "Running"}, {"deletionTimestamp": "2030-01-02T12:00:00Z"}, "Terminating"),
        (
            {"phase": "Running", "reason": "NodeLost"},
            {"deletionTimestamp": "2030-01-02T12:00:00Z"},
            "Unknown",
        ),
        (
            {"phase": "Pending", "conditions": [{"type": "PodScheduled", "reason": "SchedulingGated"}]},
            {},
            "SchedulingGated",
        ),
        (
            {
                "phase": "Pending",
                "initContainerStatuses": [
                    {"name": "i", "state": {"waiting": {"reason": "CrashLoopBackOff"}}}
                ],
            },
            {},
            "Init:CrashLoopBackOff",
        ),
    ],
)
def test_the_word_for_a_pod(status: dict[str, Any], metadata: dict[str, Any], word: str) -> None:
    assert pod_reason(pod(status, **metadata)) == word


def test_restarts_say_when_the_last_one_was() -> None:
    entry = {"name": "c", "ready": True, "restartCount": 3, "state": {"running": {}}}
    entry["lastState"] = {"terminated": {"finishedAt": "2030-01-02T11:58:00Z"}}
    cells = pod_cells(pod({"phase": "Running", "containerStatuses": [entry]}), NOW)

    assert cells[:5] == ["p", "1/1", "Running", "3 (2m ago)", "60s"]


def test_the_duration_of_a_job_ends_with_it() -> None:
    times = {"startTime": "2030-01-02T11:00:00Z", "completionTime": "2030-01-02T11:00:42Z"}
    status = {"succeeded": 2, "conditions": [{"type": "Complete", "status": "True"}], **times}
    job = {"metadata": {"name": "j"}, "spec": {"completions": 2}, "status": status}

    assert job_cells(job, NOW)[:4] == ["j", "Complete", "2/2", "42s"]


def test_rows_have_a_cell_for_each_column() -> None:
    bare: dict[str, Any] = {"metadata": {"name": "x"}, "roleRef": {"kind": "Role", "name": "r"}}
    lengths = {storage: (len(cells(bare, NOW)), len(_columns()[storage])) for storage, cells in CELLS.items()}

    assert {storage: pair for storage, pair in lengths.items() if pair[0] != pair[1]} == {}


DOCUMENT = {"spec": {"size": 3, "a.b": 1, "list": [{"n": "x", "v": 1}, {"n": "y", "v": 2}]}}


@pytest.mark.parametrize(
    ("path", "value"),
    [
        (".spec.size", 3),
        (".spec.list[1].n", "y"),
        (".spec.list[-1].v", 2),
        (".spec.list[*].n", "x"),
        ('.spec.list[?(@.n=="y")].v', 2),
        ('.spec.list[?(@.n!="x")].v', 2),
        (".spec.list[?(@.v==2)].n", "y"),
        (".spec.list[?(@.absent)].n", None),
        (".spec.list[-1:].n", "y"),
        (".spec.list[:1].n", "x"),
        (".spec.list[5:].n", None),
        (".spec['a.b']", 1),
        (r".spec.a\.b", 1),
        (".spec.none.deeper", None),
        (".spec.list[7]", None),
    ],
)
def test_printer_columns_follow_their_paths(path: str, value: Any) -> None:
    assert first_at(DOCUMENT, path) == value
