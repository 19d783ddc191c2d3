"""Pure: what is written on a pod: why it waits (annotation runai.io/refusal) or why it was taken back (runai.io/eviction)."""

import json
from collections.abc import Mapping
from typing import Any

from scheduling.engine.plan import Eviction, Refusal

BYTES_AT_MOST = 4000
"""A little under the 4 KiB that pods carry."""
MESSAGE_AT_MOST = 1000

Json = dict[str, Any]


def refusal_document(refusal: Refusal, *, gang: str, pool: str) -> Json:
    """The refusal as JSON; what explains most comes first, and the tail is dropped when it grows too long."""
    document: Json = {
        "code": str(refusal.reason),
        "message": refusal.message[:MESSAGE_AT_MOST],
        "gang": gang,
        "pool": pool,
        "queue": refusal.queue,
        "ahead": refusal.ahead,
        "numbers": dict(refusal.numbers),
        "tally": dict(refusal.tally),
    }
    if refusal.counterfactual is not None:
        change = refusal.counterfactual
        document["counterfactual"] = {
            "kind": change.kind,
            "sentence": change.sentence,
            "amount": change.amount,
            "subject": change.subject,
        }
    return shortened(document)


def spoken(document: Json) -> str:
    """For who reads the pod with kubectl: the reason, what would change it, and how many go first."""
    said = [str(document["message"])]
    change, ahead = document.get("counterfactual"), document.get("ahead") or 0
    if change:
        said.append(str(change["sentence"]))
    if ahead:
        said.append(f"{ahead} {'is' if ahead == 1 else 'are'} ahead of it in its queue.")
    return " ".join(said)[:MESSAGE_AT_MOST]


def problem_document(code: str, message: str) -> Json:
    """A refusal that came from reading the pod, before any decision."""
    return shortened({"code": code, "message": message[:MESSAGE_AT_MOST]})


def eviction_document(eviction: Eviction, *, sentence: str, beneficiary: str) -> Json:
    """`beneficiary` is the name of the gang that gains, or "" where the owner of the pod may not know it."""
    return shortened(
        {
            "action": eviction.action,
            "rule": eviction.rule,
            "message": sentence[:MESSAGE_AT_MOST],
            "beneficiary": beneficiary,
            "numbers": dict(eviction.numbers),
        }
    )


def shortened(document: Json) -> Json:
    """Within the limit: tallies, numbers and counterfactuals go before the sentence does."""
    for droppable in ("tally", "counterfactual", "numbers"):
        if size_of(document) <= BYTES_AT_MOST:
            return document
        if droppable in document:
            document = {key: value for key, value in document.items() if key != droppable}
    return document


def size_of(document: Mapping[str, Any]) -> int:
    return len(json.dumps(document, separators=(",", ":"), sort_keys=True).encode())
