"""Ephemeral containers, as `kubectl debug` adds them to a pod: they begin while it runs and last until it ends. Pure."""

from collections.abc import Mapping
from datetime import datetime
from typing import Any

from cluster.documents import Document
from cluster.simulator.kubelet.lives import PodLife


def debuggers_in(pod: Mapping[str, Any]) -> list[Document]:
    return list(pod["spec"].get("ephemeralContainers") or [])


def begin_debuggers(record: PodLife, now: datetime) -> bool:
    """Begins those that the pod was given and that do not run yet; whether there were any."""
    if not record.runs:
        return False
    new = [one["name"] for one in debuggers_in(record.pod) if one["name"] not in record.debuggers]
    record.debuggers.update(dict.fromkeys(new, now))
    return bool(new)
