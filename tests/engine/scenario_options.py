"""The lines of the scenario language that say how the scheduler is set and what was used before."""

import re
from typing import Any

from scheduling.engine.config import DEFAULT_PLUGINS
from scheduling.engine.model.resources import Resources
from scheduling.engine.model.usage import UsageBucket

NOON = 1_900_000_800.0 - 1_900_000_800 % 86_400 + 12 * 3600
HOUR = 3600.0


def read_options(words: str, known: dict[str, Any]) -> dict[str, Any]:
    """What `with` turns on: other plugins than the default ones, and their options."""
    plugins: tuple[str, ...] = known.get("plugins", DEFAULT_PLUGINS)
    options: dict[str, Any] = dict(known.get("options", {}))
    for phrase in words.split(", "):
        if phrase == "spreading":
            plugins = tuple("spreading" if name == "bin_packing" else name for name in plugins)
            options["gpu_sharing"] = {"devices": "spread", "join": False}
        elif match := re.fullmatch(r"age protection after (\d+)m", phrase):
            plugins = (*plugins, "age_protection")
            options["age_protection"] = {"after": int(match[1]) * 60.0}
        elif match := re.fullmatch(r"usage half-life (\d+)h", phrase):
            options["usage_history"] = {"half_life": int(match[1]) * HOUR}
        else:
            raise ValueError(f"the scenario language does not know the option {phrase!r}")
    return {"plugins": plugins, "options": options}


def read_use(said: list[str]) -> tuple[UsageBucket, ...]:
    """Spells of use, each up to now: `6 gpus for 8h`."""
    buckets = []
    for phrase in said:
        match = re.fullmatch(r"(\d+) gpus? for (\d+)h", phrase)
        if match is None:
            raise ValueError(f"not an amount of use: {phrase!r}")
        seconds = int(match[2]) * HOUR
        buckets.append(UsageBucket(NOON - seconds, seconds, Resources(gpu_milli=int(match[1]) * 1000)))
    return tuple(buckets)
