"""The simulated cluster stops without a word of complaint: its nodes go before their API server does."""

import signal
import subprocess
import sys
import time
from pathlib import Path

from cluster.control_plane.ports import free_ports

STANDS = "the world stands"


def test_nobody_complains_of_a_server_that_stops(tmp_path: Path):
    log = tmp_path / "log"
    port = free_ports(1)[0]
    command = [
        sys.executable,
        "-m",
        "cluster.simulator",
        "--port",
        str(port),
        "--data",
        str(tmp_path / "data"),
    ]
    with log.open("wb") as output:
        process = subprocess.Popen([*command, "--nodes", "h100=2"], stdout=output, stderr=output)
    try:
        end = time.monotonic() + 90
        while STANDS not in log.read_text():
            assert process.poll() is None, log.read_text()
            assert time.monotonic() < end, log.read_text()
            time.sleep(0.2)
        mark = len(log.read_text())
        process.send_signal(signal.SIGTERM)
        assert process.wait(30) in (0, -signal.SIGTERM)
    finally:
        process.kill()
        process.wait()
    assert log.read_text()[mark:] == ""
