"""Pages are drawn with a folder for collected files, which WhiteNoise wants to see."""

from pathlib import Path

import pytest
from django.test import override_settings


@pytest.fixture(autouse=True)
def static_root(tmp_path: Path):
    with override_settings(STATIC_ROOT=tmp_path):
        yield
