"""`python -m cluster.simulator`: the simulated cluster on its own."""

import argparse
import asyncio
import logging
from pathlib import Path

from cluster.simulator.running import ServerSettings, SimulatedServer


def main() -> None:
    parser = argparse.ArgumentParser(prog="python -m cluster.simulator", description=__doc__)
    parser.add_argument("--port", type=int, default=6443, help="port of the API server")
    parser.add_argument(
        "--data", type=Path, required=True, help="folder of its certificates, tokens and database"
    )
    parser.add_argument("--kubeconfig", type=Path, help="where to write the kubeconfig")
    options = parser.parse_args()
    logging.basicConfig(level=logging.INFO, format="%(asctime)s %(name)s %(levelname)s %(message)s")
    server = SimulatedServer(ServerSettings(options.port, options.data, options.kubeconfig))
    asyncio.run(server.serve())


if __name__ == "__main__":
    main()
