"""Pure: priority classes and what may be interrupted. Higher values go first inside a project."""

from dataclasses import dataclass
from enum import StrEnum


class Preemptibility(StrEnum):
    """Whether the scheduler may take running pods back."""

    PREEMPTIBLE = "preemptible"
    NON_PREEMPTIBLE = "non-preemptible"

    @property
    def label(self) -> str:
        return "May be interrupted" if self is Preemptibility.PREEMPTIBLE else "Not interrupted"


NOT_INTERRUPTED_FROM = 100
"""Without a word on it, work of at least this priority value is not interrupted."""


@dataclass(frozen=True)
class PriorityClass:
    """`name` is what travels as a pod label; `alias_of` names the new class nearest to an old one."""

    name: str
    value: int
    label: str
    alias_of: str = ""

    @property
    def preemptibility(self) -> Preemptibility:
        """What holds when nobody says otherwise."""
        if self.value >= NOT_INTERRUPTED_FROM:
            return Preemptibility.NON_PREEMPTIBLE
        return Preemptibility.PREEMPTIBLE


PRIORITY_CLASSES: tuple[PriorityClass, ...] = (
    PriorityClass("very-low", 25, "Very low"),
    PriorityClass("low", 40, "Low"),
    PriorityClass("medium-low", 65, "Medium low"),
    PriorityClass("medium", 80, "Medium"),
    PriorityClass("medium-high", 90, "Medium high"),
    PriorityClass("high", 125, "High"),
    PriorityClass("very-high", 150, "Very high"),
)
OLD_NAMES: tuple[PriorityClass, ...] = (
    PriorityClass("train", 50, "Train", alias_of="low"),
    PriorityClass("interactive-preemptible", 75, "Interactive, may be interrupted", alias_of="medium"),
    PriorityClass("build-preemptible", 75, "Build, may be interrupted", alias_of="medium"),
    PriorityClass("build", 100, "Build", alias_of="high"),
    PriorityClass("inference", 125, "Inference", alias_of="high"),
)
BY_NAME: dict[str, PriorityClass] = {one.name: one for one in PRIORITY_CLASSES + OLD_NAMES}


def label_of(name: str) -> str:
    """The words for a class; an unknown class is shown by its name."""
    return BY_NAME[name].label if name in BY_NAME else name


def value_of(name: str) -> int | None:
    """The number behind a class, or None for a class this table does not know."""
    return BY_NAME[name].value if name in BY_NAME else None
