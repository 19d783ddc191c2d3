"""Each key is worked on by one at a time, as often as needed and no more."""

import threading
import time

from cluster.errors import ClusterUnavailable
from cluster.simulator.work_queue import WorkQueue
from tests.cluster.waiting import eventually


def test_a_key_named_often_while_it_waits_is_worked_on_once():
    seen: list[str] = []
    queue: WorkQueue[str] = WorkQueue("test", seen.append, threads=2)
    for _ in range(5):
        queue.add("a")
    queue.start()

    assert eventually(queue.idle)
    queue.stop()
    assert seen == ["a"]


def test_a_key_named_while_it_is_worked_on_comes_again_afterwards_and_never_at_once():
    running, most, runs = 0, 0, 0
    lock, begun, go_on = threading.Lock(), threading.Event(), threading.Event()

    def handle(key: str) -> None:
        nonlocal running, most, runs
        with lock:
            running, runs = running + 1, runs + 1
            most = max(most, running)
        begun.set()
        go_on.wait(5)
        with lock:
            running -= 1

    queue: WorkQueue[str] = WorkQueue("test", handle, threads=4)
    queue.start()
    queue.add("a")
    assert begun.wait(5)
    for _ in range(3):
        queue.add("a")
    go_on.set()

    assert eventually(queue.idle)
    queue.stop()
    assert (most, runs) == (1, 2)


def test_what_fails_is_tried_again_and_stops_nothing_else():
    tries: dict[str, int] = {"down": 0, "broken": 0, "fine": 0}

    def handle(key: str) -> None:
        tries[key] += 1
        if key == "down" and tries[key] < 3:
            raise ClusterUnavailable("away")
        if key == "broken" and tries[key] < 2:
            raise RuntimeError("a mistake of ours")

    queue: WorkQueue[str] = WorkQueue("test", handle, threads=1)
    queue.start()
    for key in tries:
        queue.add(key)

    assert eventually(lambda: tries == {"down": 3, "broken": 2, "fine": 1})
    queue.stop()


def test_what_is_put_off_comes_at_its_time():
    seen: list[float] = []
    queue: WorkQueue[str] = WorkQueue("test", lambda key: seen.append(time.monotonic()), threads=1)
    queue.start()
    asked = time.monotonic()
    queue.add_after("a", 0.2)

    assert eventually(lambda: len(seen) == 1)
    queue.stop()
    assert seen[0] - asked >= 0.2
