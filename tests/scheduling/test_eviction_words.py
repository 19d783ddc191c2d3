"""What the owner of a pod reads when it is taken back."""

from scheduling.engine.model.queues import Queue
from scheduling.engine.plan import Eviction
from scheduling.eviction_words import Parties, eviction_sentence, meeting_queue

QUEUES = [
    Queue("research"),
    Queue("product"),
    Queue("vision", parent="research"),
    Queue("speech", parent="research"),
    Queue("recsys", parent="product"),
]


def reclaimed(rule: str, gainer_queue: str) -> str:
    numbers = {"unit": 0, "allocated": 8000, "deserved": 4000, "fair_share": 5500}
    eviction = Eviction("t", "g", "n", "reclaim", rule, "w", numbers)
    return eviction_sentence(eviction, Parties("h100", "vision", gainer_queue, "secret-plan"), QUEUES)


def test_a_reclaim_says_what_was_held_and_what_the_share_is_and_names_nobody_else() -> None:
    sentence = reclaimed("over-fair-share", "speech")
    assert "vision held 8 GPUs in h100, its fair share was 5.5 GPUs" in sentence
    assert "secret-plan" not in sentence
    assert "speech" not in sentence


def test_between_departments_the_departments_are_compared() -> None:
    assert "research held 8 GPUs" in reclaimed("over-fair-share", "recsys")
    assert meeting_queue("vision", "recsys", QUEUES) == "research"
    assert meeting_queue("vision", "speech", QUEUES) == "vision"


def test_what_goes_below_the_quota_of_another_is_told_by_the_quota() -> None:
    sentence = reclaimed("guaranteed-quota", "speech")
    assert "its quota is 4 GPUs" in sentence
    assert "within its quota" in sentence


def test_inside_the_project_the_winner_is_named_with_both_priorities() -> None:
    numbers = {"priority": 40, "beneficiary_priority": 150}
    eviction = Eviction("t", "g", "n", "preempt", "higher-priority", "w", numbers)
    sentence = eviction_sentence(eviction, Parties("h100", "vision", "vision", "urgent"), QUEUES)
    assert sentence == "Interrupted for urgent: its priority is Very high, this one's is Low."


def test_a_move_and_a_broken_gang_are_told() -> None:
    moved = Eviction("t", "g", "n", "consolidate", "room", "w")
    assert "Moved" in eviction_sentence(moved, Parties("h100", "vision", "speech", "x"), QUEUES)
    broken = Eviction("t", "g", "n", "evict_broken_gangs", "below-minimum", "", {"stale_seconds": 61})
    assert "61 s" in eviction_sentence(broken, Parties("h100", "vision"), QUEUES)
