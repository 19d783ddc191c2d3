"""The parts of an embedded installation, as data: command, environment, readiness, order."""

import sys
from dataclasses import dataclass
from pathlib import Path

from runai_portal.running.readiness import cluster_answers, file_is_fresh, page_answers, redis_answers
from runai_portal.running.redis_server import redis_command
from runai_portal.running.supervisor import Part

DEMO_NODES = "h100=4,a100=2,l40s=2"
REDIS, CLUSTER_AND_WEB, WORKERS = range(3)
"""Stages: each starts when the one before is ready."""

ROOT_IS_MEANT = "ignore:You're running the worker with superuser privileges"
"""Containers and CI do; Celery would say it in seven lines at each start."""
PYTHON = (sys.executable, "-u")
CELERY = (*PYTHON, "-W", ROOT_IS_MEANT, "-m", "celery", "--quiet", "-A", "runai_portal")


@dataclass(frozen=True)
class Place:
    """Where the installation lives."""

    data: Path
    port: int
    redis_url: str
    redis_socket: Path | None
    simulator_port: int | None
    kubeconfig: Path | None
    nodes: str = DEMO_NODES


def parts_of(place: Place) -> list[Part]:
    environment = {"RUNAI_DATA": str(place.data), "RUNAI_CLOCK_FILE": str(place.data / "clock.json")}
    if place.kubeconfig:
        environment["RUNAI_KUBECONFIG"] = str(place.kubeconfig)
    parts = [web(place, environment), *workers(place, environment)]
    if place.redis_socket:
        parts.append(redis_part(place))
    if place.simulator_port:
        parts.append(simulator(place, environment))
    return sorted(parts, key=lambda part: part.stage)


def redis_part(place: Place) -> Part:
    assert place.redis_socket is not None  # noqa: S101  (asked by the caller)
    return Part(
        name="redis",
        argv=redis_command(place.data / "redis", place.redis_socket),
        ready=redis_answers(place.redis_url),
        stage=REDIS,
    )


def simulator(place: Place, environment: dict[str, str]) -> Part:
    kubeconfig = place.data / "cluster" / "kubeconfig"
    return Part(
        name="cluster",
        argv=(
            *(*PYTHON, "-m", "cluster.simulator", "--port", str(place.simulator_port)),
            *("--data", str(kubeconfig.parent), "--nodes", place.nodes, "--kubeconfig", str(kubeconfig)),
        ),
        ready=cluster_answers(kubeconfig),
        stage=CLUSTER_AND_WEB,
        env=environment,
    )


def web(place: Place, environment: dict[str, str]) -> Part:
    return Part(
        name="web",
        argv=(
            *(*PYTHON, "-m", "uvicorn", "runai_portal.asgi:application", "--host", "127.0.0.1"),
            *("--port", str(place.port), "--timeout-graceful-shutdown", "3", "--no-access-log"),
            *("--lifespan", "off", "--log-level", "warning"),
        ),
        ready=page_answers(f"http://127.0.0.1:{place.port}/livez"),
        stage=CLUSTER_AND_WEB,
        env=environment,
    )


def workers(place: Place, environment: dict[str, str]) -> list[Part]:
    return [
        worker(place, environment, name="scheduler", queues="scheduling", threads=1),
        worker(place, environment, name="worker", queues="cluster,default", threads=8),
        _celery(place, environment, "beat", (*CELERY, "beat", "--scheduler", "celery.beat:Scheduler")),
    ]


def worker(place: Place, environment: dict[str, str], *, name: str, queues: str, threads: int) -> Part:
    options = (
        "--without-gossip",
        "--without-mingle",
        "--pool",
        "threads",
        "--concurrency",
        str(threads),
        "-Q",
        queues,
        "-n",
        f"{name}@%h",
    )
    return _celery(place, environment, name, (*CELERY, "worker", *options))


def _celery(place: Place, environment: dict[str, str], name: str, argv: tuple[str, ...]) -> Part:
    ready_file = place.data / "run" / f"{name}.ready"
    return Part(
        name=name,
        argv=(*argv, "--loglevel", "INFO"),
        ready=file_is_fresh(ready_file),
        stage=WORKERS,
        env={**environment, "RUNAI_READY_FILE": str(ready_file)},
    )
