"""What a container's command would do, when all of it is understood: its log, its length, its exit code. Pure.

Nothing is executed. A command that is not understood to its last word is none of ours: such a container lives as its
annotations or its kind tell.
"""

import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

from cluster.simulator.kubelet.commands import CannotRun, Inside, Outcome, run
from cluster.simulator.kubelet.environment import expanded
from cluster.simulator.kubelet.shell import NotSimple

UNDERSTOOD = frozenset(
    {"true", ":", "false", "sleep", "echo", "printf", "date", "env", "printenv", "hostname", "whoami", "pwd"}
)
"""They depend on nothing but their words, the environment and the time."""
_WITHOUT_ENTRYPOINT = re.compile(
    r"(?:(?:docker\.io/)?library/)?(?:alpine|busybox|debian|fedora|perl|python|ubuntu)(?:[:@].*)?"
)
"""Public images that name no entrypoint: what `args` hold is the command there."""


@dataclass(frozen=True)
class Program:
    """The words a container is started with and the environment it finds."""

    words: tuple[str, ...]
    environment: Mapping[str, str] = field(repr=False)  # may hold Secrets

    def perform(self, started: datetime) -> Outcome:
        """What it does when it is started at that product time."""
        return run(self.words, Inside(self.environment, started, only=UNDERSTOOD))


def program_of(
    container: Mapping[str, Any], variables: Mapping[str, str], environment: Mapping[str, str], now: datetime
) -> Program | None:
    """None when the image's own command runs, or one that is not understood. `variables` are those that the pod sets itself."""
    command, arguments = container.get("command") or [], container.get("args") or []
    if not command and not (arguments and _WITHOUT_ENTRYPOINT.fullmatch(str(container.get("image", "")))):
        return None
    words = [*command, *arguments]
    program = Program(tuple(expanded(str(word), variables) for word in words), environment)
    try:
        program.perform(now)
    except (CannotRun, NotSimple):
        return None
    return program
