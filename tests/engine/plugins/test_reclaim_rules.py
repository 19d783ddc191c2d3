"""Who may take room from whom."""

import pytest

from scheduling.engine.plugins.fair_share.reclaim_rules import QueueStanding, accepts, may_try
from tests.conformance.folder import recorded_folder
from tests.conformance.recorded_pairs import read_pairs, reclaim_answer

FOLDER = recorded_folder()


def standing(
    name: str, *, deserved: int, share: int, allocated: int, firm: int = 0, parent: str | None = None
) -> QueueStanding:
    """GPUs only."""
    return QueueStanding(name, parent, (deserved,), (None,), (share,), (allocated,), (firm,))


def named(*standings: QueueStanding) -> dict[str, QueueStanding]:
    return {one.name: one for one in standings}


@pytest.mark.skipif(FOLDER is None, reason="the recorded pairs are not on this machine")
@pytest.mark.parametrize("name", ["can_reclaim", "reclaimable"])
def test_every_recorded_answer_is_reproduced(name: str) -> None:
    assert FOLDER is not None
    wrong = [
        (number, pair["test"])
        for number, pair in enumerate(read_pairs(FOLDER, name))
        if reclaim_answer(pair) is not pair["result"]
    ]

    assert wrong == []


def test_a_queue_within_its_quota_takes_back_what_was_lent() -> None:
    queues = named(
        standing("vision", deserved=2, share=3, allocated=4),
        standing("speech", deserved=2, share=2, allocated=0),
    )

    assert accepts(queues, queue="speech", request=(1,), preemptible=True, victims={"vision": [(1,)]})


def test_nobody_falls_below_the_line_by_more_than_the_last_unit() -> None:
    queues = named(
        standing("vision", deserved=2, share=2, allocated=4),
        standing("speech", deserved=4, share=4, allocated=0),
    )

    def may(units: list[int]) -> bool:
        victims = {"vision": [(unit,) for unit in units]}
        return accepts(queues, queue="speech", request=(3,), preemptible=True, victims=victims)

    assert may([1, 1])
    assert may([1, 2])
    assert not may([1, 1, 1])


def test_two_queues_above_their_share_do_not_swap() -> None:
    queues = named(
        standing("vision", deserved=1, share=2, allocated=3),
        standing("speech", deserved=1, share=2, allocated=2),
    )

    assert not accepts(queues, queue="speech", request=(1,), preemptible=True, victims={"vision": [(1,)]})


def test_projects_of_two_departments_meet_as_departments() -> None:
    queues = named(
        standing("research", deserved=4, share=4, allocated=4),
        standing("sales", deserved=4, share=4, allocated=3),
        standing("vision", deserved=1, share=2, allocated=4, parent="research"),
        standing("shop", deserved=4, share=4, allocated=3, parent="sales"),
    )

    assert not accepts(queues, queue="shop", request=(1,), preemptible=True, victims={"vision": [(1,)]})


@pytest.mark.parametrize(("firm", "allowed"), [(1, True), (2, False)])
def test_firm_requests_stay_within_the_quota(firm: int, allowed: bool) -> None:
    queue = standing("speech", deserved=2, share=4, allocated=2, firm=firm)

    assert may_try(queue, (1,), preemptible=True)
    assert may_try(queue, (1,), preemptible=False) is allowed
