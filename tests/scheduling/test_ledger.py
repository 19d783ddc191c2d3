"""What was noted is written in order: at once while nothing is under way, behind effects otherwise, but never much later."""

import pytest

from scheduling.ledger import LONGEST_WAIT_SECONDS, QUIET_SECONDS, Ledger

pytestmark = pytest.mark.django_db


class Seconds:
    def __init__(self) -> None:
        self.now = 100.0

    def __call__(self) -> float:
        return self.now


@pytest.fixture
def seconds() -> Seconds:
    return Seconds()


@pytest.fixture
def ledger(seconds: Seconds) -> Ledger:
    return Ledger(seconds)


def test_in_the_order_of_the_notes_and_once(ledger: Ledger) -> None:
    written: list[int] = []
    for number in range(3):
        ledger.note(lambda number=number: written.append(number))  # type: ignore[misc]
    ledger.write()
    ledger.write()
    assert written == [0, 1, 2]


def test_the_first_note_need_not_wait_and_the_next_come_together(ledger: Ledger, seconds: Seconds) -> None:
    ledger.note(int)
    assert ledger.is_due(busy=False)
    ledger.write()
    ledger.note(int)
    seconds.now += QUIET_SECONDS / 2
    assert not ledger.is_due(busy=False)
    seconds.now += QUIET_SECONDS / 2
    assert ledger.is_due(busy=False)


def test_effects_under_way_go_first_but_not_for_ever(ledger: Ledger, seconds: Seconds) -> None:
    ledger.note(int)
    assert not ledger.is_due(busy=True)
    seconds.now += LONGEST_WAIT_SECONDS
    ledger.note(int)
    assert ledger.is_due(busy=True), "the eldest has waited long enough"
    ledger.write()
    ledger.note(int)
    assert not ledger.is_due(busy=True)


def test_what_could_not_be_written_stays_noted(ledger: Ledger) -> None:
    fails = [True]
    written: list[str] = []

    def write() -> None:
        if fails:
            raise OSError("the database is away")
        written.append("first")

    ledger.note(write)
    ledger.note(lambda: written.append("second"))
    with pytest.raises(OSError, match="away"):
        ledger.write()
    fails.clear()
    ledger.write()
    assert written == ["first", "second"]


def test_of_what_is_noted_anew_only_the_newest_is_written_in_its_place(ledger: Ledger) -> None:
    written: list[str] = []
    ledger.note(lambda: written.append("old"), instead_of="standing")
    ledger.note(lambda: written.append("between"))
    ledger.note(lambda: written.append("new"), instead_of="standing")
    ledger.write()
    assert written == ["between", "new"]


def test_with_nothing_noted_there_is_nothing_to_write(ledger: Ledger, seconds: Seconds) -> None:
    """A cluster in which nothing happens costs no transaction."""
    assert not ledger.is_due(busy=False)
    ledger.note(int)
    ledger.write()
    seconds.now += 10 * LONGEST_WAIT_SECONDS
    assert not ledger.is_due(busy=False)
    assert not ledger.is_due(busy=True)
