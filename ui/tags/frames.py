"""Block tags around content: page head, panel, note, dialog, menu, bulk bar, why box, editor row."""

from collections.abc import Callable
from typing import Any

from django.template import Context, Library
from django.template.loader import render_to_string
from django.utils.safestring import SafeString

FRAMES = ("page_head", "panel", "note", "dialog", "menu", "bulk_bar", "empty", "editor_row", "why")


def add_to(register: Library) -> None:
    for name in FRAMES:
        register.simple_block_tag(takes_context=True, name=name)(frame(name))


def frame(name: str) -> Callable[..., str]:
    """A tag that puts its content into templates/ui/<name>.html together with its keyword arguments.

    The arguments of each are listed in templates/ui/README.md; request, shell and csrf_token are passed on.
    """

    def draw(context: Context, content: SafeString, **options: Any) -> str:
        passed = {key: context.get(key) for key in ("request", "shell", "csrf_token", "now")}
        body = {"content": content.strip() and content}
        return render_to_string(f"ui/{name}.html", {**passed, **options, **body})

    draw.__name__ = name
    return draw
