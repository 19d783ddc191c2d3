"""Tags of the frame: style sheets, scripts, crumbs, the list of keys."""

from typing import Any

from django.template import Library
from django.template.loader import render_to_string
from django.templatetags.static import static
from django.utils.html import format_html, format_html_join
from django.utils.safestring import SafeString

SHEETS = (
    "tokens",
    "base",
    "layout",
    "components/actions",
    "components/status",
    "components/panels",
    "components/tables",
    "components/forms",
    "components/charts",
    "components/evidence",
    "components/overlays",
    "pages",
    "responsive",
)
MODULES = (
    "theme",
    "overlay",
    "toast",
    "keys",
    "palette",
    "live",
    "table",
    "form",
    "drafts",
    "log",
    "chart_table",
    "charts",
)
PLOTLY = "vendor/plotly.js-cartesian-dist-min-4.1.1/plotly-cartesian.min.js"
KEYS = (
    (("Ctrl", "K"), "Search or jump to"),
    (("/",), "Search in this list"),
    (("g", "o"), "Overview"),
    (("g", "w"), "Workloads"),
    (("g", "p"), "Projects"),
    (("g", "n"), "Nodes"),
    (("c",), "New workload"),
    (("j",), "Next row"),
    (("k",), "Previous row"),
    (("x",), "Select the row"),
    (("Enter",), "Open the row"),
    (("l",), "Logs"),
    (("y",), "YAML"),
    (("w",), "Why it waits"),
    (("s",), "Stop (asks first)"),
    ((".",), "Menu of the row"),
    (("t",), "Light or dark"),
    (("?",), "This list"),
    (("Esc",), "Close, then clear the selection"),
    (("Ctrl", "Enter"), "Submit the form"),
)


def add_to(register: Library) -> None:
    for tag in (stylesheets, scripts, crumbs, keyboard, plotly):
        register.simple_tag(tag)


def stylesheets() -> SafeString:
    return format_html_join(
        "\n  ", '<link rel="stylesheet" href="{}">', ((static(f"css/{name}.css"),) for name in SHEETS)
    )


def scripts() -> SafeString:
    return format_html_join(
        "\n  ",
        '<script type="module" src="{}"></script>',
        ((static(f"js/{name}.js"),) for name in MODULES),
    )


def plotly() -> SafeString:
    """On pages with time series only, in the block `head`. The link's id and class keep Plotly from writing a style element."""
    return format_html(
        '<link rel="stylesheet" id="plotly.js-style-global" class="no-inline-styles" href="{}">\n  '
        '<script defer src="{}"></script>',
        static("css/components/plotly.css"),
        static(PLOTLY),
    )


def crumbs(*parts: Any) -> str:
    """{% crumbs "Projects" projects_url "vision" %}: label, address, label, address … the last label is this page."""
    labels, urls = parts[::2], [*parts[1::2], ""]
    drawn = [{"label": label, "url": url} for label, url in zip(labels, urls, strict=False)]
    return render_to_string("ui/crumbs.html", {"parts": drawn})


def keyboard() -> tuple[tuple[tuple[str, ...], str], ...]:
    return KEYS
