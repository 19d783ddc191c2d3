#!/usr/bin/env python3
"""How much of one core the running product uses while nobody does anything: `tools/idle_cpu.py PID_OF_UP [SECONDS]`."""

import sys
import time

import psutil


def main() -> None:
    root = psutil.Process(int(sys.argv[1]))
    seconds = float(sys.argv[2]) if len(sys.argv) > 2 else 60.0
    family = [root, *root.children(recursive=True)]
    before = {process.pid: used(process) for process in family}
    time.sleep(seconds)
    total = 0.0
    for process in family:
        share = (used(process) - before[process.pid]) / seconds * 100
        total += share
        print(
            f"{share:5.1f} %  {process.memory_info().rss / 2**20:6.0f} MiB  {' '.join(process.cmdline())[-90:]}"
        )
    print(f"{total:5.1f} %  of one core in all")


def used(process: psutil.Process) -> float:
    times = process.cpu_times()
    return float(times.user + times.system)


if __name__ == "__main__":
    main()
