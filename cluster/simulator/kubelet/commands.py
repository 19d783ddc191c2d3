"""What a few commands say in an imaginary container, how long they take and how they end. Pure: nothing is ever executed."""

import math
import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta

from cluster.simulator.gpus import Reading
from cluster.simulator.kubelet.nvidia_smi import nvidia_smi
from cluster.simulator.kubelet.printing import LONGEST_OUTPUT, date_text, echoed, limited, printed
from cluster.simulator.kubelet.shell import NotSimple, Step, expand, parse

MISUSE, NOT_FOUND = 2, 127
_SHELLS = ("sh", "bash", "/bin/sh", "/bin/bash", "/usr/bin/bash", "/usr/bin/sh")
_INTERVAL = re.compile(r"(\d+\.?\d*|\.\d+|inf(?:inity)?)([smhd]?)")
_UNITS = {"": 1, "s": 1, "m": 60, "h": 3600, "d": 86_400}
_MOST_STEPS, _DEEPEST = 1000, 8
_FOR_EVER = 10 * 366 * 86_400.0
"""Seconds; what lasts longer has no end."""


class CannotRun(Exception):
    """The command does not exist in the container; the message is a container runtime's."""


@dataclass(frozen=True)
class Said:
    """A text written so many product seconds after the beginning; `error` tells the stream."""

    after: float
    text: str
    error: bool = False


@dataclass(frozen=True)
class Outcome:
    """`seconds` is how long it takes, on the product's clock; infinite when it does not end."""

    said: tuple[Said, ...] = ()
    code: int = 0
    seconds: float = 0.0

    @property
    def out(self) -> str:
        return "".join(one.text for one in self.said if not one.error)

    @property
    def errors(self) -> str:
        return "".join(one.text for one in self.said if one.error)

    def then(self, following: "Outcome") -> "Outcome":
        later = tuple(replace(one, after=one.after + self.seconds) for one in following.said)
        return Outcome(self.said + later, following.code, self.seconds + following.seconds)


def says(text: str, code: int = 0) -> Outcome:
    return Outcome((Said(0.0, text),) if text else (), code)


def complains(text: str, code: int) -> Outcome:
    return Outcome((Said(0.0, text, error=True),), code)


class Budget:
    """What one command and all that its shells begin may do: a text may call itself by a variable, and never end."""

    def __init__(self) -> None:
        self.steps = _MOST_STEPS
        self.characters = LONGEST_OUTPUT

    def spend(self, characters: int) -> None:
        """One step with so many characters; raises NotSimple when that is more than is left."""
        self.steps -= 1
        self.characters -= characters
        if self.steps < 0 or self.characters < 0:
            raise NotSimple(f"more than {_MOST_STEPS} commands or {LONGEST_OUTPUT} characters")


@dataclass(frozen=True)
class Inside:
    """What a command sees."""

    environment: Mapping[str, str]
    now: datetime
    devices: Sequence[Reading] = ()
    stdin: Callable[[], str] = field(default=lambda: "")
    only: frozenset[str] | None = None
    """With it no other command may be reached, not in a shell either: CannotRun then. Nor may a shell guess at variables, which
    the image may have set."""
    budget: Budget = field(default_factory=Budget)
    shells: int = 0
    """How many shells stand around it."""


def run(command: Sequence[str], inside: Inside) -> Outcome:
    """Raises CannotRun for a command that is not there, NotSimple for a use of it that is not understood."""
    name, arguments = command[0].rpartition("/")[2] if command[0] not in _SHELLS else command[0], command[1:]
    if name in _SHELLS:
        return _shell(arguments, inside)
    known = _COMMANDS.get(name) if inside.only is None or name in inside.only else None
    if name == "nvidia-smi" and inside.devices:  # the runtime puts it where devices are
        known = _nvidia_smi
    if known is None:
        text = f'exec: "{command[0]}": executable file not found in $PATH: unknown'
        raise CannotRun(f"OCI runtime exec failed: exec failed: unable to start container process: {text}")
    return known(arguments, inside)


