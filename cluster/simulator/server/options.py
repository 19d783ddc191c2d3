"""How a write is to be done, read once from the request."""

from dataclasses import dataclass

from cluster.simulator.problems import bad_request
from cluster.simulator.server.bodies import Strictness
from cluster.simulator.server.messages import Request

LONGEST_MANAGER = 128


@dataclass
class WriteOptions:
    strictness: Strictness
    field_manager: str
    dry_run: bool = False
    force: bool = False
    subresource: str = ""

    @classmethod
    def of(cls, request: Request, subresource: str = "") -> "WriteOptions":
        """Raises 400 for options the API does not have."""
        manager = request.field_manager
        if len(manager) > LONGEST_MANAGER:
            raise bad_request(f"fieldManager: Too long: may not be more than {LONGEST_MANAGER} bytes")
        return cls(Strictness.of(request), manager, request.dry_run, request.flag("force"), subresource)
