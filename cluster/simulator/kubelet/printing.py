"""echo, printf and date, as programs write them. Pure."""

import re
from collections import deque
from collections.abc import Iterable, Iterator, Sequence
from datetime import datetime

from cluster.simulator.kubelet.shell import NotSimple

LONGEST_OUTPUT = 262_144
"""Characters that a command, or all of a shell's together, may write."""
_ESCAPES = {"n": "\n", "t": "\t", "r": "\r", "a": "\a", "b": "\b", "f": "\f", "v": "\v", "\\": "\\"}
_ESCAPE = re.compile(r"\\(.?)", re.DOTALL)
_CONVERSION = re.compile(r"%(?:(%)|([sdi]))?")
_DATE_PART = re.compile(r"%(.?)")
_DATE_PARTS = frozenset("YmdeHMSFTDRjabABZzpIy")
_PLAIN_DATE = "%a %b %e %H:%M:%S UTC %Y"


def echoed(arguments: Sequence[str]) -> str:
    """`-n` leaves the line open, `-e` reads escapes."""
    options = ""
    while arguments and re.fullmatch(r"-[neE]+", arguments[0]):
        options += arguments[0][1:]
        arguments = arguments[1:]
    text = " ".join(arguments)
    if options.rfind("e") > options.rfind("E"):
        text = _unescaped(text)
    return text if "n" in options else f"{text}\n"


def limited(texts: Iterable[str]) -> str:
    """All of them as one; raises NotSimple when that is too long."""
    found, length = [], 0
    for text in texts:
        length += len(text)
        if length > LONGEST_OUTPUT:
            raise NotSimple(f"a command writes more than {LONGEST_OUTPUT} characters")
        found.append(text)
    return "".join(found)


def printed(form: str, values: Sequence[str]) -> str:
    """The form again and again until no value is left. Raises NotSimple for what is not %s, %d or %%."""
    return limited(_rounds(form, deque(values)))


def _rounds(form: str, left: deque[str]) -> Iterator[str]:
    while True:
        before = len(left)
        yield _once(form, left)
        if not left or len(left) == before:
            return


def _once(form: str, left: deque[str]) -> str:
    def filled(match: re.Match[str]) -> str:
        if match[1]:
            return "%"
        if not match[2]:
            raise NotSimple("printf knows %s, %d and %% here")
        value = left.popleft() if left else ""
        if match[2] == "s":
            return value
        if not re.fullmatch(r"[+-]?[0-9]{0,18}", value):
            raise NotSimple(f"printf: {value} is not a number")
        return str(int(value if value.strip("+-") else "0"))

    parts = re.split(r"(%.?)", form)
    return "".join(_CONVERSION.sub(filled, part) if part[:1] == "%" else _unescaped(part) for part in parts)


def _unescaped(text: str) -> str:
    def meant(match: re.Match[str]) -> str:
        if match[1] not in _ESCAPES:  # shells differ there
            raise NotSimple(f"{match[0]} is not understood")
        return _ESCAPES[match[1]]

    return _ESCAPE.sub(meant, text)


def date_text(arguments: Sequence[str], now: datetime) -> str:
    """In UTC, as containers have it. Raises NotSimple for an option or a part that is not known here."""
    forms = [one for one in arguments if one not in ("-u", "--utc")]
    if not forms:
        return now.strftime(_PLAIN_DATE)
    if len(forms) > 1 or not forms[0].startswith("+"):
        raise NotSimple("date knows -u and +FORMAT here")

    def part(match: re.Match[str]) -> str:
        if match[1] == "%":
            return "%"
        if match[1] == "s":
            return str(int(now.timestamp()))
        if match[1] not in _DATE_PARTS:
            raise NotSimple(f"date: {match[0]} is not understood")
        return now.strftime(match[0])

    return _DATE_PART.sub(part, forms[0][1:])
