"""Live updates: what changed is said by topic and id over Redis; pages fetch the row again, so that rights are checked again.

`publish` is cheap and never fails its caller: without Redis pages fall back to polling.
"""

import json
from functools import cache

import redis
import structlog
from django.conf import settings
from django.db import transaction

CHANNEL = "runai:live"
log = structlog.get_logger(__name__)


@cache
def _connection() -> "redis.Redis":
    return redis.Redis.from_url(settings.REDIS_URL, socket_timeout=2, socket_connect_timeout=2)


def publish(topic: str, *ids: object) -> None:
    """Tells open pages that these objects of `topic` (workloads, nodes, projects, overview) changed, once the transaction is committed."""
    if settings.REDIS_URL and ids:
        transaction.on_commit(lambda: _send(topic, [str(one) for one in ids]))


def _send(topic: str, ids: list[str]) -> None:
    try:
        _connection().publish(CHANNEL, json.dumps({"topic": topic, "ids": ids}))
    except redis.RedisError as error:
        log.warning("live updates are not sent", error=str(error))
