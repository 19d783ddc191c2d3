"""What the library says, as Kubernetes' own says it. Pure."""

import re

_FRAME = re.compile(r"^[A-Z_]+: (?P<said>.*?)(?: \[[A-Z_]+\])?$", re.DOTALL)
_WORDINGS = [
    (re.compile(r"Key not found in map : \"?(?P<key>.*?)\"?"), r"no such key: \g<key>"),
    (re.compile(r"Index error: index=(?P<index>-?\d+) size=\d+"), r"index out of bounds: \g<index>"),
    (re.compile(r"No matching overloads found : .*"), "no such overload"),
    (re.compile(r"Applying SELECT to non-message type"), "no such overload"),
    (re.compile(r"divide by zero"), "division by zero"),
    (
        re.compile(r"cannot convert string to (?P<kind>\w+)"),
        r"type conversion error from 'string' to '\g<kind>'",
    ),
]
_STRUCT = re.compile(r" not found in struct '[^']*'")
_SELECTION = re.compile(r"expression of type ('[^']*') cannot be the operand of a select operation")
NO_SUCH_OVERLOAD = "no such overload"
UNKNOWN_HERE = re.compile(r"undeclared reference to '(format|authorizer|jsonpatch)'")


_UNFITTING = re.compile(
    r"<input>:(?P<line>\d+):(?P<column>\d+): found no matching overload for '(?P<name>[\w.]+)' applied to '\((?P<types>.*)\)'"
)


def check_failure(text: str, expression: str) -> str:
    """Why an expression does not compile."""
    said = _STRUCT.sub("", _said(text)).replace("null_type", "null")
    said = _SELECTION.sub(r"type \1 does not support field selection", said)
    lines = expression.split("\n")
    said = _UNFITTING.sub(lambda found: _of_a_member(found, lines), said)
    unknown = UNKNOWN_HERE.search(said)
    if unknown:
        return f"{said}\nthe simulator does not know Kubernetes' `{unknown[1]}`"
    return said


def _of_a_member(found: re.Match[str], lines: list[str]) -> str:
    """A function that is called on a value is shown with that value's type before it."""
    name, line = found["name"], int(found["line"]) - 1
    before = lines[line][: int(found["column"]) - 1].rstrip() if line < len(lines) else ""
    if not before.removesuffix(name).rstrip().endswith("."):
        return found[0]
    target, rest = _first_type(found["types"])
    return found[0].replace(f"'({found['types']})'", f"'{target}.({rest})'")


def _first_type(types: str) -> tuple[str, str]:
    depth = 0
    for index, sign in enumerate(types):
        depth += (sign == "(") - (sign == ")")
        if sign == "," and not depth:
            return types[:index], types[index + 1 :].lstrip()
    return types, ""


def evaluation_failure(text: str) -> str:
    """Why an expression has no value."""
    said = _said(text)
    for pattern, wording in _WORDINGS:
        found = pattern.fullmatch(said)
        if found:
            return found.expand(wording)
    return said


def _said(text: str) -> str:
    framed = _FRAME.match(text)
    return framed["said"] if framed else text
