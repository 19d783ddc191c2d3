"""Tags that tell: key-value list, timeline, effects, code, log view, ordered evidence."""

from collections.abc import Mapping, Sequence
from typing import Any

from django.template import Context, Library
from django.template.loader import render_to_string
from django.utils import timezone
from django.utils.safestring import SafeString

from ui.code import coloured


def add_to(register: Library) -> None:
    register.simple_tag(key_values)
    register.simple_tag(timeline, takes_context=True)
    register.simple_tag(effects)
    register.simple_tag(code)
    register.simple_tag(log_view)


def key_values(items: Sequence[Any], wide: Any = "") -> str:
    """Pairs (name, value) or mappings with name, value, mono, url."""
    rows = [i if isinstance(i, Mapping) else {"name": i[0], "value": i[1]} for i in items]
    return render_to_string("ui/key_values.html", {"items": rows, "wide": wide})


def timeline(context: Context, items: Sequence[Any]) -> str:
    """Newest first. Items: at (datetime), title, text, family, icon (optional). Days before today get a heading."""
    today = timezone.localtime(context["now"]).date()
    drawn, last = [], today
    for item in items:
        at = timezone.localtime(lookup(item, "at"))
        heading = f"{at.day} {at:%B}" if at.date() != last else ""
        last = at.date()
        drawn.append(
            {name: lookup(item, name) for name in ("title", "text", "family", "icon")}
            | {"at": at, "day": heading}
        )
    return render_to_string("ui/timeline.html", {"items": drawn})


def lookup(item: Any, name: str) -> Any:
    """A value of a mapping or an attribute of anything else; None where it has none."""
    return item.get(name) if isinstance(item, Mapping) else getattr(item, name, None)


def effects(items: Sequence[Mapping[str, Any]]) -> str:
    """What an action would do, one line each: family, text (safe HTML allowed), icon (optional)."""
    return render_to_string("ui/effects.html", {"items": items})


def code(text: str, **options: Any) -> str:
    """Source with its keys coloured. Options: language ("yaml" | "json" | "shell" | "text"), changed (line numbers from 1), name
    (for the copy button's label), limited (own scroll)."""
    language = options.get("language", "yaml")
    lines: list[SafeString] = coloured(text, language, changed=frozenset(options.get("changed") or ()))
    return render_to_string("ui/code.html", {**options, "text": text, "lines": lines})


def log_view(url: str, **options: Any) -> str:
    """Options: title, pods (items label, url, current), download (address), lines (server-drawn, from ui.logs.read), follow."""
    return render_to_string("ui/log_view.html", {**options, "url": url})
