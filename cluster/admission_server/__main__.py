"""`python -m cluster.admission_server`: the admission webhooks of one cluster."""

import argparse
import asyncio
import logging
import sys
from pathlib import Path
from urllib.parse import urlsplit

import uvloop

from cluster.admission.trust import Trust
from cluster.admission_server.certificates import CertificatesUnusable
from cluster.admission_server.registration import Address, unregister
from cluster.admission_server.running import AdmissionServer, Settings
from cluster.client import ClusterClient
from cluster.errors import ClusterError


def main() -> int:
    options = _parser().parse_args()
    logging.basicConfig(level=logging.INFO, format="%(levelname).1s %(message)s", stream=sys.stdout)
    logging.getLogger("uvicorn").setLevel(logging.WARNING)
    try:
        client = ClusterClient.connect(options.kubeconfig, user_agent="runai-admission")
        if options.remove:
            unregister(client)
            return 0
        server = AdmissionServer(client, _settings(options))
        with asyncio.Runner(loop_factory=uvloop.new_event_loop) as runner:
            runner.run(server.serve())
    except (ClusterError, CertificatesUnusable) as error:
        print(f"admission: {error}", file=sys.stderr)
        return 1
    return 0


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="python -m cluster.admission_server", description=__doc__)
    parser.add_argument(
        "--kubeconfig", type=Path, help="without it: the service account of the pod we run in"
    )
    parser.add_argument(
        "--folder", type=Path, required=True, help="for CA, serving certificate and their keys"
    )
    parser.add_argument("--bind", default="0.0.0.0", help="address to listen on (default: %(default)s)")  # noqa: S104 (a Service's endpoint)
    parser.add_argument("--port", type=int, default=9443)
    parser.add_argument(
        "--url",
        default="",
        help="where the API server reaches us when we are no Service, such as https://127.0.0.1:9443",
    )
    parser.add_argument("--namespace", default="runai", help="of our Service (default: %(default)s)")
    parser.add_argument(
        "--service", default="runai-admission", help="name of our Service (default: %(default)s)"
    )
    parser.add_argument("--ready-file", type=Path, help="made once the API server was told of the webhooks")
    parser.add_argument(
        "--trust-group", action="append", default=[], help="one more group whose marks are believed"
    )
    parser.add_argument(
        "--remove", action="store_true", help="take the webhook configurations out of the cluster"
    )
    return parser


def _settings(options: argparse.Namespace) -> Settings:
    service = f"{options.service}.{options.namespace}.svc"
    outside = urlsplit(options.url).hostname
    hosts = [outside] if outside else [service, f"{service}.cluster.local"]
    return Settings(
        folder=options.folder,
        bind=options.bind,
        port=options.port,
        address=Address(options.url.rstrip("/"), options.namespace, options.service),
        hosts=tuple(hosts),
        ready_file=options.ready_file,
        trust=Trust.also_of(options.trust_group),
    )


if __name__ == "__main__":
    sys.exit(main())
