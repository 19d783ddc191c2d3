"""Pure: reads the fields of a JSON object one by one and collects every mistake instead of stopping at the first."""

from collections.abc import Mapping
from decimal import Decimal, InvalidOperation
from typing import Any

from cluster.quantities import parse_quantity

Errors = dict[str, list[str]]
"""Field path (dots between levels) -> sentences that name the limit."""


class JsonFields:
    """One object of the input. Reading a field marks it as known; `finish` complains about the rest.

    A field of a wrong type is reported and read as None, so that the rules of the others are still checked.
    """

    def __init__(self, data: object, errors: Errors, *, path: str = "") -> None:
        self.errors = errors
        self._path = path
        self._known: set[str] = set()
        if isinstance(data, Mapping):
            self._data: Mapping[str, Any] = data
        else:
            self._data = {}
            self.complain("", "This must be a JSON object.")

    def complain(self, field: str, sentence: str) -> None:
        path = ".".join(part for part in (self._path, field) if part)
        self.errors.setdefault(path, []).append(sentence)

    def text(self, field: str) -> str | None:
        value = self._take(field)
        if value is None or (isinstance(value, str) and "\0" not in value):
            return value
        self.complain(field, "This must be a text without the character NUL.")
        return None

    def whole(self, field: str) -> int | None:
        value = self._take(field)
        if value is None:
            return None
        if isinstance(value, bool) or not isinstance(value, int | float) or value % 1 != 0:
            self.complain(field, "This must be a whole number.")
            return None
        return int(value)

    def milli(self, field: str) -> int | None:
        """A number in thousandths; more than three decimals are refused, never rounded."""
        value = self._take(field)
        if value is None:
            return None
        if isinstance(value, bool) or not isinstance(value, int | float):
            self.complain(field, "This must be a number.")
            return None
        return self._exact(field, str(value), 1000, "Give at most three decimals.")

    def bytes_of(self, field: str) -> int | None:
        """A memory quantity such as `500M` or `16Gi`, or a number of bytes."""
        value = self._take(field)
        if value is None:
            return None
        if isinstance(value, bool) or not isinstance(value, int | str):
            self.complain(field, "This must be a quantity such as 16Gi.")
            return None
        try:
            number = parse_quantity(value)
        except ValueError:
            self.complain(field, f"{str(value)[:40]!r} is not a quantity; write one such as 500M or 16Gi.")
            return None
        if number != number.to_integral_value():
            self.complain(field, "Give whole bytes.")
            return None
        return int(number)

    def texts(self, field: str) -> tuple[str, ...]:
        value = self._take(field)
        if value is None:
            return ()
        if not isinstance(value, list) or not all(isinstance(one, str) and "\0" not in one for one in value):
            self.complain(field, "This must be a list of texts.")
            return ()
        return tuple(value)

    def pairs(self, field: str) -> tuple[tuple[str, str], ...]:
        """`[{"name": …, "value": …}]`, in order."""
        value = self._take(field)
        if value is None:
            return ()
        if not isinstance(value, list):
            self.complain(field, 'This must be a list of {"name": …, "value": …}.')
            return ()
        return tuple(
            pair for index, item in enumerate(value) if (pair := self._pair(f"{field}.{index}", item))
        )

    def inner(self, field: str) -> "JsonFields":
        """The object under `field`; an absent one reads as empty."""
        value = self._take(field)
        path = ".".join(part for part in (self._path, field) if part)
        return JsonFields({} if value is None else value, self.errors, path=path)

    def finish(self) -> None:
        """Complains about every field nobody read: a misspelt field must not be dropped silently."""
        for field in sorted(str(key) for key in self._data if key not in self._known):
            self.complain(field, "This field is not known here.")

    def _take(self, field: str) -> Any:
        self._known.add(field)
        return self._data.get(field)

    def _pair(self, field: str, item: object) -> tuple[str, str] | None:
        path = ".".join(part for part in (self._path, field) if part)
        fields = JsonFields(item, self.errors, path=path)
        name, value = fields.text("name"), fields.text("value")
        fields.finish()
        if not isinstance(item, Mapping):
            return None
        if name is None:
            fields.complain("name", "Give it a name.")
            return None
        return name, value or ""

    def _exact(self, field: str, text: str, factor: int, sentence: str) -> int | None:
        try:
            number = Decimal(text) * factor
        except InvalidOperation:
            number = Decimal("NaN")
        if not number.is_finite() or number != number.to_integral_value():
            self.complain(field, sentence if number.is_finite() else "This must be a finite number.")
            return None
        return int(number)
