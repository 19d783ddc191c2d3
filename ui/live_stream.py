"""The event stream of open pages: one Redis subscription per process, fanned out to every page; ids only, never content."""

import asyncio
import contextlib
import json
from collections import Counter
from collections.abc import AsyncIterator
from typing import Any

import redis.asyncio
import structlog
from django.conf import settings
from django.http import HttpRequest, HttpResponse, JsonResponse, StreamingHttpResponse

from ui.live import CHANNEL

HEARTBEAT_SECONDS = 15.0
STREAMS_A_PERSON = 8
WAITING_MESSAGES = 200
RETRY_SECONDS = (1.0, 2.0, 5.0, 10.0)
log = structlog.get_logger(__name__)


class Hub:
    """Fans the one subscription out; a page that does not read fast enough is told to reload instead of being sent everything."""

    def __init__(self) -> None:
        self.pages: set[asyncio.Queue[str]] = set()
        self.reader: asyncio.Task[None] | None = None
        self.streams: Counter[int] = Counter()

    def join(self) -> "asyncio.Queue[str]":
        page: asyncio.Queue[str] = asyncio.Queue(WAITING_MESSAGES)
        self.pages.add(page)
        if self.reader is None or self.reader.done():
            self.reader = asyncio.create_task(self._read())
        return page

    def leave(self, page: "asyncio.Queue[str]") -> None:
        self.pages.discard(page)
        if not self.pages and self.reader:
            self.reader.cancel()
            self.reader = None

    def tell(self, message: str) -> None:
        for page in self.pages:
            with contextlib.suppress(asyncio.QueueFull):
                page.put_nowait(message)

    async def _read(self) -> None:
        failures = 0
        while True:
            try:
                async with (
                    redis.asyncio.Redis.from_url(settings.REDIS_URL) as client,
                    client.pubsub() as subscription,
                ):
                    await subscription.subscribe(CHANNEL)
                    if failures:
                        self.tell(
                            json.dumps({"topic": "reload", "ids": []})
                        )  # what was said meanwhile is lost
                    failures = 0
                    async for message in subscription.listen():
                        if message["type"] == "message":
                            self.tell(message["data"].decode())
            except (redis.RedisError, OSError) as error:
                log.warning("no live updates: Redis does not answer", error=str(error))
                await asyncio.sleep(RETRY_SECONDS[min(failures, len(RETRY_SECONDS) - 1)])
                failures += 1


_hubs: dict[asyncio.AbstractEventLoop, Hub] = {}


def hub() -> Hub:
    return _hubs.setdefault(asyncio.get_running_loop(), Hub())


async def stream(request: HttpRequest) -> HttpResponse | StreamingHttpResponse:
    """`text/event-stream` for signed-in people; 429 beyond STREAMS_A_PERSON open pages (they poll)."""
    person = await request.auser()
    if not person.is_authenticated:
        return JsonResponse({"detail": "Sign in first."}, status=401)
    central = hub()
    if central.streams[person.pk] >= STREAMS_A_PERSON:
        return JsonResponse({"detail": f"At most {STREAMS_A_PERSON} live pages a person."}, status=429)
    response = StreamingHttpResponse(_events(central, person.pk), content_type="text/event-stream")
    response["Cache-Control"] = "no-store"
    response["X-Accel-Buffering"] = "no"
    return response


async def _events(central: Hub, person: Any) -> AsyncIterator[bytes]:
    page = central.join()
    central.streams[person] += 1
    try:
        yield b"retry: 3000\n\n"
        while True:
            try:
                message = await asyncio.wait_for(page.get(), HEARTBEAT_SECONDS)
                yield f"event: changed\ndata: {message}\n\n".encode()
            except TimeoutError:
                yield b": still here\n\n"
    finally:
        central.streams[person] -= 1
        central.leave(page)
