"""How well collecting goes in a cluster: what is read, and which nodes say nothing, with the reason."""

from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from monitoring.queries import Sight, collection_of, node_uses
from monitoring.tiles import stale_after
from ui.wording import duration

SHOWN_NODES = 100


@dataclass(frozen=True)
class Health:
    """`state` is a word of the status vocabulary; `troubles` are (node, what is wrong)."""

    name: str
    state: str
    facts: list[tuple[str, Any]]
    troubles: list[tuple[str, str]]
    hidden: int
    error: str


def health_of(sight: Sight, now: datetime) -> Health:
    collection = collection_of(sight.cluster)
    if collection is None or collection.sampled_at is None:
        return Health(sight.cluster.name, "Waiting", [("Last reading", "none yet")], [], 0, "")
    missing = [(node, "no running DCGM exporter pod on it") for node in collection.nodes_without_exporter]
    unread = sorted(collection.nodes_unread.items())
    age = now - collection.sampled_at
    troubles = [*missing, *unread]
    return Health(
        name=sight.cluster.name,
        state=state_of(age, stale=age > stale_after(), troubled=bool(troubles or collection.error)),
        facts=[
            ("Last reading", f"{duration(age)} ago"),
            ("GPU nodes", node_uses(sight).filter(gpus__gt=0).count()),
            ("Exporter not found", f"on {len(missing)} nodes"),
            ("Pages not read", f"on {len(unread)} nodes"),
        ],
        troubles=troubles[:SHOWN_NODES],
        hidden=max(0, len(troubles) - SHOWN_NODES),
        error=collection.error,
    )


def state_of(age: timedelta, *, stale: bool, troubled: bool) -> str:
    if stale:
        return "Not ready"
    return "Degraded" if troubled else "Ready"
