"""Pure: the value behind a priority class name, and what foreign owners get that name none."""

PRIORITIES: dict[str, int] = {
    "very-low": 25,
    "low": 40,
    "medium-low": 65,
    "medium": 80,
    "medium-high": 90,
    "high": 125,
    "very-high": 150,
    # names of earlier Run:ai versions and of the open scheduler core
    "train": 50,
    "interactive-preemptible": 75,
    "build-preemptible": 75,
    "build": 100,
    "inference": 125,
}
DEFAULT_PRIORITY = PRIORITIES["train"]
PRIORITY_OF_OWNER: dict[str, int] = {
    "Deployment": PRIORITIES["inference"],
    "Notebook": PRIORITIES["build"],
}
"""By the kind of the owner; every other kind gets DEFAULT_PRIORITY (the defaults of the open scheduler core)."""
