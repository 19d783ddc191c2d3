"""Free ports of this machine, and the ones a control plane used before, so that its address outlives a restart."""

import json
import random
import socket
from collections.abc import Sequence
from pathlib import Path

ADDRESS = "127.0.0.1"
LOWEST_PORT = 10_000
_OUTGOING = Path("/proc/sys/net/ipv4/ip_local_port_range")
_TRIES = 50


def free_ports(count: int) -> list[int]:
    """Ports nobody listens on now; held together, so that they differ."""
    return _hold([0] * count)


def lasting_ports(file: Path, names: Sequence[str]) -> dict[str, int]:
    """A port for each name: the one it had the last time unless another program has taken it since."""
    known = _read(file)
    ports = dict(zip(names, _hold([known.get(name, 0) for name in names]), strict=True))
    if ports != known:
        file.write_text(json.dumps(ports))
    return ports


def _hold(wanted: Sequence[int]) -> list[int]:
    """Each wanted port that is free, else another (0 = any); all are open at the same time before they are given back.

    Between then and the moment their program listens somebody else may take them. Outgoing connections, which take ports all the time,
    cannot: theirs are from another range.
    """
    sockets = [_open(port) for port in wanted]
    ports = [int(one.getsockname()[1]) for one in sockets]
    for one in sockets:
        one.close()
    return ports


def _open(wanted: int) -> socket.socket:
    below_outgoing = range(LOWEST_PORT, _lowest_outgoing())
    others = (random.choice(below_outgoing) for _ in range(_TRIES if below_outgoing else 0))  # noqa: S311  (no secret)
    for port in (wanted, *others) if wanted else others:
        try:
            return socket.create_server((ADDRESS, port))
        except OSError:
            continue
    return socket.create_server((ADDRESS, 0))


def _lowest_outgoing() -> int:
    """The first port that the system gives to outgoing connections; 0 where it does not say."""
    try:
        return int(_OUTGOING.read_text().split()[0])
    except (OSError, ValueError, IndexError):
        return 0


def _read(file: Path) -> dict[str, int]:
    """{} for a file that is not there, or that was cut off by a crash: other ports do no harm."""
    try:
        return {str(name): int(port) for name, port in json.loads(file.read_text()).items()}
    except (OSError, ValueError, TypeError, AttributeError):
        return {}
