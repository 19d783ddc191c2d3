"""The scheduler's entries of the beat schedule: name -> (real seconds, task, queue)."""

SCHEDULE: dict[str, tuple[float, str, str]] = {
    "scheduling-tick": (1.0, "scheduling.tick", "scheduling"),
    "scheduling-forget-old-cycles": (3600.0, "scheduling.forget_old_cycles", "default"),
}
