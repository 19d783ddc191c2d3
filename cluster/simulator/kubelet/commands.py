"""What a few commands say in an imaginary container: enough to look around in it. Pure."""

import re
import shlex
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime

from cluster.simulator.gpus import Reading
from cluster.simulator.kubelet.nvidia_smi import nvidia_smi

MISUSE, NOT_FOUND = 2, 127
_SEPARATOR = re.compile(r"\s*(;|&&|\n)\s*")
_VARIABLE = re.compile(r"\$(?:\{(\w+)\}|(\w+))")
_SHELLS = ("sh", "bash", "/bin/sh", "/bin/bash")


class CannotRun(Exception):
    """The command does not exist in the container; the message is a container runtime's."""


@dataclass(frozen=True)
class Outcome:
    """`seconds` is how long it takes, on the product's clock."""

    out: str = ""
    errors: str = ""
    code: int = 0
    seconds: float = 0.0

    def then(self, following: "Outcome") -> "Outcome":
        return Outcome(
            self.out + following.out,
            self.errors + following.errors,
            following.code,
            self.seconds + following.seconds,
        )


@dataclass(frozen=True)
class Inside:
    """What a command sees."""

    environment: Mapping[str, str]
    now: datetime
    devices: Sequence[Reading] = ()
    stdin: Callable[[], str] = field(default=lambda: "")


def run(command: Sequence[str], inside: Inside) -> Outcome:
    """Raises CannotRun for a command that is not there."""
    name, arguments = command[0].rpartition("/")[2] if command[0] not in _SHELLS else command[0], command[1:]
    if name in _SHELLS:
        return _shell(arguments, inside)
    if name == "nvidia-smi" and inside.devices:  # the runtime puts it where devices are
        out, code = nvidia_smi(arguments, inside.devices, inside.now)
        return Outcome(out if not code else "", "" if not code else out, code)
    known = _COMMANDS.get(name)
    if known is None:
        text = f'exec: "{command[0]}": executable file not found in $PATH: unknown'
        raise CannotRun(f"OCI runtime exec failed: exec failed: unable to start container process: {text}")
    return known(arguments, inside)


def _shell(arguments: Sequence[str], inside: Inside) -> Outcome:
    """`sh -c` with simple commands one after the other; what it does not know it refuses."""
    if len(arguments) < 2 or arguments[0] != "-c":
        return Outcome(errors="sh: only `sh -c COMMANDS` works in a simulated container\n", code=MISUSE)
    if re.search(r"[|<>`]|\$\(", arguments[1]):
        return Outcome(errors="sh: a simulated shell has no pipes, files or substitutions\n", code=MISUSE)
    outcome, must_succeed = Outcome(), False
    for part in _SEPARATOR.split(arguments[1].strip()):
        if part in (";", "&&", ""):
            must_succeed = part == "&&"
            continue
        if must_succeed and outcome.code:
            continue
        words = shlex.split(_VARIABLE.sub(lambda m: inside.environment.get(m[1] or m[2], ""), part))
        if words[0] == "exit":
            return outcome.then(Outcome(code=_number(words[1]) if words[1:] else outcome.code))
        try:
            outcome = outcome.then(run(words, inside))
        except CannotRun:
            outcome = outcome.then(Outcome(errors=f"sh: {words[0]}: not found\n", code=NOT_FOUND))
    return outcome


def _number(text: str) -> int:
    return int(text) % 256 if text.isdigit() else MISUSE


def _echo(arguments: Sequence[str], inside: Inside) -> Outcome:
    plain = arguments[:1] == ["-n"]
    return Outcome(" ".join(arguments[1:] if plain else arguments) + ("" if plain else "\n"))


def _env(arguments: Sequence[str], inside: Inside) -> Outcome:
    return Outcome("".join(f"{name}={value}\n" for name, value in inside.environment.items()))


def _printenv(arguments: Sequence[str], inside: Inside) -> Outcome:
    if not arguments:
        return _env(arguments, inside)
    found = [inside.environment[name] for name in arguments if name in inside.environment]
    return Outcome("".join(f"{value}\n" for value in found), code=int(len(found) < len(arguments)))


def _hostname(arguments: Sequence[str], inside: Inside) -> Outcome:
    return Outcome(f"{inside.environment['HOSTNAME']}\n")


def _cat(arguments: Sequence[str], inside: Inside) -> Outcome:
    files = [name for name in arguments if name != "-"]
    if files:
        return Outcome(errors="".join(f"cat: {name}: No such file or directory\n" for name in files), code=1)
    return Outcome(inside.stdin())


def _sleep(arguments: Sequence[str], inside: Inside) -> Outcome:
    match = re.fullmatch(r"(\d+(?:\.\d+)?)s?", arguments[0]) if arguments else None
    if match is None:
        return Outcome(errors="sleep: needs a number of seconds\n", code=1)
    return Outcome(seconds=float(match[1]))


_COMMANDS: dict[str, Callable[[Sequence[str], Inside], Outcome]] = {
    "echo": _echo,
    "env": _env,
    "printenv": _printenv,
    "hostname": _hostname,
    "cat": _cat,
    "sleep": _sleep,
    "true": lambda arguments, inside: Outcome(),
    "false": lambda arguments, inside: Outcome(code=1),
    "date": lambda arguments, inside: Outcome(f"{inside.now:%a %b %d %H:%M:%S UTC %Y}\n"),
    "whoami": lambda arguments, inside: Outcome("root\n"),
    "pwd": lambda arguments, inside: Outcome("/\n"),
}
