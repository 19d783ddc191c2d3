"""Asks a webhook over HTTPS, trusting the authority of its configuration, within its time."""

import asyncio
import base64
import ssl
import uuid
from typing import Any

import httpx

from cluster.simulator.webhooks.registered import Webhook
from cluster.simulator.webhooks.reviews import API_VERSION, CallFailed, Verdict, read_verdict

LONGEST_SECONDS = 30
NO_NETWORK = "services have no network in the simulator: give the webhook a url"


class Caller:
    """One pooled client per authority, made on the loop that uses it."""

    def __init__(self) -> None:
        self._clients: dict[str, httpx.AsyncClient] = {}

    async def ask(self, webhook: Webhook, request: dict[str, Any]) -> Verdict:
        """What the webhook says; a failure is part of the answer, for its failurePolicy to judge."""
        seconds = webhook.settings.get("timeoutSeconds", 10)
        try:
            async with asyncio.timeout(seconds):
                return await self._ask(webhook, request, seconds)
        except CallFailed as failed:
            return Verdict(failure=str(failed))
        except TimeoutError:
            return Verdict(failure=f"failed to call webhook: {_post(webhook)}: context deadline exceeded")

    async def _ask(self, webhook: Webhook, request: dict[str, Any], seconds: int) -> Verdict:
        address = _address(webhook)
        uid = str(uuid.uuid4())
        review = {"kind": "AdmissionReview", "apiVersion": API_VERSION, "request": {"uid": uid, **request}}
        try:
            client = self._client(webhook.settings["clientConfig"].get("caBundle") or "")
            answer = await client.post(address, params={"timeout": f"{seconds}s"}, json=review)
        except (httpx.HTTPError, ssl.SSLError, ValueError, OSError) as error:
            text = f"failed to call webhook: {_post(webhook)}: {error or type(error).__name__}"
            raise CallFailed(text) from None
        if answer.status_code != 200:
            raise CallFailed(f"failed to call webhook: the answer was {answer.status_code}, not 200")
        try:
            content = answer.json()
        except ValueError as error:
            raise CallFailed(f"failed to call webhook: the answer is not JSON: {error}") from None
        return read_verdict(content, uid, mutating=webhook.mutating)

    def _client(self, authority: str) -> httpx.AsyncClient:
        """Trusts the configuration's authority only, or, where it names none, those of the system."""
        known = self._clients.get(authority)
        if known is None:
            pem = base64.b64decode(authority).decode() if authority else None
            context = ssl.create_default_context(cadata=pem)
            known = self._clients[authority] = httpx.AsyncClient(
                verify=context, timeout=LONGEST_SECONDS, trust_env=False
            )
        return known

    async def close(self) -> None:
        for client in self._clients.values():
            await client.aclose()


def _address(webhook: Webhook) -> str:
    url = webhook.settings["clientConfig"].get("url")
    if not url:
        raise CallFailed(f"failed to call webhook: {_post(webhook)}: {NO_NETWORK}")
    return str(url)


def _post(webhook: Webhook) -> str:
    """How messages name the call."""
    settings = webhook.settings
    config = settings["clientConfig"]
    service = config.get("service") or {}
    inside = f"https://{service.get('name')}.{service.get('namespace')}.svc:{service.get('port', 443)}{service.get('path', '')}"
    return f'Post "{config.get("url") or inside}?timeout={settings.get("timeoutSeconds", 10)}s"'
