"""Pure: lines -> Plotly figures as JSON. Colours are role names that the page's theme fills in. The only import of plotly."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

from monitoring.lines import Line

Figure = dict[str, Any]


@dataclass(frozen=True)
class Axis:
    """`unit` for the sentence; `top` fixes the upper end; `dtick` the distance of grid lines."""

    unit: str
    top: float | None = None
    dtick: float | None = None


def gpu_axis(highest: float) -> Axis:
    """GPUs: grid lines a multiple of 8 apart where there are many, else whole ones."""
    if highest >= 24:
        return Axis("GPUs", dtick=8 * max(1, -(-round(highest) // 32)))
    return Axis("GPUs", dtick=1 if highest <= 4 else 4 if highest > 8 else 2)


PERCENT = Axis("%", top=100, dtick=25)


def figure(lines: Sequence[Line], axis: Axis, *, what: str, begin: int, end: int, empty: str = "") -> Figure:
    """The figure from `begin` to `end` (seconds since 1970), and under `label` one sentence with its numbers.

    `empty` is what stands there without any values.
    """
    import plotly.graph_objects as go  # 0.14 s, so only where a chart is asked for

    drawn: Figure = go.Figure(
        data=[trace for line in lines if (trace := _trace(line)) is not None],
        layout=_layout(axis, begin, end),
    ).to_dict()
    drawn["layout"].pop("template", None)
    drawn["label"] = sentence(lines, axis, what)
    if empty:
        drawn["empty"] = empty
    return drawn


def _trace(line: Line) -> Any:
    import plotly.graph_objects as go

    if not any(value is not None for _, value in line.points):
        return None
    options: dict[str, Any] = {"mode": "lines"}
    if line.kind in ("step", "area"):
        options["line"] = {"shape": "hv"}
    if line.kind == "area" and all(value is not None for _, value in line.points):
        options["fill"] = "tozeroy"  # Plotly would fill across a gap, as if something were known there
    if sum(value is not None for _, value in line.points) == 1:
        options["mode"] = "markers"
    return go.Scatter(
        x=[written(time) for time, _ in line.points],
        y=[value for _, value in line.points],
        name=line.name,
        connectgaps=False,
        meta={"role": line.role, "legend": f"average {short(line.mean)}"},
        **options,
    )


def _layout(axis: Axis, begin: int, end: int) -> dict[str, Any]:
    y: dict[str, Any] = {"rangemode": "tozero"}
    if axis.top is not None:
        y["range"] = [0, axis.top]
    if axis.dtick is not None:
        y["dtick"] = axis.dtick
    x = {"type": "date", "range": [written(begin), written(end)]}
    return {"xaxis": x, "yaxis": y, "hovermode": "x unified"}


def written(time: int) -> str:
    """UTC without a zone: Plotly shows it as it stands."""
    return datetime.fromtimestamp(time, UTC).strftime("%Y-%m-%dT%H:%M:%S")


def short(value: float | None) -> str:
    """At most one decimal, none where it is zero."""
    return "unknown" if value is None else f"{value:.1f}".removesuffix(".0")


def sentence(lines: Sequence[Line], axis: Axis, what: str) -> str:
    """'GPUs over time: Allocated, average 96.7 GPUs; …', for those who cannot see the chart."""
    known = [line for line in lines if line.mean is not None]
    if not known:
        return f"{what}: no samples in this time range."
    parts = [
        f"{line.name}, average {short(line.mean)} {axis.unit}, last {short(line.last)}" for line in known
    ]
    return f"{what}: " + "; ".join(parts) + "."


def rows(lines: Sequence[Line]) -> tuple[list[str], list[list[Any]]]:
    """(headings, rows) for the CSV: one row a moment, one column a line; unknown is empty."""
    table: dict[int, list[Any]] = {}
    for place, line in enumerate(lines):
        for time, value in line.points:
            table.setdefault(time, [None] * len(lines))[place] = value
    body = [[f"{written(time)}Z", *values] for time, values in sorted(table.items())]
    return ["time", *(line.name for line in lines)], body
