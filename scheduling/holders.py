"""Who holds a lease: a name for this process, and whether the process behind another name has surely ended."""

import os
import secrets
import socket
from pathlib import Path


def process_space() -> str:
    """What process ids are counted in: this boot of this machine and this container; "" where nobody can tell (not Linux)."""
    try:
        boot = Path("/proc/sys/kernel/random/boot_id").read_text().strip().split("-")[0]
        return f"{boot}.{Path('/proc/self/ns/pid').stat().st_ino}"
    except OSError:
        return ""


def unique_holder() -> str:
    """`host/space/pid/random`: no two processes have the same, ever."""
    return "/".join([socket.gethostname(), process_space(), str(os.getpid()), secrets.token_hex(4)])


def is_dead(holder: str) -> bool:
    """True only for a process of this very process space that is there no more; of others nothing is known."""
    host, _, rest = holder.partition("/")
    space, _, rest = rest.partition("/")
    pid = rest.partition("/")[0]
    if not space or (host, space) != (socket.gethostname(), process_space()) or not pid.isdecimal():
        return False
    try:
        os.kill(int(pid), 0)
    except ProcessLookupError:
        return True
    except (PermissionError, OverflowError):
        return False
    return False
