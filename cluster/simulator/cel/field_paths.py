"""A rule's `fieldPath`: where its violation is shown. Pure."""

import re

from cluster.simulator.cel.schemas import Document, values_of

_STEP = re.compile(r"\.(?P<name>[^.\[\]]+)|\['(?P<quoted>(?:[^'\\]|\\.)*)'\]")
_ESCAPE = re.compile(r"\\(.)")
_MEANINGS = {
    "a": "\a",
    "b": "\b",
    "f": "\f",
    "n": "\n",
    "r": "\r",
    "t": "\t",
    "v": "\v",
    "'": "'",
    "\\": "\\",
}


def field_path(schema: Document, text: str) -> str | None:
    """The path as refusals show it: `.a['b']` is `a.b`, and a map's key is in brackets. None for what the schema does not have."""
    position, shown, here = 0, "", schema
    while position < len(text):
        step = _STEP.match(text, position)
        name = _name(step) if step else None
        if step is None or name is None:
            return None
        properties, values = here.get("properties"), values_of(here)
        if properties:
            below = properties.get(name)
            shown += f".{name}" if shown else name
        else:
            below = values
            shown += f"[{name}]"
        if not isinstance(below, dict):
            return None
        position, here = step.end(), below
    return shown


def _name(step: re.Match[str]) -> str | None:
    if step["name"] is not None:
        return step["name"]
    if any(sign not in _MEANINGS for sign in _ESCAPE.findall(step["quoted"])):
        return None
    return _ESCAPE.sub(lambda found: _MEANINGS[found[1]], step["quoted"])
