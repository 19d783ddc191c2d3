"""`python -m cluster.simulator`: the simulated cluster on its own, or only its nodes against another API server (`--target`)."""

import argparse
import logging
import os
import signal
import threading
from collections.abc import Mapping
from datetime import UTC, datetime
from pathlib import Path

from cluster.clock import FASTEST
from cluster.simulator.shapes import parse_node_counts


def main() -> None:
    parser = argparse.ArgumentParser(prog="python -m cluster.simulator", description=__doc__)
    parser.add_argument("--port", type=int, default=6443, help="port of the API server (default: 6443)")
    parser.add_argument("--data", type=Path, help="folder of its certificates, tokens and database")
    parser.add_argument(
        "--kubeconfig", type=Path, help="where to write the kubeconfig (default: DATA/kubeconfig)"
    )
    parser.add_argument("--nodes", type=_counts, default={}, help="nodes to make, such as h100=4,a100=2")
    parser.add_argument("--speed", type=float, help=f"product seconds in a real second, up to {FASTEST:g}")
    parser.add_argument(
        "--target",
        type=Path,
        metavar="KUBECONFIG",
        help="run only kubelets and devices, against that API server",
    )
    parser.add_argument(
        "--controllers",
        action="store_true",
        help="with --target: run the controllers of Jobs, Deployments … too",
    )
    parser.add_argument(
        "--tunnel",
        type=Path,
        metavar="SOCKET",
        help="with --target: unix socket through which that API server reaches nodes and pods",
    )
    parser.add_argument(
        "--ready-file", type=Path, metavar="FILE", help="with --target: written once the nodes are played"
    )
    options = parser.parse_args()
    logging.basicConfig(level=logging.INFO, format="%(asctime)s %(name)s %(levelname)s %(message)s")
    if options.speed is not None:
        _set_speed(parser, options.speed)
    if options.target is not None:
        _play_nodes(
            options.target,
            options.nodes,
            controllers=options.controllers,
            tunnel=options.tunnel,
            ready_file=options.ready_file,
        )
    elif options.data is None:
        parser.error("--data FOLDER or --target KUBECONFIG is needed")
    else:
        _serve(options.port, options.data, options.kubeconfig or options.data / "kubeconfig", options.nodes)


def _counts(text: str) -> dict[str, int]:
    try:
        return parse_node_counts(text)
    except ValueError as error:
        raise argparse.ArgumentTypeError(str(error)) from error


def _set_speed(parser: argparse.ArgumentParser, speed: float) -> None:
    """For this process and the ones it starts; a clock file of the product would be the one that counts."""
    if not 0 < speed <= FASTEST:
        parser.error(f"--speed {speed:g}: must be above 0 and at most {FASTEST:g}")
    os.environ.pop("RUNAI_CLOCK_FILE", None)
    os.environ["RUNAI_CLOCK_EPOCH"] = datetime.now(UTC).isoformat()
    os.environ["RUNAI_CLOCK_SPEED"] = str(speed)


def _play_nodes(
    target: Path,
    nodes: Mapping[str, int],
    *,
    controllers: bool,
    tunnel: Path | None,
    ready_file: Path | None,
) -> None:
    from cluster.simulator import world

    stop, ready = threading.Event(), threading.Event()
    for one in (signal.SIGTERM, signal.SIGINT):
        signal.signal(one, lambda *_: stop.set())
    if ready_file is not None:
        threading.Thread(target=_tell_ready, args=(ready, ready_file), daemon=True).start()
    world.run(target, nodes, controllers=controllers, tunnel=tunnel, stop=stop, ready=ready)


def _tell_ready(ready: threading.Event, file: Path) -> None:
    ready.wait()
    file.write_text("ready")


def _serve(port: int, data: Path, kubeconfig: Path, nodes: Mapping[str, int]) -> None:
    """The API server here; nodes and controllers in a process of their own, so that a burst there never delays an answer here."""
    from cluster.simulator.nodes_process import NodesProcess
    from cluster.simulator.running import ServerSettings, SimulatedServer

    server = SimulatedServer(ServerSettings(port, data, kubeconfig))
    beside = NodesProcess(kubeconfig, nodes)
    try:
        # the nodes first: they would complain of a server that went away
        server.run(on_ready=beside.start, before_stop=beside.stop)
    finally:
        beside.stop()


if __name__ == "__main__":
    main()
