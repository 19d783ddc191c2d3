"""The controller's queue: each key once, in time, never two at a time, and back after a failure."""

from dataclasses import dataclass

from hypothesis import given
from hypothesis import strategies as st

from workloads.work_queue import WorkQueue


@dataclass
class Clock:
    now: float = 0.0

    def __call__(self) -> float:
        return self.now


def test_a_key_added_twice_is_worked_on_once() -> None:
    queue = WorkQueue(Clock())
    queue.add("a")
    queue.add("a")

    assert queue.take(0) == "a"
    queue.done("a")
    assert queue.take(0) is None


def test_the_earliest_of_several_wishes_counts() -> None:
    clock = Clock()
    queue = WorkQueue(clock)
    queue.add("a", after_seconds=10)
    queue.add("a", after_seconds=1)
    queue.add("a", after_seconds=5)

    assert queue.take(0) is None
    clock.now = 1.0
    assert queue.take(0) == "a"
    queue.done("a")
    clock.now = 20.0
    assert queue.take(0) is None


def test_a_key_added_while_it_is_worked_on_comes_again_afterwards() -> None:
    queue = WorkQueue(Clock())
    queue.add("a")
    assert queue.take(0) == "a"
    queue.add("a")
    assert queue.take(0) is None  # never two at a time

    queue.done("a")
    assert queue.take(0) == "a"


def test_a_failed_key_comes_back_after_a_pause_that_doubles() -> None:
    clock = Clock()
    queue = WorkQueue(clock)
    queue.add("a")
    for pause in (0.5, 1.0, 2.0, 4.0):
        assert queue.take(0) == "a"
        queue.done("a", failed=True)
        clock.now += pause - 0.01
        assert queue.take(0) is None
        clock.now += 0.01


@given(st.lists(st.tuples(st.sampled_from("abcd"), st.floats(0, 100)), max_size=30))
def test_nothing_is_lost_and_nothing_is_early(wishes: list[tuple[str, float]]) -> None:
    clock = Clock()
    queue = WorkQueue(clock)
    earliest: dict[str, float] = {}
    for key, after in wishes:
        queue.add(key, after_seconds=after)
        earliest[key] = min(after, earliest.get(key, after))
    taken: dict[str, float] = {}
    for moment in sorted(earliest.values()):
        clock.now = moment
        while (key := queue.take(0)) is not None:
            taken[key] = moment
            queue.done(key)

    assert taken == earliest