def _shell(arguments: Sequence[str], inside: Inside) -> Outcome:
    """`sh -c` with simple commands one after the other."""
    if len(arguments) < 2 or arguments[0] != "-c":
        raise NotSimple("only `sh -c COMMANDS` works in a simulated container")
    if inside.shells == _DEEPEST:
        raise NotSimple(f"more than {_DEEPEST} shells within one another")
    outcome = Outcome()
    for step in parse(arguments[1]):
        if (step.joined == "&&" and outcome.code) or (step.joined == "||" and not outcome.code):
            continue
        words = expand(step, inside.environment, most=inside.budget.characters, guess=inside.only is None)
        inside.budget.spend(sum(len(word) for word in words))
        if not words:
            outcome = replace(outcome, code=0)
            continue
        if words[0] == "exit":
            return outcome.then(Outcome(code=_exit_code(words[1:], outcome.code)))
        outcome = outcome.then(_one(step, words, _later(inside, outcome.seconds)))
        if outcome.seconds > _FOR_EVER:
            return replace(outcome, seconds=math.inf)
    return outcome


def _later(inside: Inside, seconds: float) -> Inside:
    return replace(inside, now=inside.now + timedelta(seconds=seconds), shells=inside.shells + 1)


def _one(step: Step, words: list[str], inside: Inside) -> Outcome:
    try:
        outcome = run(words, inside)
    except CannotRun:
        if inside.only is not None:
            raise
        return complains(f"sh: {words[0]}: not found\n", NOT_FOUND)
    inside.budget.spend(sum(len(one.text) for one in outcome.said))
    if step.to_errors:
        return replace(outcome, said=tuple(replace(one, error=True) for one in outcome.said))
    return outcome


def _exit_code(arguments: Sequence[str], last: int) -> int:
    if len(arguments) > 1 or not all(re.fullmatch(r"[0-9]{1,9}", text) for text in arguments):
        raise NotSimple("exit takes one number here")
    return int(arguments[0]) % 256 if arguments else last


def _nvidia_smi(arguments: Sequence[str], inside: Inside) -> Outcome:
    out, code = nvidia_smi(arguments, inside.devices, inside.now)
    return complains(out, code) if code else says(out)


def _env(arguments: Sequence[str], inside: Inside) -> Outcome:
    if arguments:
        raise NotSimple("env takes no arguments here")
    return says(limited(f"{name}={value}\n" for name, value in inside.environment.items()))


def _printenv(arguments: Sequence[str], inside: Inside) -> Outcome:
    if not arguments:
        return _env(arguments, inside)
    found = [inside.environment[name] for name in arguments if name in inside.environment]
    return says(limited(f"{value}\n" for value in found), int(len(found) < len(arguments)))


def _cat(arguments: Sequence[str], inside: Inside) -> Outcome:
    files = [name for name in arguments if name != "-"]
    if files:
        return complains("".join(f"cat: {name}: No such file or directory\n" for name in files), 1)
    return says(inside.stdin())


def _sleep(arguments: Sequence[str], inside: Inside) -> Outcome:
    """As GNU's: several intervals add up, `infinity` does not end."""
    if not arguments:
        return complains("sleep: missing operand\n", 1)
    seconds = 0.0
    for text in arguments:
        match = _INTERVAL.fullmatch(text)
        if match is None:
            return complains(f"sleep: invalid time interval '{text}'\n", 1)
        seconds += float(match[1]) * _UNITS[match[2]]
    return Outcome(seconds=seconds if seconds <= _FOR_EVER else math.inf)


def _printf(arguments: Sequence[str], inside: Inside) -> Outcome:
    if not arguments or arguments[0].startswith("-"):
        raise NotSimple("printf needs a format and takes no options here")
    return says(printed(arguments[0], arguments[1:]))


_COMMANDS: dict[str, Callable[[Sequence[str], Inside], Outcome]] = {
    "echo": lambda arguments, inside: says(echoed(arguments)),
    "printf": _printf,
    "env": _env,
    "printenv": _printenv,
    "hostname": lambda arguments, inside: says(f"{inside.environment['HOSTNAME']}\n"),
    "cat": _cat,
    "sleep": _sleep,
    "true": lambda arguments, inside: Outcome(),
    ":": lambda arguments, inside: Outcome(),
    "false": lambda arguments, inside: Outcome(code=1),
    "date": lambda arguments, inside: says(f"{date_text(arguments, inside.now)}\n"),
    "whoami": lambda arguments, inside: says("root\n"),
    "pwd": lambda arguments, inside: says("/\n"),
}
