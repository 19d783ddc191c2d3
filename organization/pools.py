"""Pure: which node pool a node belongs to."""

from collections.abc import Iterable, Mapping
from typing import Protocol, TypeVar

DEFAULT = "default"


class LabelledPool(Protocol):
    @property
    def name(self) -> str: ...
    @property
    def label_key(self) -> str: ...
    @property
    def label_value(self) -> str: ...


P = TypeVar("P", bound=LabelledPool)


def matches(labels: Mapping[str, str], pool: LabelledPool) -> bool:
    return pool.name != DEFAULT and labels.get(pool.label_key) == pool.label_value


def pools_matching(labels: Mapping[str, str], pools: Iterable[P]) -> list[P]:
    """All pools whose label the node carries, in the order given: more than one is a mistake of an administrator."""
    return [pool for pool in pools if matches(labels, pool)]


def pool_of(labels: Mapping[str, str], pools: Iterable[P]) -> P | None:
    """The first of `pools` (callers give them oldest first) that matches, else the default one; None without a default."""
    ordered = list(pools)
    found = pools_matching(labels, ordered)
    return found[0] if found else next((pool for pool in ordered if pool.name == DEFAULT), None)
