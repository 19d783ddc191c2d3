"""Where the recorded cases lie."""

import os
from pathlib import Path

PROJECT = Path(__file__).resolve().parents[2]


def recorded_folder() -> Path | None:
    """`RUNAI_CONFORMANCE`, else `shared/conformance` beside the checkout; None when neither is there."""
    named = os.environ.get("RUNAI_CONFORMANCE")
    folder = Path(named) if named else PROJECT.parent / "shared" / "conformance"
    return folder if (folder / "scheduling").is_dir() else None
