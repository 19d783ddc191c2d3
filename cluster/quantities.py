"""Kubernetes quantities ("500m", "2Gi", "1e3") as exact numbers. Pure; the library's reader would cost a second of import."""

import re
from decimal import Decimal

_SUFFIXES = {
    "": Decimal(1),
    "n": Decimal("1e-9"),
    "u": Decimal("1e-6"),
    "m": Decimal("1e-3"),
    "k": Decimal(10**3),
    "M": Decimal(10**6),
    "G": Decimal(10**9),
    "T": Decimal(10**12),
    "P": Decimal(10**15),
    "E": Decimal(10**18),
    "Ki": Decimal(2**10),
    "Mi": Decimal(2**20),
    "Gi": Decimal(2**30),
    "Ti": Decimal(2**40),
    "Pi": Decimal(2**50),
    "Ei": Decimal(2**60),
}
_QUANTITY = re.compile(
    r"([+-]?(?:[0-9]{1,30}(?:\.[0-9]{0,30})?|\.[0-9]{1,30}))(?:[eE]([+-]?[0-9]{1,3})|([numkMGTPE]|[KMGTPE]i)?)"
)


def parse_quantity(text: str | int | float) -> Decimal:
    """The number a quantity stands for; raises ValueError naming the text when it is none (also for NaN and infinity)."""
    match = _QUANTITY.fullmatch(str(text).strip())
    if match is None:
        raise ValueError(f"not a Kubernetes quantity: {text!r}")
    number, exponent, suffix = match.groups()
    if exponent is not None:
        return Decimal(number).scaleb(int(exponent))
    return Decimal(number) * _SUFFIXES[suffix or ""]


def milli(text: str | int | float) -> int:
    """Thousandths, rounded up as the scheduler of Kubernetes does: half a millicore still needs one."""
    return _ceiling(parse_quantity(text) * 1000)


def whole(text: str | int | float) -> int:
    """Whole units (bytes, devices, pods), rounded up."""
    return _ceiling(parse_quantity(text))


def _ceiling(number: Decimal) -> int:
    return int(number.to_integral_value(rounding="ROUND_CEILING"))
