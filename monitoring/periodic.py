"""Monitoring's entries of the beat schedule: name -> (real seconds, task, queue)."""

SCHEDULE: dict[str, tuple[float, str, str]] = {
    "monitoring-collect": (1.0, "monitoring.collect", "cluster"),
    "monitoring-forget-old-samples": (1800.0, "monitoring.forget_old_samples", "default"),
}
