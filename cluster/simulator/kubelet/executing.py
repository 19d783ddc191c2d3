"""exec: runs one command in a container and passes its streams and its exit code."""

import time
from dataclasses import replace
from typing import Any
from urllib.parse import parse_qsl

from cluster import clock
from cluster.simulator.kubelet.commands import MISUSE, CannotRun, Inside, Outcome, complains, run
from cluster.simulator.kubelet.debugging import debuggers_in
from cluster.simulator.kubelet.environment import environment_of
from cluster.simulator.kubelet.lives import NodeAgent, PodLife
from cluster.simulator.kubelet.prospects import surroundings
from cluster.simulator.kubelet.references import Lacking
from cluster.simulator.kubelet.roster import Roster
from cluster.simulator.kubelet.shell import NotSimple
from cluster.simulator.kubelet.web_socket import STDERR, STDOUT, Channels
from cluster.simulator.limits.pod_totals import containers_of

LONGEST_SECONDS = 300.0
"""Real seconds after which a command that only sleeps is ended."""


def execute(
    roster: Roster, agent: NodeAgent, life: PodLife, container: str, query: str, channels: Channels
) -> None:
    """Run what the query asks for and tell how it ended."""
    asked = parse_qsl(query, keep_blank_values=True)
    command = [value for key, value in asked if key == "command"]
    has_input = ("input", "1") in asked
    try:
        inside = _inside(roster, agent, life, container)
        outcome = run(command, replace(inside, stdin=channels.read_stdin) if has_input else inside)
    except (CannotRun, Lacking) as error:
        channels.finish(failed(f"error executing command in container: {error}"))
        return
    except NotSimple as error:
        outcome = complains(f"{command[0]}: {error}\n", MISUSE)
    if not has_input:
        channels.listen()
    _play(outcome, channels)


def _inside(roster: Roster, agent: NodeAgent, life: PodLife, container: str) -> Inside:
    """Raises Lacking when what the container was started with is not known any more."""
    loads, now = roster.loads(agent), clock.now()
    every = [*containers_of(life.pod["spec"]), *debuggers_in(life.pod)]
    found = next(one for one in every if one["name"] == container)
    with roster.lock:
        around = surroundings(agent, life)
        readings = [one for one in agent.devices.readings(loads, now) if one.index in life.devices]
        environment = environment_of(life.pod, found, around, life.findings or {})
    return Inside(environment, now, readings)


def _play(outcome: Outcome, channels: Channels) -> None:
    """What it says, each at its time, and how it ends."""
    began = time.monotonic()

    def wait_until(seconds: float) -> None:
        left = min(clock.real_seconds(seconds), LONGEST_SECONDS) - (time.monotonic() - began)
        time.sleep(max(0.0, left))

    for said in outcome.said:
        wait_until(said.after)
        channels.write(STDERR if said.error else STDOUT, said.text)
    wait_until(outcome.seconds)
    channels.finish(ended_with(outcome.code))


def failed(text: str) -> dict[str, Any]:
    """As it is told that nothing could be run."""
    return {
        "metadata": {},
        "status": "Failure",
        "message": f"Internal error occurred: {text}",
        "reason": "InternalError",
        "details": {"causes": [{"message": text}]},
        "code": 500,
    }


def ended_with(code: int) -> dict[str, Any]:
    """As the container runtime interface tells an exit code."""
    if code == 0:
        return {"metadata": {}, "status": "Success"}
    return {
        "metadata": {},
        "status": "Failure",
        "reason": "NonZeroExitCode",
        "message": f"command terminated with non-zero exit code: exit status {code}",
        "details": {"causes": [{"reason": "ExitCode", "message": str(code)}]},
    }
