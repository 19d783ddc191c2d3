"""Tags: icon, button, status, tag, tabs, segmented, menu item."""

from collections.abc import Mapping, Sequence
from typing import Any

from django.template import Library
from django.template.loader import render_to_string
from django.templatetags.static import static
from django.utils.html import format_html
from django.utils.safestring import SafeString

from ui.statuses import ICON_OF_FAMILY, look_of

SPRITE = "vendor/tabler-icons-3.51.0/sprite.svg"


def add_to(register: Library) -> None:
    register.simple_tag(icon)
    register.simple_tag(button)
    register.simple_tag(status)
    register.simple_tag(tag)
    register.simple_tag(tabs)
    register.simple_tag(segmented)
    register.simple_tag(menu_item)
    register.filter("icon_of_family", icon_of_family)


def icon(name: str, size: str = "", extra: str = "") -> SafeString:
    """`size` is "", "small" or "large"; the icon is decoration: the word beside it is the meaning."""
    css = " ".join(filter(None, ["icon", size, extra]))
    return format_html(
        '<svg class="{}" aria-hidden="true"><use href="{}#{}"/></svg>', css, static(SPRITE), name
    )


def icon_of_family(family: str) -> str:
    return ICON_OF_FAMILY.get(family, "info-circle")


def button(label: str, **options: Any) -> str:
    """A link with `href`, else a button (`type` "button" | "submit").

    Options: kind ("" | "primary" | "quiet" | "danger"), icon, small, only_icon (the label becomes its name), name, value,
    kbd, title, disabled, opens (id of a dialog), closes (inside a dialog), toggles (id of a popover), form, id, and
    htmx: hx_get, hx_post, hx_target, hx_swap, hx_confirm, hx_include, hx_vals.
    """
    htmx = {key.replace("_", "-"): value for key, value in options.items() if key.startswith("hx_")}
    return render_to_string("ui/button.html", {**options, "label": label, "htmx": htmx})


def status(word: str, **options: Any) -> str:
    """Icon and word of a state. Options: since (text), chip (page heads), family and icon (override), reason, reason_family,
    href (of the reason)."""
    look = look_of(word)
    context = {"family": look.family, "icon": look.icon, **options, "word": word, "spins": look.spins}
    if options.get("reason_family"):
        context["reason_icon"] = ICON_OF_FAMILY.get(options["reason_family"], "")
    return render_to_string("ui/status.html", context)


def tag(text: str, kind: str = "", icon: str = "") -> str:
    """A short fact beside a name; kind "you" or a state family."""
    return render_to_string("ui/tag.html", {"text": text, "kind": kind, "icon": icon})


def tabs(items: Sequence[Mapping[str, Any]], label: str = "Sections") -> str:
    """Items: label, url, count (optional), current."""
    return render_to_string("ui/tabs.html", {"items": items, "label": label})


def segmented(items: Sequence[Mapping[str, Any]], label: str, tall: Any = "") -> str:
    """A choice among few that changes the page at once. Items: label, url, current, icon (optional)."""
    return render_to_string("ui/segmented.html", {"items": items, "label": label, "tall": tall})


def menu_item(label: str, **options: Any) -> str:
    """Inside {% menu %}: a link with `href`, a form post with `post` (an address), or a button with `opens`.

    Options: icon, danger, kbd, current, download, fields (mapping of hidden inputs for `post`), csrf (the token).
    """
    return render_to_string("ui/menu_item.html", {**options, "label": label})
