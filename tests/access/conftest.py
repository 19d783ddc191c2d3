"""What the tests of rights share."""

from pathlib import Path
from typing import Any

import pytest
from django.core.cache import cache


@pytest.fixture(autouse=True)
def static_folder(settings: Any) -> None:
    """WhiteNoise warns when it is not there."""
    Path(settings.STATIC_ROOT).mkdir(parents=True, exist_ok=True)


@pytest.fixture(autouse=True)
def no_memory_of_other_tests() -> None:
    """Limits on signing in are counted in the cache."""
    cache.clear()
