"""Ports: is it free, and which one shall it be."""

import socket

from cluster.control_plane.ports import free_ports


class PortInUse(Exception):
    """Another program listens there; the message names the port and what to do."""


def is_free(port: int, host: str = "127.0.0.1") -> bool:
    with socket.socket(socket.AF_INET, socket.SOCK_STREAM) as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind((host, port))
        except OSError:
            return False
    return True


def require_free(port: int) -> None:
    if not 1 <= port <= 65535:
        raise PortInUse(f"--port {port}: a port is a number from 1 to 65535")
    if not is_free(port):
        raise PortInUse(
            f"Port {port} is in use by another program. Stop that program, or choose another with --port."
        )


def free_port(wanted: int | None = None) -> int:
    """`wanted` when it is free, else another."""
    return wanted if wanted and is_free(wanted) else free_ports(1)[0]
