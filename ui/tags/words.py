"""Filters and tags for numbers and times; None is a dash, never a zero."""

from datetime import datetime
from typing import Any

from django.template import Context, Library
from django.template.loader import render_to_string
from django.utils import timezone

from ui import wording


def add_to(register: Library) -> None:
    register.filter("number", wording.number)
    register.filter("gpus", wording.gpus)
    register.filter("percent", wording.percent)
    register.filter("duration", wording.duration)
    register.filter("gibibytes", wording.gibibytes)
    register.filter("initials", wording.initials)
    register.filter("since", since)
    register.filter("milli", milli)
    register.simple_tag(ago, takes_context=True)
    register.simple_tag(moment, takes_context=True)


def milli(value: int | None) -> float | None:
    """Thousandths as a number: 1500 milli-GPU are 1.5 GPUs."""
    return None if value is None else value / 1000


def since(moment: datetime | None, now: datetime) -> str:
    """{{ started|since:now }}: the time between, '18 min'."""
    return wording.DASH if moment is None else wording.duration(now - moment)


def ago(context: Context, at: datetime | None, **options: Any) -> str:
    """<time> with the time passed ('18 min'); hovering shows the moment with its zone. Option: suffix (" ago")."""
    return time_element(at, context["now"], words=since(at, context["now"]) + options.get("suffix", ""))


def moment(context: Context, at: datetime | None) -> str:
    """<time> with the clock time ('14:14', '22 Nov 14:14')."""
    local = None if at is None else timezone.localtime(at)
    return time_element(at, context["now"], words=wording.clock_time(local, context["now"]))


def time_element(at: datetime | None, now: datetime, words: str) -> str:
    local = None if at is None else timezone.localtime(at)
    passed = "" if at is None else since(at, now)
    return render_to_string("ui/time.html", {"at": at, "local": local, "words": words, "passed": passed})
