"""Events come after the effects they tell of, and never hold them up."""

import threading
from datetime import UTC, datetime
from typing import Any

import pytest

from cluster.errors import ClusterUnavailable
from scheduling import announcing
from scheduling.announcing import Announcer, News
from scheduling.pod_facts import Alike, PodFacts, read_pod
from tests.cluster.waiting import eventually
from tests.scheduling.documents import make_pod

NOW = datetime(2030, 1, 1, tzinfo=UTC)


class Recorder:
    """Notes what it is told; `gate` closed makes it wait, as a slow server would."""

    def __init__(self) -> None:
        self.notes: list[str] = []
        self.gate = threading.Event()
        self.gate.set()
        self.broken = 0

    def record(self, regarding: Any, *, note: str, **_: Any) -> None:
        assert self.gate.wait(10)
        if self.broken:
            self.broken -= 1
            raise ClusterUnavailable("the server is away")
        self.notes.append(note)


@pytest.fixture
def recorder() -> Recorder:
    return Recorder()


def pod() -> PodFacts:
    return read_pod(make_pod("p"), Alike())


def news(note: str) -> News:
    return News(pod(), "Scheduled", note, "Binding", NOW)


def make(recorder: Recorder) -> Announcer:
    return Announcer(recorder)  # type: ignore[arg-type]


def test_everything_told_is_written_in_order(recorder: Recorder) -> None:
    announcer = make(recorder)
    for number in range(50):
        announcer.tell(news(str(number)))

    assert announcer.flush(10)
    assert recorder.notes == [str(number) for number in range(50)]
    announcer.close()


def test_nothing_is_written_while_effects_are_under_way(recorder: Recorder) -> None:
    announcer = make(recorder)
    with announcer.after_effects():
        announcer.tell(news("later"))
        assert not announcer.flush(0.2)
        assert recorder.notes == []

    assert announcer.flush(10)
    assert recorder.notes == ["later"]
    announcer.close()


def test_effects_without_end_hold_an_event_back_only_for_a_while(
    recorder: Recorder, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(announcing, "LONGEST_WAIT_SECONDS", 0.1)
    announcer = make(recorder)
    with announcer.after_effects():
        announcer.tell(news("at last"))
        assert announcer.flush(10)

    assert recorder.notes == ["at last"]
    announcer.close()


def test_one_that_cannot_be_written_does_not_end_the_others(recorder: Recorder) -> None:
    recorder.broken = 1
    announcer = make(recorder)
    announcer.tell(news("lost"))
    announcer.tell(news("written"))

    assert announcer.flush(10)
    assert recorder.notes == ["written"]
    announcer.close()


def test_a_slow_server_never_makes_the_teller_wait(
    recorder: Recorder, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(announcing, "WAITING_AT_MOST", 5)
    recorder.gate.clear()
    announcer = make(recorder)
    announcer.tell(news("first"))
    assert eventually(lambda: not announcer._waiting)
    for number in range(10):
        announcer.tell(news(str(number)))

    recorder.gate.set()
    assert announcer.flush(10)
    assert recorder.notes == ["first", "0", "1", "2", "3", "4"]
    announcer.close()


def test_a_stop_writes_what_was_told(recorder: Recorder) -> None:
    announcer = make(recorder)
    with announcer.after_effects():
        for number in range(20):
            announcer.tell(news(str(number)))
        announcer.close()

    assert len(recorder.notes) == 20
    announcer.tell(news("too late"))
    assert len(recorder.notes) == 20
