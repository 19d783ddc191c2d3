"""Free ports of this machine, and the ones a control plane used before, so that its address outlives a restart."""

import json
import socket
from collections.abc import Sequence
from pathlib import Path

ADDRESS = "127.0.0.1"


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
    """Each wanted port that is free, else another (0 = any); all are open at the same time before they are given back."""
    sockets = [_open(port) for port in wanted]
    ports = [int(one.getsockname()[1]) for one in sockets]
    for one in sockets:
        one.close()
    return ports


def _open(port: int) -> socket.socket:
    try:
        return socket.create_server((ADDRESS, port))
    except OSError:
        return socket.create_server((ADDRESS, 0))


def _read(file: Path) -> dict[str, int]:
    """{} for a file that is not there, or that was cut off by a crash: other ports do no harm."""
    try:
        return {str(name): int(port) for name, port in json.loads(file.read_text()).items()}
    except (OSError, ValueError, TypeError, AttributeError):
        return {}
