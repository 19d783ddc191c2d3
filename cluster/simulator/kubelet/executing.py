"""exec: runs one command in a container and passes its streams and its exit code."""

import re
import time
from collections.abc import Mapping
from typing import Any
from urllib.parse import parse_qsl

from cluster import clock
from cluster.documents import Document, name_of, namespace_of
from cluster.simulator.kubelet.commands import MISUSE, CannotRun, Inside, complains, run
from cluster.simulator.kubelet.lives import NodeAgent, PodLife
from cluster.simulator.kubelet.roster import Roster
from cluster.simulator.kubelet.shell import NotSimple
from cluster.simulator.kubelet.web_socket import STDERR, STDOUT, Channels

LONGEST_SECONDS = 300.0
"""Real seconds after which a command that only sleeps is ended."""
_REFERENCE = re.compile(r"\$\$|\$\(([A-Za-z_][A-Za-z0-9_.-]*)\)")
PATHS = "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin"


def execute(
    roster: Roster, agent: NodeAgent, life: PodLife, container: str, query: str, channels: Channels
) -> None:
    """Run what the query asks for and tell how it ended."""
    asked = parse_qsl(query, keep_blank_values=True)
    command = [value for key, value in asked if key == "command"]
    has_input = ("input", "1") in asked
    loads = roster.loads(agent)
    now = clock.now()
    with roster.lock:
        readings = [one for one in agent.devices.readings(loads, now) if one.index in life.devices]
    inside = Inside(
        environment_of(life, container, [one.uuid for one in readings]),
        now,
        readings,
        channels.read_stdin if has_input else lambda: "",
    )
    try:
        outcome = run(command, inside)
    except CannotRun as error:
        text = f"error executing command in container: {error}"
        channels.finish(
            {
                "metadata": {},
                "status": "Failure",
                "message": f"Internal error occurred: {text}",
                "reason": "InternalError",
                "details": {"causes": [{"message": text}]},
                "code": 500,
            }
        )
        return
    except NotSimple as error:
        outcome = complains(f"{command[0]}: {error}\n", MISUSE)
    time.sleep(min(clock.real_seconds(outcome.seconds), LONGEST_SECONDS))
    channels.write(STDOUT, outcome.out)
    channels.write(STDERR, outcome.errors)
    channels.finish(_status(outcome.code))


def _status(code: int) -> dict[str, Any]:
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


def environment_of(life: PodLife, container: str, uuids: list[str]) -> dict[str, str]:
    """What the container's processes find: the runtime's own, the pod's, and what its fields say."""
    pod = life.pod
    every = [*pod["spec"]["containers"], *(pod["spec"].get("initContainers") or [])]
    spec = next(one for one in every if one["name"] == container)
    found = {"PATH": PATHS, "HOSTNAME": str(pod["spec"].get("hostname") or name_of(pod))}
    if uuids:
        found["NVIDIA_VISIBLE_DEVICES"] = ",".join(uuids)
    for entry in spec.get("env") or []:
        field = ((entry.get("valueFrom") or {}).get("fieldRef") or {}).get("fieldPath")
        if field is not None:
            found[entry["name"]] = _field(pod, life, field)
        elif "valueFrom" not in entry:
            found[entry["name"]] = expanded(str(entry.get("value", "")), found)
    return found | {"HOME": "/root"}


def expanded(text: str, known: Mapping[str, str]) -> str:
    """`$(NAME)` stands for a variable that was set before; `$$` is one dollar sign; what is not known stays as it is."""
    return _REFERENCE.sub(lambda match: "$" if match[1] is None else known.get(match[1], match[0]), text)


def _field(pod: Document, life: PodLife, path: str) -> str:
    known = {
        "metadata.name": name_of(pod),
        "metadata.namespace": namespace_of(pod),
        "metadata.uid": life.uid,
        "spec.nodeName": life.node,
        "spec.serviceAccountName": str(pod["spec"].get("serviceAccountName", "")),
        "status.podIP": life.ip,
    }
    if path.endswith("']"):
        part, _, key = path[:-2].partition("['")
        return str((pod["metadata"].get(part.removeprefix("metadata.")) or {}).get(key, ""))
    return known.get(path, "")
