"""Pure: how each state word looks. Colour never stands alone: a state is always icon and word."""

from dataclasses import dataclass


@dataclass(frozen=True)
class Look:
    """`family` is one of run, busy, wait, bad, evict, off; `icon` a name of the sprite."""

    family: str
    icon: str
    spins: bool = False


LOOKS: dict[str, Look] = {
    # workloads
    "creating": Look("busy", "circle-dashed"),
    "accepted": Look("busy", "circle-dashed"),
    "pending": Look("wait", "clock"),
    "initializing": Look("busy", "loader-2", spins=True),
    "running": Look("run", "player-play"),
    "degraded": Look("wait", "alert-triangle"),
    "resuming": Look("busy", "loader-2", spins=True),
    "suspending": Look("off", "loader-2", spins=True),
    "stopping": Look("off", "loader-2", spins=True),
    "stopped": Look("off", "player-stop"),
    "deleting": Look("off", "trash"),
    "deleted": Look("off", "trash"),
    "completed": Look("off", "circle-check"),
    "succeeded": Look("off", "circle-check"),
    "failed": Look("bad", "circle-x"),
    "unknown": Look("off", "help-circle"),
    "preempted": Look("evict", "arrow-back-up"),
    "reclaimed": Look("evict", "arrow-back-up"),
    "terminating": Look("off", "loader-2", spins=True),
    # nodes, clusters, pools, parts of the product
    "ready": Look("run", "circle-check"),
    "not ready": Look("bad", "circle-x"),
    "cordoned": Look("off", "lock"),
    "connected": Look("run", "circle-check"),
    "waiting": Look("busy", "clock"),
    "waiting to connect": Look("busy", "clock"),
    "disconnected": Look("bad", "circle-x"),
    "missing prerequisites": Look("wait", "alert-triangle"),
    "updating": Look("busy", "loader-2", spins=True),
    "empty": Look("off", "circle-dashed"),
}
FAMILIES = ("run", "busy", "wait", "bad", "evict", "off")
ICON_OF_FAMILY = {
    "run": "circle-check",
    "busy": "loader-2",
    "wait": "clock",
    "bad": "circle-x",
    "evict": "arrow-back-up",
    "off": "circle-off",
    "you": "user",
    "ink": "info-circle",
}


def look_of(word: str) -> Look:
    """The look of a state word in any spelling (NotReady, not_ready, Not ready); Unknown's for a word nobody listed."""
    spelled = "".join(f" {c.lower()}" if c.isupper() else c for c in word).replace("_", " ").strip()
    return LOOKS.get(word.lower(), LOOKS.get(" ".join(spelled.split()), LOOKS["unknown"]))
