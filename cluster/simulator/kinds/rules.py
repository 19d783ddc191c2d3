"""What a kind adds to the general rules of writing: hooks on create and update, validation, deletion grace."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from cluster.simulator.problems import Cause
from cluster.simulator.resources import Registry
from cluster.simulator.store.objects import Store

Document = dict[str, Any]


@dataclass(frozen=True)
class Surroundings:
    """What a hook may look at."""

    store: Store
    registry: Registry


def nothing_to_fill(document: Document) -> None:
    """Most kinds have no defaults beyond those of their types."""


def nothing_on_create(document: Document, around: Surroundings) -> None:
    """Most kinds are stored as they come."""


def nothing_on_update(new: Document, old: Document, around: Surroundings) -> None:
    """Most kinds are stored as they come."""


def no_causes(new: Document, old: Document | None) -> list[Cause]:
    return []


@dataclass(frozen=True)
class KindRules:
    """`on_create` and `on_update` may change the new document's top level and fresh parts, never what they share with `old`."""

    has_generation: bool = False
    returns_deleted: bool = False
    creates_on_update: bool = False
    needs_version_on_update: bool = False
    fill: Callable[[Document], None] = nothing_to_fill
    """Defaults that depend on other fields; whoever wrote the object owns them. May change fresh parts in place."""
    admit: Callable[[Document, Surroundings], None] = nothing_on_create
    """What the server's own admission adds to a new object, before any webhook sees it. May change fresh parts in place."""
    on_create: Callable[[Document, Surroundings], None] = nothing_on_create
    on_update: Callable[[Document, Document, Surroundings], None] = nothing_on_update
    causes: Callable[[Document, Document | None], list[Cause]] = no_causes
    """Every broken rule of a new object, or of a change of an old one."""
    parts: tuple[str, ...] = ()
    """Subresources that hold the object and change one part of its spec only."""
    only_that_part: Callable[[Document, Document, str], None] = lambda document, old, subresource: None
    """Undoes in the new document what such a subresource does not change."""
    part_causes: Callable[[Document, Document, str], list[Cause]] = lambda document, old, subresource: []
    """Every broken rule of such a change, instead of `causes`."""
    grace_seconds: Callable[[Document, int | None], int] = lambda document, asked: 0
    """How long a deletion waits for someone to finish it; 0 removes at once."""
    graceful: bool = False
    """Deletion leaves the object in place until whoever runs it is done (pods)."""
    default_propagation: str = ""
    """What a deletion that does not say so does with the dependents."""
    delete_finalizers: tuple[str, ...] = ()
    """Put on an object when its deletion begins, for the server's own cleaning up."""


GENERAL = KindRules()
WITH_GENERATION = KindRules(has_generation=True)
