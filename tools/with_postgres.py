#!/usr/bin/env python3
"""Runs a command with DATABASE_URL naming a fresh PostgreSQL server of its own: `tools/with_postgres.py pytest -q tests`.

The server lives in a temporary folder, listens on a unix socket only, and is gone afterwards. PostgreSQL refuses root: then it runs as `nobody`.
"""

import os
import shutil
import subprocess
import sys
import tempfile
import time
from pathlib import Path

START_WITHIN_SECONDS = 30.0


def newest_binaries() -> Path:
    found = sorted(Path("/usr/lib/postgresql").glob("*/bin/initdb"), key=lambda file: int(file.parts[-3]))
    if found:
        return found[-1].parent
    on_path = shutil.which("initdb")
    if on_path:
        return Path(on_path).parent
    sys.exit("There is no PostgreSQL here: apt-get install postgresql")


def main() -> int:
    if len(sys.argv) < 2:
        sys.exit(__doc__)
    binaries = newest_binaries()
    folder = Path(tempfile.mkdtemp(prefix="runai-pg-", dir="/tmp"))  # a socket's path has at most 107 bytes
    as_nobody = {"user": "nobody", "group": "nogroup"} if os.getuid() == 0 else {}
    if as_nobody:
        shutil.chown(folder, "nobody", "nogroup")
    data = folder / "data"
    quiet = {"stdout": subprocess.DEVNULL, "cwd": "/", **as_nobody}
    subprocess.run(
        [binaries / "initdb", "-D", data, "-U", "portal", "-A", "trust", "-E", "UTF8", "--no-sync"],
        check=True,
        **quiet,
    )
    options = [
        "-c",
        "listen_addresses=",
        "-c",
        f"unix_socket_directories={folder}",
        "-c",
        "fsync=off",
        "-c",
        "max_connections=60",
    ]
    server = subprocess.Popen(
        [binaries / "postgres", "-D", data, *options], stderr=subprocess.DEVNULL, **quiet
    )
    try:
        wait_until_it_answers(binaries, folder)
        url = f"postgres://portal@/postgres?host={folder}"
        return subprocess.run(sys.argv[1:], env={**os.environ, "DATABASE_URL": url}, check=False).returncode
    finally:
        server.terminate()
        server.wait()
        shutil.rmtree(folder, ignore_errors=True)


def wait_until_it_answers(binaries: Path, folder: Path) -> None:
    end = time.monotonic() + START_WITHIN_SECONDS
    while subprocess.run(
        [binaries / "pg_isready", "-q", "-h", folder, "-U", "portal"], check=False
    ).returncode:
        if time.monotonic() > end:
            sys.exit(f"PostgreSQL did not answer within {START_WITHIN_SECONDS:.0f} s")
        time.sleep(0.1)


if __name__ == "__main__":
    sys.exit(main())
