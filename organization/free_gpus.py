"""Pure: what a pool says of its free GPUs, in words: how many there are and what share of them typical requests could use."""

from collections.abc import Mapping

from ui.wording import number

FREE = "free"
REQUESTS = {"8000": "8-GPU", "4000": "4-GPU", "1000": "1-GPU", "500": "half-GPU"}
"""Keys of `NodePool.free_gpus`: thousandths of GPUs of one request."""


def share_of(free_gpus: Mapping[str, int], request: str) -> float | None:
    """0 to 1; None where nothing is known or nothing is free."""
    free = free_gpus.get(FREE)
    if not free or request not in free_gpus:
        return None
    return min(1.0, free_gpus[request] / free)


def figures_of(free_gpus: Mapping[str, int]) -> list[dict[str, str]]:
    """Label and value of each figure; "unknown" before the scheduler of the pool has looked."""
    if FREE not in free_gpus:
        return [{"label": "free GPUs", "value": "unknown"}]
    figures = [{"label": "free GPUs", "value": number(free_gpus[FREE] / 1000)}]
    for request, words in REQUESTS.items():
        share = share_of(free_gpus, request)
        value = "–" if share is None else f"{100 * share:.0f} %"
        figures.append({"label": f"usable by {words} requests", "value": value})
    return figures


def words_of(free_gpus: Mapping[str, int]) -> str:
    """All shares in one cell of a list: 57 · 80 · 100 · 100 %."""
    if FREE not in free_gpus:
        return "unknown"
    if not free_gpus[FREE]:
        return "none free"
    shares = (share_of(free_gpus, request) or 0.0 for request in REQUESTS)
    return " · ".join(f"{100 * share:.0f}" for share in shares) + " %"
