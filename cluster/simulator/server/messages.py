"""What a handler gets and gives: one request, one answer."""

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any
from urllib.parse import parse_qsl

from cluster.simulator.identities import ANONYMOUS, User
from cluster.simulator.problems import Cause, bad_request, invalid
from cluster.simulator.resources import Resource
from cluster.simulator.store.objects import encode

if TYPE_CHECKING:
    from cluster.simulator.webhooks.admission import Admission

JSON = "application/json"
TRUE_WORDS = ("true", "1", "t", "T", "TRUE", "True")


@dataclass
class Target:
    """What a path points at; `rest` is what follows a proxy subresource."""

    resource: Resource
    namespace: str = ""
    name: str = ""
    subresource: str = ""
    rest: str = ""


@dataclass
class Request:
    method: str
    path: str
    query: dict[str, str]
    headers: dict[str, str]
    body: bytes = b""
    user: User = ANONYMOUS
    raw_query: str = ""
    admission: "Admission | None" = None
    """Set for writes that webhooks may be asked about."""

    def flag(self, name: str) -> bool:
        """A boolean option of the query."""
        return self.query.get(name, "") in TRUE_WORDS or (name in self.query and self.query[name] == "")

    def integer(self, name: str) -> int | None:
        """A whole number of the query. Raises 400 when it is not one."""
        text = self.query.get(name, "")
        if not text:
            return None
        try:
            return int(text)
        except ValueError:
            raise bad_request(f'strconv.ParseInt: parsing "{text}": invalid syntax ({name})') from None

    @property
    def dry_run(self) -> bool:
        """Nothing is kept. Raises 400 for a value other than All."""
        value = self.query.get("dryRun", "")
        if value not in ("", "All"):
            cause = Cause(
                "dryRun", "FieldValueNotSupported", f'Unsupported value: ["{value}"]: supported values: "All"'
            )
            raise invalid("CreateOptions", "meta.k8s.io", "", [cause])
        return value == "All"

    @property
    def user_agent(self) -> str:
        return self.headers.get("user-agent", "")

    @property
    def field_manager(self) -> str:
        """Who owns what this request sets: as said, else the first word of the user agent."""
        return self.query.get("fieldManager") or self.user_agent.partition("/")[0] or "unknown"


def parse_query(raw: bytes) -> dict[str, str]:
    """The first value of each option."""
    found: dict[str, str] = {}
    for key, value in parse_qsl(raw.decode("latin-1"), keep_blank_values=True):
        found.setdefault(key, value)
    return found


@dataclass
class Answer:
    status: int
    body: bytes
    media_type: str = JSON
    headers: dict[str, str] = field(default_factory=dict)


def json_answer(document: Any, status: int = 200) -> Answer:
    return Answer(status, encode(document))


def text_answer(text: str, status: int = 200) -> Answer:
    return Answer(status, text.encode(), "text/plain; charset=utf-8")
