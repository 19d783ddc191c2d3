"""How each part says that it is ready."""

import asyncio
import json
import ssl
from collections.abc import Awaitable, Callable
from pathlib import Path
from urllib.error import HTTPError, URLError
from urllib.request import Request, urlopen

import redis
import yaml

Ready = Callable[[], Awaitable[bool]]


def file_is_fresh(path: Path) -> Ready:
    """The part writes the file when it is ready; what an earlier run left is removed here."""
    path.parent.mkdir(parents=True, exist_ok=True)
    path.unlink(missing_ok=True)

    async def ready() -> bool:
        return path.exists()

    return ready


def redis_answers(url: str) -> Ready:
    def ask() -> bool:
        try:
            client = redis.Redis.from_url(url, socket_timeout=1, socket_connect_timeout=1)
            try:
                return bool(client.ping())
            finally:
                client.close()
        except (redis.RedisError, OSError):
            return False

    return lambda: asyncio.to_thread(ask)


def page_answers(url: str) -> Ready:
    """A page of ours answers 200."""

    def ask() -> bool:
        try:
            with urlopen(url, timeout=2) as answer:  # noqa: S310  (an http:// address of ours)
                return bool(answer.status == 200)
        except (URLError, OSError):
            return False

    return lambda: asyncio.to_thread(ask)


def cluster_answers(kubeconfig: Path) -> Ready:
    """The API server that the kubeconfig names says it is ready (or refuses us, which shows that it lives)."""

    def ask() -> bool:
        try:
            document = yaml.safe_load(kubeconfig.read_text())
            cluster = document["clusters"][0]["cluster"]
            context = ssl.create_default_context(cadata=_authority(cluster, kubeconfig))
            request = Request(f"{cluster['server']}/readyz")  # noqa: S310  (the address of the kubeconfig)
            with urlopen(request, timeout=2, context=context) as answer:  # noqa: S310
                return bool(answer.status == 200)
        except HTTPError as error:
            return error.code in {401, 403}
        except (OSError, KeyError, IndexError, TypeError, ValueError, yaml.YAMLError, json.JSONDecodeError):
            return False

    return lambda: asyncio.to_thread(ask)


def _authority(cluster: dict[str, str], kubeconfig: Path) -> str | None:
    import base64

    if "certificate-authority-data" in cluster:
        return base64.b64decode(cluster["certificate-authority-data"]).decode()
    if "certificate-authority" in cluster:
        return (kubeconfig.parent / cluster["certificate-authority"]).read_text()
    return None
