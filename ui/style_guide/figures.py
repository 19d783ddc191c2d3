"""The style guide's quantities: KPI strip, heat grid, fits, bullets, a chart and a log."""

from datetime import UTC, datetime, timedelta
from typing import Any

from ui.heat import Gpu, Node, Pool, Share

NOON = datetime(2026, 11, 22, 14, 32, tzinfo=UTC)


def wave(start: float, swing: float, count: int = 32) -> list[float | None]:
    """A series that wanders without chance, so that the guide looks the same in every test."""
    return [round(start + swing * (((i * 7919) % 13) / 6 - 1) * (0.4 + (i % 5) / 5), 1) for i in range(count)]


KPIS: list[dict[str, Any]] = [
    {"label": "Nodes ready", "value": "17", "of": "of 18", "detail": "h100-08 down, 8 GPUs", "series": [18.0] * 26 + [17.0] * 6, "kind": "grey", "url": "#"},
    {"label": "GPUs allocated", "value": "102.5", "of": "of 120", "detail": "85 %, up 6 since yesterday", "series": wave(97, 9), "kind": "alloc", "url": "#"},
    {"label": "GPUs doing work", "value": "75", "of": "of 102.5", "detail": "73 % of what is allocated", "series": wave(70, 10), "kind": "util", "url": "#"},
    {"label": "Running", "value": "41", "detail": "6 started in the last hour", "series": wave(38, 5), "kind": "grey", "url": "#"},
    {"label": "Waiting", "value": "9", "detail": "half start within 14 min", "series": wave(8, 4), "kind": "wait", "url": "#"},
    {"label": "Allocated but idle", "value": "3.5", "of": "GPUs", "detail": "3 owners, up to 1 h 52 min", "series": wave(3, 1.5), "kind": "wait", "url": "#"},
]  # fmt: skip
ATTENTION = [
    {"family": "bad", "text": "Node h100-08 not ready for 22 min", "url": "#"},
    {
        "family": "wait",
        "icon": "player-pause",
        "text": "debug-pod holds 2 idle GPUs for 1 h 52 min",
        "url": "#",
    },
    {"family": "wait", "text": "vision is 4 GPUs below its quota in h100, reclaim under way", "url": "#"},
]


def whole(workload: str, uses: list[float | None], start: int = 0, **facts: Any) -> list[Gpu]:
    return [
        Gpu(start + i, (Share(1.0, use, workload, "#", "nlp-research", **facts),))
        for i, use in enumerate(uses)
    ]


def free(start: int, count: int) -> list[Gpu]:
    return [Gpu(start + i) for i in range(count)]


def pools() -> list[Pool]:
    idle = Share(1.0, 0, "jupyter-ada", "#", "nlp-research", is_yours=True, is_idle=True)
    halves = (
        Share(0.25, 61, "nb-kim", "#"),
        Share(0.25, 12, "nb-lee", "#"),
        Share(0.25, 85, "", ""),
    )
    h100 = (
        Node("h100-01", tuple(whole("llm-pretrain-7b", [85, 81, 81, 98, 92, 91, 85, 93], is_yours=True)), "#"),
        Node("h100-04", tuple(whole("rlhf-sweep", [68, 71, 71, 70], is_yours=True) + whole("diffusion-xl", [100, 100, 97, 94], 4)), "#"),
        Node("h100-05", tuple(whole("vision-segm", [93, None, 91, 91, 84, 82, 86, 86])), "#"),
        Node("h100-06", (*whole("asr-large", [58, 56, 62, 59]), Gpu(4, (idle,)), *whole("assist", [45, 41], 5), Gpu(7)), "#"),
        Node("h100-07", (*whole("embed", [22, 3, 44, 82]), *free(4, 3), Gpu(7, halves)), "#"),
        Node("h100-08", (), "#", "Not ready for 22 min"),
    )  # fmt: skip
    l40s = (
        Node("l40s-01", tuple(whole("assist-chat", [51, 56, 63, 57])), "#"),
        Node("l40s-03", tuple(whole("render", [39, 40]) + free(2, 2)), "#"),
        Node("l40s-04", (), "#", "Cordoned by Tor Eng", "off"),
    )
    return [Pool("h100", h100, "H100 80 GB", "#"), Pool("l40s", l40s, "L40S 48 GB", "#")]


