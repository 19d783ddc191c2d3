"""`python -m cluster.control_plane build` makes the binaries; `… run --data FOLDER` starts a control plane until stopped."""

import argparse
import logging
import signal
import sys
import threading
from pathlib import Path

from cluster.control_plane.building import CannotBuild, build
from cluster.control_plane.running import ControlPlane, DidNotStart

LOOK_EVERY_SECONDS = 1.0


def main() -> int:
    parser = argparse.ArgumentParser(prog="python -m cluster.control_plane", description=__doc__)
    commands = parser.add_subparsers(dest="command", required=True)
    commands.add_parser("build", help="make what is missing and print the folder")
    run = commands.add_parser(
        "run", help="start etcd, kube-apiserver and kube-controller-manager until stopped"
    )
    run.add_argument("--data", type=Path, required=True, help="folder of its data and logs")
    run.add_argument("--kubeconfig", type=Path, help="where to write it (default: DATA/kubeconfig)")
    run.add_argument("--no-controllers", action="store_true", help="without kube-controller-manager")
    options = parser.parse_args()
    logging.basicConfig(level=logging.INFO, format="%(asctime)s %(name)s %(levelname)s %(message)s")
    try:
        if options.command == "build":
            print(build())
        else:
            kubeconfig = options.kubeconfig.resolve() if options.kubeconfig else None
            _run(options.data.resolve(), kubeconfig, controllers=not options.no_controllers)
    except (CannotBuild, DidNotStart) as error:
        print(error, file=sys.stderr)
        return 1
    return 0


def _run(folder: Path, kubeconfig: Path | None, *, controllers: bool) -> None:
    """Until a signal comes; raises DidNotStart as well when a part ends later: whoever started us starts all of it again."""
    stop = threading.Event()
    for number in (signal.SIGTERM, signal.SIGINT):
        signal.signal(number, lambda *_: stop.set())
    with ControlPlane(folder, controller_manager=controllers, kubeconfig=kubeconfig) as control_plane:
        print(f"export KUBECONFIG={control_plane.kubeconfig}", flush=True)
        while not stop.wait(LOOK_EVERY_SECONDS):
            if gone := control_plane.ended():
                raise DidNotStart(gone)


if __name__ == "__main__":
    sys.exit(main())
