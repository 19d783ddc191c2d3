"""Tags that draw quantities: KPI strip, cells, sparkline, bullet, track, heat grid, fits table, legend, chart."""

from collections.abc import Mapping, Sequence
from typing import Any

from django.template import Library
from django.template.loader import render_to_string

from ui import bullet as bullets
from ui import cells as cell_drawing
from ui import heat as heat_drawing
from ui import sparkline as sparklines


def add_to(register: Library) -> None:
    for tag in (
        kpis,
        attention,
        cells,
        sparkline,
        bullet,
        track,
        heat_grid,
        fits_table,
        legend,
        figures,
        chart,
    ):
        register.simple_tag(tag)


def kpis(items: Sequence[Mapping[str, Any]]) -> str:
    """Items: label, value, of ("of 18"), detail, url, series (numbers or None), top, kind (state family, alloc, util, grey)."""
    drawn = [
        {**item, "spark": sparklines.draw(item["series"], item.get("top"))} if item.get("series") else item
        for item in items
    ]
    return render_to_string("ui/kpis.html", {"items": drawn})


def attention(items: Sequence[Mapping[str, Any]]) -> str:
    """What needs someone: family, text, url, icon (optional). Nothing is drawn for an empty list."""
    return render_to_string("ui/attention.html", {"items": items})


def cells(kind: str = "", **counts: Any) -> str:
    """GPUs as small squares: held=, idle=, wanted=, free=, down= (fractions too), pods=; kind colours `held` (busy, off …)."""
    numbers = {key: value or 0 for key, value in counts.items()}
    return render_to_string("ui/cells.html", {"drawn": cell_drawing.draw(**numbers), "kind": kind})


def sparkline(values: Sequence[float | None], kind: str = "util", top: float | None = None) -> str:
    return render_to_string("ui/sparkline.html", {"spark": sparklines.draw(values, top), "kind": kind})


def bullet(**amounts: Any) -> str:
    """held=, quota= (None unlimited), scale=, waiting=, fair_share=, all in one unit; numbers=False leaves out the line above."""
    show = amounts.pop("numbers", True)
    amounts = {k: None if v == "" else v for k, v in amounts.items()}  # a missing name is "" in a template
    amounts["waiting"] = amounts.get("waiting") or 0
    return render_to_string("ui/bullet.html", {"bullet": bullets.draw(**amounts), "numbers": show})


def track(value: float, of: float, kind: str = "alloc", label: str = "") -> str:
    """A bar of `value` in `of`; `label` is what a screen reader says."""
    width = round(100 * value / of, 2) if of else 0
    return render_to_string("ui/track.html", {"width": width, "kind": kind, "label": label})


def heat_grid(pools: Sequence[heat_drawing.Pool]) -> str:
    """Pools as ui.heat.Pool; drawn whole by the server."""
    dense = heat_drawing.is_dense(pools)
    return render_to_string("ui/heat_grid.html", {"pools": heat_drawing.draw(pools), "dense": dense})


def fits_table(
    rows: Sequence[Mapping[str, Any]],
    asked: Mapping[str, Any] | None = None,
    sizes: Sequence[int] = (1, 2, 4, 8),
) -> str:
    """Rows: pool, url, allocated, total, free, fits (a list, one number a size).

    `asked`: text, url, gpus, counts (one a size), short (which sizes are asked for but fit nowhere).
    """
    return render_to_string("ui/fits_table.html", {"rows": rows, "asked": asked, "sizes": sizes})


def legend(items: Sequence[Mapping[str, Any]]) -> str:
    """Items: swatch (area, line, dash, free, idle, quota, held, over, waiting, share, yours, ramp, ""), kind, text."""
    return render_to_string("ui/legend.html", {"items": items, "steps": range(5)})


def figures(items: Sequence[Mapping[str, Any]]) -> str:
    """A row of figures inside a panel: value, label."""
    return render_to_string("ui/figures.html", {"items": items})


def chart(url: str, title: str, **options: Any) -> str:
    """A panel with a Plotly chart whose figure comes from `url` (JSON, colours as role names).

    Options: hint, height ("" | "low" | "tall"), label (one sentence with the numbers), csv (address), zooms (sets the page's range).
    """
    return render_to_string("ui/chart.html", {**options, "url": url, "title": title})
