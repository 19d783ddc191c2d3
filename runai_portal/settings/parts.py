"""Pieces that more than one settings layer needs."""

import hashlib
import os
import secrets
import tempfile
from pathlib import Path
from typing import Any

import environ
from django.core.exceptions import ImproperlyConfigured

Settings = dict[str, Any]


def embedded_secret(path: Path) -> str:
    """The secret of an embedded installation: made once, readable by its owner only."""
    if not path.exists():
        path.touch(mode=0o600)
        path.write_text(secrets.token_urlsafe(50))
    return path.read_text().strip()


def database(env: environ.Env, data_dir: Path | None) -> Settings:
    """PostgreSQL from DATABASE_URL, else SQLite in the data folder (WAL, IMMEDIATE: one writer, many readers)."""
    url = env.str("DATABASE_URL", default="")
    if url:
        config = env.db_url_config(url)
        config["OPTIONS"] = {**config.get("OPTIONS", {}), "pool": {"min_size": 1, "max_size": 8}}
        config["CONN_MAX_AGE"] = 0
        return {"default": config}
    if data_dir is None:
        raise ImproperlyConfigured("DATABASE_URL is missing")
    return {
        "default": {
            "ENGINE": "django.db.backends.sqlite3",
            "NAME": data_dir / "portal.sqlite3",
            "ATOMIC_REQUESTS": False,
            "OPTIONS": {
                "transaction_mode": "IMMEDIATE",
                "timeout": 20,
                "init_command": "PRAGMA journal_mode=WAL; PRAGMA synchronous=NORMAL; PRAGMA cache_size=-16000;",
            },
        }
    }


def redis_locations(env: environ.Env, data_dir: Path | None) -> tuple[str, str, str, Settings]:
    """(REDIS_URL, broker, result backend, CACHES): one server for all; embedded: a private unix socket."""
    url = env.str("REDIS_URL", default="")
    if url:
        broker = env.str("CELERY_BROKER_URL", default=url)
    elif data_dir is None:
        raise ImproperlyConfigured("REDIS_URL is missing")
    else:
        socket = _redis_socket(data_dir)
        url, broker = f"unix://{socket}", f"redis+socket://{socket}"
    caches = {"default": {"BACKEND": "django.core.cache.backends.redis.RedisCache", "LOCATION": url}}
    return url, broker, broker, caches


def _redis_socket(data_dir: Path) -> Path:
    """In the data folder; for a long path in a private folder of the temporary one (a socket's path has at most 107 bytes)."""
    inside = data_dir / "redis.sock"
    if len(os.fsencode(inside)) <= 107:
        return inside
    digest = hashlib.sha256(os.fsencode(data_dir)).hexdigest()[:16]
    return Path(tempfile.gettempdir()) / f"runai-{os.getuid()}-{digest}" / "redis.sock"


def logging(*, json_lines: bool) -> Settings:
    """One line an event on stdout: readable in development, JSON in production."""
    import structlog

    shared: list[Any] = [
        structlog.contextvars.merge_contextvars,
        structlog.stdlib.add_log_level,
        structlog.processors.TimeStamper(fmt="iso", utc=True),
    ]
    renderer = (
        structlog.processors.JSONRenderer() if json_lines else structlog.dev.ConsoleRenderer(colors=False)
    )
    structlog.configure(
        processors=[
            *shared,
            structlog.stdlib.filter_by_level,
            structlog.stdlib.add_logger_name,
            structlog.processors.StackInfoRenderer(),
            structlog.processors.format_exc_info,
            structlog.stdlib.ProcessorFormatter.wrap_for_formatter,
        ],
        logger_factory=structlog.stdlib.LoggerFactory(),
        cache_logger_on_first_use=True,
    )
    return {
        "version": 1,
        "disable_existing_loggers": False,
        "formatters": {
            "line": {
                "()": structlog.stdlib.ProcessorFormatter,
                "processor": renderer,
                "foreign_pre_chain": shared,
            }
        },
        "handlers": {
            "console": {"class": "logging.StreamHandler", "formatter": "line", "stream": "ext://sys.stdout"}
        },
        "root": {"handlers": ["console"], "level": "INFO"},
        "loggers": {
            "django.request": {"level": "ERROR"},
            "uvicorn.access": {"level": "WARNING"},
            "celery.app.trace": {"level": "WARNING"},
            "celery.worker.strategy": {"level": "WARNING"},
            "celery.beat": {"level": "WARNING"},
            "django_structlog.middlewares.request": {"level": "WARNING"},
            "httpx": {"level": "WARNING"},
        },
    }
