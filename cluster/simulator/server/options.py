"""How a write is to be done, read once from the request."""

from dataclasses import dataclass, field
from typing import Any

from cluster.simulator.problems import bad_request
from cluster.simulator.server.bodies import Strictness
from cluster.simulator.server.messages import Request
from cluster.simulator.webhooks.admission import Admission

LONGEST_MANAGER = 128
TOLD_WEBHOOKS = ("fieldManager", "fieldValidation")


@dataclass
class WriteOptions:
    strictness: Strictness
    field_manager: str
    dry_run: bool = False
    force: bool = False
    subresource: str = ""
    admission: Admission | None = None
    """Nothing the server writes by itself is shown to webhooks."""
    asked: dict[str, Any] = field(default_factory=dict)
    """The options that came with the request, as webhooks are told them."""

    @property
    def warnings(self) -> list[str]:
        """What is to be told beside the answer, be it a refusal, goes in here. Nobody hears of what the server does by itself."""
        return self.admission.warnings if self.admission is not None else []

    @classmethod
    def of(cls, request: Request, subresource: str = "") -> "WriteOptions":
        """Raises 400 for options the API does not have."""
        manager = request.field_manager
        if len(manager) > LONGEST_MANAGER:
            raise bad_request(f"fieldManager: Too long: may not be more than {LONGEST_MANAGER} bytes")
        asked: dict[str, Any] = {key: request.query[key] for key in TOLD_WEBHOOKS if request.query.get(key)}
        if request.dry_run:
            asked["dryRun"] = ["All"]
        return cls(
            Strictness.of(request),
            manager,
            request.dry_run,
            request.flag("force"),
            subresource,
            request.admission,
            asked,
        )
