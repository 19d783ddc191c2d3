"""An admission webhook for tests: HTTPS on this machine, answers as told, remembers what it was asked."""

import base64
import json
import ssl
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

from cluster.simulator.certificates import ensure_certificates

Answer = Callable[[dict[str, Any]], dict[str, Any]]
"""A review's `request` -> what the response says beside its uid."""


def allow(request: dict[str, Any]) -> dict[str, Any]:
    return {"allowed": True}


def patched(*operations: dict[str, Any], **more: Any) -> dict[str, Any]:
    patch = base64.b64encode(json.dumps(operations).encode()).decode()
    return {"allowed": True, "patchType": "JSONPatch", "patch": patch, **more}


def labelled(key: str, value: str) -> dict[str, Any]:
    """A patch that adds one label; the object must have labels."""
    return patched({"op": "add", "path": f"/metadata/labels/{key}", "value": value})


class WebhookServer:
    """`answers[path]` answers what is posted to a path; `asked[path]` are the requests that came there."""

    def __init__(self, folder: Path) -> None:
        authority, certificate, key = ensure_certificates(folder, ["127.0.0.1"])
        self.authority = base64.b64encode(authority.read_bytes()).decode()
        self.answers: dict[str, Answer] = {}
        self.asked: dict[str, list[dict[str, Any]]] = {}
        self._server = ThreadingHTTPServer(("127.0.0.1", 0), _handler(self))
        self._server.daemon_threads = True
        context = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH)
        context.load_cert_chain(certificate, key)
        # the handshake is the connection's own thread's work, or one that is never made would hold up all others
        self._server.socket = context.wrap_socket(
            self._server.socket, server_side=True, do_handshake_on_connect=False
        )

    def answer(self, path: str, answer: Answer = allow) -> None:
        self.answers[path], self.asked[path] = answer, []

    def client_config(self, path: str) -> dict[str, str]:
        port = self._server.server_address[1]
        return {"url": f"https://127.0.0.1:{port}{path}", "caBundle": self.authority}

    def reply(self, path: str, review: dict[str, Any]) -> dict[str, Any]:
        request = review["request"]
        self.asked.setdefault(path, []).append(request)
        said = self.answers[path](request)
        return {
            "apiVersion": "admission.k8s.io/v1",
            "kind": "AdmissionReview",
            "response": {"uid": request["uid"], **said},
        }

    @contextmanager
    def running(self) -> Iterator["WebhookServer"]:
        thread = threading.Thread(target=self._server.serve_forever, name="webhooks", daemon=True)
        thread.start()
        try:
            yield self
        finally:
            self._server.shutdown()
            self._server.server_close()
            thread.join(10)


def _handler(webhooks: WebhookServer) -> type[BaseHTTPRequestHandler]:
    class Handler(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"

        def do_POST(self) -> None:
            review = json.loads(self.rfile.read(int(self.headers["content-length"])))
            body = json.dumps(webhooks.reply(self.path.partition("?")[0], review)).encode()
            self.send_response(200)
            self.send_header("content-type", "application/json")
            self.send_header("content-length", str(len(body)))
            self.end_headers()
            self.wfile.write(body)

        def log_message(self, *arguments: Any) -> None:
            """Quiet: what was asked is remembered."""

    return Handler


def configuration(kind: str, name: str, *hooks: dict[str, Any]) -> dict[str, Any]:
    """A MutatingWebhookConfiguration or ValidatingWebhookConfiguration (`kind` is its first word)."""
    return {
        "apiVersion": "admissionregistration.k8s.io/v1",
        "kind": f"{kind}WebhookConfiguration",
        "metadata": {"name": name},
        "webhooks": list(hooks),
    }


def hook(name: str, client: dict[str, Any], *resources: str, **more: Any) -> dict[str, Any]:
    """One entry: creations and updates of core resources unless `more` says otherwise."""
    rule = {"apiGroups": [""], "apiVersions": ["*"], "operations": ["CREATE", "UPDATE"]}
    return {
        "name": f"{name}.webhooks.test",
        "clientConfig": client,
        "admissionReviewVersions": ["v1"],
        "sideEffects": "None",
        "timeoutSeconds": 5,
        "rules": [{**rule, "resources": list(resources)}],
        **more,
    }
