"""Sets of indexes as a Job writes them: `0-3,7`. Pure."""

import re
from collections.abc import Iterable


def parse_indexes(text: str) -> set[int]:
    """`1,3-5` as numbers; the status' own form."""
    indexes: set[int] = set()
    for part in filter(None, text.split(",")):
        match = re.fullmatch(r"(\d+)(?:-(\d+))?", part)
        if match:
            indexes.update(range(int(match[1]), int(match[2] or match[1]) + 1))
    return indexes


def format_indexes(indexes: Iterable[int]) -> str:
    """The reverse: runs of three and more are written with a dash, as Kubernetes does."""
    parts: list[str] = []
    run: list[int] = []
    for index in [*sorted(indexes), None]:
        if run and (index is None or index != run[-1] + 1):
            parts += [f"{run[0]}-{run[-1]}"] if len(run) > 2 else [str(one) for one in run]
            run = []
        if index is not None:
            run.append(index)
    return ",".join(parts)
