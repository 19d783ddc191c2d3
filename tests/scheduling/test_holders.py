"""Who holds a lease, and when a successor need not wait for it to run out."""

import os
import subprocess
import sys
from typing import Any

import pytest

from scheduling.holders import is_dead, unique_holder
from tests.scheduling.documents import make_node
from tests.scheduling.fake_cluster import FakeCluster


def holder_of(pid: int) -> str:
    host, space, _, token = unique_holder().split("/")
    return "/".join([host, space, str(pid), token])


def ended_pid() -> int:
    child = subprocess.Popen([sys.executable, "-c", ""])
    child.wait()
    return child.pid


def test_two_processes_and_two_starts_never_share_a_name() -> None:
    assert unique_holder() != unique_holder()
    assert str(os.getpid()) in unique_holder().split("/")


def test_a_process_that_has_ended_is_dead_and_one_that_runs_is_not() -> None:
    assert is_dead(holder_of(ended_pid()))
    assert not is_dead(holder_of(os.getpid()))
    assert not is_dead(holder_of(1))


@pytest.mark.parametrize(
    "holder", ["", "first", "host-12-ab", "elsewhere/b.1/99999999/ab", "////", "h//99999999/ab", "h/s/x/ab"]
)
def test_of_others_nothing_is_known(holder: str) -> None:
    assert not is_dead(holder)


def test_of_another_container_on_this_machine_nothing_is_known() -> None:
    host, space, _, token = unique_holder().split("/")
    assert not is_dead("/".join([host, f"{space}0", str(ended_pid()), token]))


@pytest.mark.django_db(transaction=True)
def test_a_successor_does_not_wait_for_the_lease_of_a_dead_process(make_runner: Any) -> None:
    cluster = FakeCluster(nodes=[make_node("n1")])
    make_runner(cluster, holder=holder_of(ended_pid())).run(cluster.world)
    assert make_runner(cluster, holder="second").run(cluster.world).led

    rival = FakeCluster(nodes=[make_node("n1")])
    make_runner(rival, holder=holder_of(os.getpid())).run(rival.world)
    assert not make_runner(rival, holder="second").run(rival.world).led