FITS = [
    {
        "pool": "h100",
        "url": "#",
        "allocated": 51.75,
        "total": 56,
        "free": 4.25,
        "fits": [4, 1, 0, 0],
        "label": "51.75 of 56 allocated",
    },
    {
        "pool": "a100",
        "url": "#",
        "allocated": 39.75,
        "total": 48,
        "free": 8.25,
        "fits": [8, 4, 1, 0],
        "label": "39.75 of 48 allocated",
    },
    {
        "pool": "l40s",
        "url": "#",
        "allocated": 11,
        "total": 16,
        "free": 5,
        "fits": [4, 2, 0, 0],
        "label": "11 of 16 allocated",
    },
]
ASKED = {
    "text": "Asked for by 9 waiting workloads",
    "url": "#",
    "gpus": 40,
    "counts": [{"count": 2}, {"count": 1}, {"count": 3}, {"count": 3, "short": True}],
}
SIZES = (1, 2, 4, 8)
BULLETS = [
    {"held": 29, "quota": 24, "scale": 48, "waiting": 8, "fair_share": 29.25},
    {"held": 12, "quota": 16, "scale": 48, "waiting": 4, "fair_share": 16},
    {"held": 4, "quota": 4, "scale": 48},
    {"held": 6, "quota": None, "scale": 48, "fair_share": 8},
]


def chart() -> dict[str, Any]:
    """A figure as charts.js takes it: role names instead of colours."""
    steps = 72
    at = [(NOON - timedelta(minutes=20 * (steps - i))).strftime("%Y-%m-%dT%H:%M:%S") for i in range(steps)]
    working: list[float | None] = wave(69, 9, steps)
    working[30:33] = [None, None, None]
    line = {"type": "scatter", "x": at}
    return {
        "data": [
            {**line, "name": "Ready", "y": [128] * 68 + [120] * 4, "line": {"shape": "hv"}, "meta": {"role": "capacity"}},
            {**line, "name": "Allocated", "y": wave(97, 8, steps), "fill": "tozeroy", "line": {"shape": "hv"}, "meta": {"role": "alloc", "legend": "average 96.7"}},
            {**line, "name": "Doing work", "y": working, "meta": {"role": "util", "legend": "average 69.2"}},
        ],
        "layout": {"yaxis": {"range": [0, 136], "dtick": 32}, "xaxis": {"type": "date", "tickformat": "%H:%M"}},
        "label": "Line chart: of 128 to 120 ready GPUs, 97 were allocated and 69 did work on average over 24 hours",
    }  # fmt: skip


def log_lines() -> list[dict[str, str]]:
    return [
        {"time": "14:31:58", "text": "loading checkpoint /ckpt/step-41000"},
        {"time": "14:32:01", "text": "step 41001  loss 1.8123  8 GPUs  2.31 s/step"},
        {"time": "14:32:03", "text": "WARNING gradient norm 14.2 is above 10", "family": "wait"},
        {"time": "14:32:05", "text": "step 41002  loss 1.8119  8 GPUs  2.29 s/step"},
        {"time": "14:32:06", "text": "ERROR cuda: out of memory on device 3", "family": "bad"},
    ]


TIMELINE = [
    {
        "at": NOON,
        "title": "Tried again, same result",
        "text": "Attempt 216, 5 s apart",
        "icon": "refresh",
        "family": "grey",
    },
    {
        "at": NOON - timedelta(minutes=2),
        "title": "Forecast moved to 15:40",
        "text": "Before: 15:10. vision-segm was extended by 30 min",
        "family": "wait",
    },
    {
        "at": NOON - timedelta(minutes=18),
        "title": "Admitted to queue nlp-research in h100",
        "text": "Over quota by 8 GPUs, may be interrupted",
        "icon": "chart-bar",
        "family": "busy",
    },
    {
        "at": NOON - timedelta(days=1),
        "title": "Submitted by you",
        "text": "From template “Fine-tune on one node”",
        "icon": "plus",
        "family": "grey",
    },
]
YAML = """# what the form would send
kind: TrainingWorkload
metadata:
  name: llm-finetune-13b
  namespace: runai-nlp-research
spec:
  image: pytorch:2.9-cu13
  compute:
    gpuDevices: 8
    cpuCores: 96
  nodePools: [h100, l40s]
  priority: high
"""
