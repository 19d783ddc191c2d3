"""What beat starts: old events and tokens go."""

from celery import shared_task

from access.services import forget_old

DAY_SECONDS = 24 * 3600.0


@shared_task(name="access.forget_old")
def forget_old_rows() -> None:
    forget_old()


SCHEDULE: dict[str, tuple[float, str, str]] = {
    "forget old events": (DAY_SECONDS, "access.forget_old", "default")
}
