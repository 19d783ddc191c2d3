"""Server-side apply."""

from typing import Any

from cluster.simulator.problems import bad_request
from cluster.simulator.server.api import Api, Document
from cluster.simulator.server.messages import Request, Target
from cluster.simulator.server.options import WriteOptions
from cluster.simulator.store.objects import Stored


def apply_configuration(
    api: Api, target: Target, stored: Stored | None, value: Any, options: WriteOptions, request: Request
) -> tuple[Document, bool]:
    raise bad_request("server-side apply: not yet")
