"""Pure: source text as lines of HTML with keys, values and comments marked."""

import re

from django.utils.html import escape, format_html
from django.utils.safestring import SafeString, mark_safe

YAML_LINE = re.compile(r"^(?P<lead>\s*(?:- )*)(?P<key>[\w./\"'-]+)(?P<colon>:)(?P<rest>\s.*|)$")
JSON_LINE = re.compile(r'^(?P<lead>\s*)(?P<key>"[^"]*")(?P<colon>:)(?P<rest>\s.*|)$')


def coloured(text: str, language: str, *, changed: frozenset[int] = frozenset()) -> list[SafeString]:
    """One entry a line, its line break included; `changed` lines (from 1) get their own ground."""
    pattern = {"yaml": YAML_LINE, "json": JSON_LINE}.get(language)
    lines = []
    for number, line in enumerate(text.rstrip("\n").split("\n"), start=1):
        html = format_html(
            "{}\n", mark_line(line, pattern)
        )  # a block that ends in a line break shows no empty line
        lines.append(format_html('<span class="changed-line">{}</span>', html) if number in changed else html)
    return lines


def mark_line(line: str, pattern: re.Pattern[str] | None) -> SafeString:
    stripped = line.lstrip()
    if stripped.startswith("#"):
        return format_html('<span class="comment">{}</span>', line)
    found = pattern.match(line) if pattern else None
    if found is None:
        return mark_safe(escape(line))  # noqa: S308  (escaped on this very line)
    value = found["rest"]
    marked = format_html('<span class="value">{}</span>', value) if value.strip() else value
    return format_html(
        '{}<span class="key">{}</span>{}{}', found["lead"], found["key"], found["colon"], marked
    )
