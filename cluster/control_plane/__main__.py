"""`python -m cluster.control_plane build` makes the binaries; `… run --data FOLDER` starts a control plane until stopped."""

import argparse
import logging
import signal
import sys
import threading
from pathlib import Path

from cluster.control_plane.building import CannotBuild, build
from cluster.control_plane.running import ControlPlane, DidNotStart


def main() -> int:
    parser = argparse.ArgumentParser(prog="python -m cluster.control_plane", description=__doc__)
    commands = parser.add_subparsers(dest="command", required=True)
    commands.add_parser("build", help="make what is missing and print the folder")
    run = commands.add_parser(
        "run", help="start etcd, kube-apiserver and kube-controller-manager until stopped"
    )
    run.add_argument("--data", type=Path, required=True, help="folder of its data, logs and kubeconfig")
    run.add_argument("--no-controllers", action="store_true", help="without kube-controller-manager")
    options = parser.parse_args()
    logging.basicConfig(level=logging.INFO, format="%(asctime)s %(name)s %(levelname)s %(message)s")
    try:
        if options.command == "build":
            print(build())
        else:
            _run(options.data.resolve(), controllers=not options.no_controllers)
    except (CannotBuild, DidNotStart) as error:
        print(error, file=sys.stderr)
        return 1
    return 0


def _run(folder: Path, *, controllers: bool) -> None:
    stop = threading.Event()
    for number in (signal.SIGTERM, signal.SIGINT):
        signal.signal(number, lambda *_: stop.set())
    with ControlPlane(folder, controller_manager=controllers) as control_plane:
        print(f"export KUBECONFIG={control_plane.kubeconfig}", flush=True)
        stop.wait()


if __name__ == "__main__":
    sys.exit(main())
