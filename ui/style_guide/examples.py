"""Everything the style guide's page shows."""

import re
from pathlib import Path
from typing import Any

from django.contrib.staticfiles import finders
from django.http import HttpRequest

from ui.statuses import LOOKS
from ui.style_guide import figures, forms, rows

COLOUR = re.compile(r"--([\w-]+): light-dark\(#")


def colours() -> list[str]:
    """The names of the colour tokens, read from the style sheet itself."""
    found = finders.find("css/tokens.css")
    return COLOUR.findall(Path(found).read_text()) if isinstance(found, str) else []


def context(request: HttpRequest) -> dict[str, Any]:
    form = forms.example()
    form.is_valid()
    return {
        "page": rows.page(request),
        "form": form,
        "words": [word.capitalize() for word in LOOKS],
        "colours": colours(),
        "kpis": figures.KPIS,
        "attention": figures.ATTENTION,
        "pools": figures.pools(),
        "fits": figures.FITS,
        "asked": figures.ASKED,
        "sizes": figures.SIZES,
        "bullets": figures.BULLETS,
        "log_lines": figures.log_lines(),
        "events": figures.TIMELINE,
        "yaml": figures.YAML,
        "changed": [9],
        "series": figures.wave(60, 20),
        "gap": [10.0, 12.0, None, 14.0, 9.0],
        **WORDS,
    }


WORDS: dict[str, Any] = {
    "tabs": [
        {"label": "Why waiting", "url": "#", "current": True},
        {"label": "Events", "url": "#", "count": 23},
        {"label": "Metrics", "url": "#"},
        {"label": "Logs", "url": "#"},
    ],
    "ranges": [
        {"label": "1 h", "url": "#"},
        {"label": "24 h", "url": "#", "current": True},
        {"label": "7 d", "url": "#"},
        {"label": "Custom", "url": "#", "icon": "calendar"},
    ],
    "legend": [
        {"swatch": "free", "text": "free"},
        {"swatch": "idle", "text": "allocated, idle"},
        {"swatch": "ramp", "text": "1–100 %"},
        {"swatch": "yours", "text": "your project"},
    ],
    "quota_legend": [
        {"swatch": "quota", "text": "quota (deserved)"},
        {"swatch": "held", "text": "held"},
        {"swatch": "over", "text": "held over quota"},
        {"swatch": "waiting", "text": "waiting for"},
        {"swatch": "share", "text": "fair share now"},
    ],
    "figures": [
        {"value": "15:40", "label": "likely start, in 1 h 8 min"},
        {"value": "14:55 – 16:20", "label": "8 of 10 similar cases"},
        {"value": "3 of 8", "label": "GPUs free on best node"},
        {"value": "37 of 29.25", "label": "GPUs held with it, fair share"},
    ],
    "request_facts": [
        ("GPUs", "8 × 1, whole devices"),
        ("CPU, memory", "96 cores, 1000 GiB"),
        {"name": "Image", "value": "pytorch:2.9-cu13", "mono": True},
        {"name": "Project", "value": "nlp-research", "url": "#"},
    ],
    "consequences": [
        {"family": "run", "text": "vision-pano-train starts in the next cycle (as it would today)."},
        {"family": "evict", "text": "rlhf-sweep (nlp-research, 4 GPUs) is interrupted with 30 s notice; it would return at about 15:40."},
        {"family": "ink", "icon": "chart-bar", "text": "Fair share in h100: vision 16 → 16, nlp-research 29.25 → 29.25."},
        {"family": "bad", "icon": "alert-triangle", "text": "Quotas in h100 add up to 68 of 64 GPUs (56 ready). No project can be sure of its full quota."},
    ],
    "headings": ["", "Workload", "Project", "Asks for", ("Waiting", "n")],
    "ahead": [
        ["1", "vision-pano-train", "vision", "4 GPUs", "12 min"],
        ["2", "rlhf-sweep-2", "nlp-research", "4 GPUs", "35 min"],
    ],
}  # fmt: skip
