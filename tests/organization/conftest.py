"""What the tests of the organisation share: usage that a test can set, and tasks that are noted instead of run."""

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from organization import tasks, usage
from tests.organization.fake_usage import FakeUsage


@pytest.fixture
def held() -> Iterator[FakeUsage]:
    """Somebody who knows what is held; nothing at first."""
    before = usage.source()
    source = FakeUsage()
    usage.provide(source)
    yield source
    usage.provide(before)


@pytest.fixture(autouse=True)
def namespaces_asked_for(monkeypatch: pytest.MonkeyPatch) -> list[int]:
    """Ids of the projects whose namespace a worker was asked to keep: the broker is not there."""
    asked: list[int] = []
    monkeypatch.setattr(tasks.keep_namespace, "apply_async", lambda args, **options: asked.append(args[0]))
    return asked


@pytest.fixture(autouse=True)
def static_folder(settings: Any) -> None:
    """WhiteNoise warns when it is not there."""
    Path(settings.STATIC_ROOT).mkdir(parents=True, exist_ok=True)
