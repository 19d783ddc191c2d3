"""`quantity('1Gi')`: amounts that are compared, added and subtracted. Pure."""

from decimal import Decimal

from cluster.quantities import parse_quantity
from cluster.simulator.cel.library.reading import can

_MOST = 2**63
WRONG = "quantities must match the regular expression '^([+-]?[0-9.]+)([eEinumkKMGTP]*[-+]?[0-9]*)$'"


def quantity(text: str) -> str:
    """The number, written the same way however it was given. Raises ValueError."""
    try:
        if text != text.strip():
            raise ValueError
        return _written(parse_quantity(text))
    except ValueError:
        raise ValueError(WRONG) from None


is_quantity = can(quantity)


def compare(one: str, other: str) -> int:
    """1 when the first is greater, -1 when the second is, else 0."""
    left, right = Decimal(one), Decimal(other)
    return (left > right) - (left < right)


def add(one: str, other: str | int) -> str:
    return _written(Decimal(one) + Decimal(other))


def subtract(one: str, other: str | int) -> str:
    return _written(Decimal(one) - Decimal(other))


def sign(text: str) -> int:
    return compare(text, "0")


def is_integer(text: str) -> bool:
    number = Decimal(text)
    return number == int(number) and -_MOST <= number < _MOST


def as_integer(text: str) -> int:
    """Raises ValueError for what is none."""
    if not is_integer(text):
        raise ValueError("cannot convert value to integer")
    return int(Decimal(text))


def as_approximate_float(text: str) -> float:
    return float(Decimal(text))


def _written(number: Decimal) -> str:
    return f"{number.normalize():f}"
