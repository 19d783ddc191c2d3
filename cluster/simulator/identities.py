"""Who a bearer token belongs to: the token table of the data folder, and signed tokens of service accounts."""

import base64
import csv
import hashlib
import hmac
import json
import secrets
import time
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

ADMINISTRATORS = "system:masters"
AUTHENTICATED = "system:authenticated"


@dataclass(frozen=True)
class User:
    """What authentication found out."""

    name: str
    uid: str = ""
    groups: tuple[str, ...] = ()
    extra: dict[str, list[str]] = field(default_factory=dict, hash=False)

    def as_json(self) -> dict[str, Any]:
        """As in reviews: `username`, `uid`, `groups`, `extra`."""
        found = {"username": self.name, "uid": self.uid, "groups": list(self.groups), "extra": self.extra}
        return {key: value for key, value in found.items() if value}


ANONYMOUS = User("system:anonymous", groups=("system:unauthenticated",))


class Identities:
    """The table `tokens.csv` (token,user,uid,"group,group", as kube-apiserver reads it) is made with one administrator."""

    def __init__(self, folder: Path) -> None:
        self._table_path = folder / "tokens.csv"
        self._key_path = folder / "tokens.key"
        if not self._table_path.exists():
            _write_private(
                self._table_path, f'{secrets.token_urlsafe(32)},admin,admin,"{ADMINISTRATORS}"\n'.encode()
            )
        if not self._key_path.exists():
            _write_private(self._key_path, secrets.token_bytes(32))
        self._key = self._key_path.read_bytes()
        self._users: dict[str, User] = {}
        with self._table_path.open(newline="") as file:
            for row in csv.reader(file):
                if len(row) >= 3:
                    token, name, uid = (part.strip() for part in row[:3])
                    groups = (
                        tuple(part.strip() for part in row[3].split(",") if part.strip())
                        if len(row) > 3
                        else ()
                    )
                    self._users[token] = User(name, uid, (*groups, AUTHENTICATED))

    @property
    def administrator_token(self) -> str:
        """The first token of the table that belongs to an administrator."""
        return next(token for token, user in self._users.items() if ADMINISTRATORS in user.groups)

    def user_of(self, token: str) -> User | None:
        """The token's owner, or None when it is unknown, forged or has run out."""
        return self._users.get(token) or self._service_account_of(token)

    def issue(self, namespace: str, name: str, uid: str, *, seconds: int) -> tuple[str, float]:
        """A token for a service account and the real time (seconds since 1970) at which it runs out."""
        expires = time.time() + seconds
        claims = {"namespace": namespace, "name": name, "uid": uid, "expires": expires}
        body = base64.urlsafe_b64encode(json.dumps(claims).encode())
        return f"sim.{body.decode()}.{self._signature(body)}", expires

    def _signature(self, body: bytes) -> str:
        return hmac.new(self._key, body, hashlib.sha256).hexdigest()

    def _service_account_of(self, token: str) -> User | None:
        mark, _, rest = token.partition(".")
        body, _, signature = rest.partition(".")
        if mark != "sim" or not hmac.compare_digest(signature, self._signature(body.encode())):
            return None
        claims = json.loads(base64.urlsafe_b64decode(body))
        if claims["expires"] < time.time():
            return None
        namespace = claims["namespace"]
        groups = ("system:serviceaccounts", f"system:serviceaccounts:{namespace}", AUTHENTICATED)
        return User(f"system:serviceaccount:{namespace}:{claims['name']}", claims["uid"], groups)


def _write_private(path: Path, content: bytes) -> None:
    """Only the owner may read it, from the first byte on."""
    path.parent.mkdir(parents=True, exist_ok=True)
    path.touch(mode=0o600)
    path.write_bytes(content)
