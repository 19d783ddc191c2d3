"""kubectl as tests call it."""

from collections.abc import Callable

Run = Callable[..., str]
"""Arguments of kubectl, `document=` for its stdin, `code=` for the exit code that is expected -> what it printed."""
