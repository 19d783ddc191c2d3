"""Reads metrics pages in the Prometheus text format. Pure."""

from collections.abc import Iterator
from dataclasses import dataclass

from prometheus_client.parser import text_string_to_metric_families


class MetricsUnreadable(ValueError):
    """The page is not in the Prometheus text format; the message says what was met."""


@dataclass(frozen=True)
class MetricSample:
    """One line of a page. `timestamp` in seconds since 1970 when the page gives one."""

    name: str
    labels: dict[str, str]
    value: float
    timestamp: float | None


def read_metrics(page: str, names: frozenset[str] | None = None) -> Iterator[MetricSample]:
    """The samples of a page, only those of `names` if given; raises MetricsUnreadable."""
    try:
        for family in text_string_to_metric_families(page):
            for sample in family.samples:
                if names is None or sample.name in names:
                    stamp = float(sample.timestamp) if sample.timestamp is not None else None
                    yield MetricSample(sample.name, dict(sample.labels), float(sample.value), stamp)
    except (ValueError, IndexError, KeyError) as error:
        raise MetricsUnreadable(f"not a Prometheus metrics page: {error!r}") from error
