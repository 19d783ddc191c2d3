"""Quantities with the notation they were written in, so that sums and messages look as Kubernetes shows them. Pure."""

import re
from collections.abc import Mapping
from dataclasses import dataclass
from decimal import ROUND_UP, Decimal
from functools import lru_cache
from typing import Any

from cluster.quantities import parse_quantity

DECIMAL, BINARY, EXPONENT = "decimal", "binary", "exponent"
_SUFFIXES = {-9: "n", -6: "u", -3: "m", 0: "", 3: "k", 6: "M", 9: "G", 12: "T", 15: "P", 18: "E"}
_BINARY_SUFFIXES = ("", "Ki", "Mi", "Gi", "Ti", "Pi", "Ei")
_EXPONENT = re.compile(r"[eE][+-]?\d+$")
_FINEST, _STORED = Decimal("1e-9"), Decimal("1e-3")


@dataclass(frozen=True)
class Amount:
    """A number and how it is written: 1000 bytes are "1k" or "1000", 1024 are "1Ki" only in the binary notation."""

    number: Decimal
    notation: str = DECIMAL

    def __str__(self) -> str:
        if self.notation == BINARY and abs(self.number) >= 1024 and self.number == int(self.number):
            return _binary_text(int(self.number))
        return _decimal_text(self.number, self.notation)

    def __add__(self, other: "Amount") -> "Amount":
        """The first one's notation stays, unless it is nothing."""
        return Amount(self.number + other.number, self.notation if self.number else other.notation)


Amounts = dict[str, Amount]
"""By the name of a resource."""


@lru_cache(maxsize=4096)
def read_amount(text: str) -> Amount:
    """Raises ValueError for what is no quantity. Finer than a billionth is rounded up."""
    fine = _rounded_up(parse_quantity(text), _FINEST)
    if text.strip().endswith("i"):
        return Amount(fine, BINARY)
    return Amount(fine, EXPONENT if _EXPONENT.search(text.strip()) else DECIMAL)


@lru_cache(maxsize=4096)
def canonical(text: str) -> str:
    """As Kubernetes stores it: "0.5" is "500m", "1024Mi" is "1Gi", "0.1m" is "1m". Raises ValueError for what is no quantity."""
    amount = read_amount(text)
    return str(Amount(_rounded_up(amount.number, _STORED), amount.notation))


def read_amounts(listed: Mapping[str, Any] | None) -> Amounts:
    return {name: read_amount(str(text)) for name, text in (listed or {}).items()}


def texts_of(amounts: Amounts) -> dict[str, str]:
    return {name: str(amount) for name, amount in sorted(amounts.items())}


def total(*lists: Amounts) -> Amounts:
    found: Amounts = {}
    for listed in lists:
        for name, amount in listed.items():
            found[name] = found[name] + amount if name in found else amount
    return found


def largest(*lists: Amounts) -> Amounts:
    """Of each resource the most that any of them has."""
    found: Amounts = {}
    for listed in lists:
        for name, amount in listed.items():
            if name not in found or amount.number > found[name].number:
                found[name] = amount
    return found


def _rounded_up(number: Decimal, finest: Decimal) -> Decimal:
    return number.quantize(finest, rounding=ROUND_UP) if number % finest else number


def _binary_text(number: int) -> str:
    power = 0
    while number and number % 1024 == 0 and power < len(_BINARY_SUFFIXES) - 1:
        number, power = number // 1024, power + 1
    return f"{number}{_BINARY_SUFFIXES[power]}"


def _decimal_text(number: Decimal, notation: str) -> str:
    """A whole number of the largest thousandfold that it is a multiple of."""
    if not number:
        return "0"
    exponent, shown = -9, int(number.scaleb(9))
    while shown % 1000 == 0 and (notation == EXPONENT or exponent < 18):
        shown, exponent = shown // 1000, exponent + 3
    if notation == EXPONENT:
        return f"{shown}e{exponent}" if exponent else str(shown)
    return f"{shown}{_SUFFIXES[exponent]}"
