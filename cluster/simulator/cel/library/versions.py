"""`semver('1.2.3')`: semantic versions. Pure."""

import re

from cluster.simulator.cel.library.reading import can

_NUMBER = r"(?:0|[1-9]\d*)"
_WORD = r"(?:0|[1-9]\d*|\d*[a-zA-Z-][0-9a-zA-Z-]*)"
_VERSION = re.compile(
    rf"({_NUMBER})\.({_NUMBER})\.({_NUMBER})(?:-({_WORD}(?:\.{_WORD})*))?(?:\+[0-9a-zA-Z-]+(?:\.[0-9a-zA-Z-]+)*)?"
)
_LEADING_ZEROS = re.compile(r"0+(?=\d)")


def semver(text: str, normalize: bool = False) -> str:  # noqa: FBT001 -- called as the expression is written
    """The version without its build. Raises ValueError for what is none; `normalize` allows `v1.2`."""
    match = _VERSION.fullmatch(_normalized(text) if normalize else text)
    if match is None:
        raise ValueError(f"Invalid semantic version: {text!r}")
    return ".".join(match.group(1, 2, 3)) + (f"-{match[4]}" if match[4] else "")


is_semver = can(semver)


def compare(one: str, other: str) -> int:
    """1 when the first is later, -1 when the second is, else 0."""
    left, right = _order(one), _order(other)
    return (left > right) - (left < right)


def part(text: str, index: int) -> int:
    return int(text.partition("-")[0].split(".")[index])


def _normalized(text: str) -> str:
    parts = [_LEADING_ZEROS.sub("", part, count=1) for part in text.removeprefix("v").split(".", 2)]
    return ".".join([*parts, *["0"] * (3 - len(parts))])


def _order(text: str) -> tuple[list[int], bool, list[tuple[bool, int, str]]]:
    """A release is later than what leads to it; numbers come before words."""
    numbers, _, before = text.partition("-")
    words = [
        (not word.isdigit(), int(word) if word.isdigit() else 0, word) for word in before.split(".") if word
    ]
    return [int(number) for number in numbers.split(".")], not before, words
