"""What a run has to write once its effects are under way: collected, then written in one transaction."""

from collections.abc import Callable

from django.db import transaction


class Ledger:
    """In the order in which it was noted. What cannot be written stays noted for the next time."""

    def __init__(self) -> None:
        self._pending: list[Callable[[], object]] = []

    def note(self, write: Callable[[], object]) -> None:
        self._pending.append(write)

    def write(self) -> None:
        if not self._pending:
            return
        with transaction.atomic():
            for write in self._pending:
                write()
        self._pending.clear()
