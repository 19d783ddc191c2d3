"""The parts of an embedded installation, as data: command, environment, readiness, order."""

import sys
from dataclasses import dataclass
from pathlib import Path

from cluster.control_plane.files import tunnel_path
from runai_portal.running.identities import kubeconfig_path
from runai_portal.running.readiness import cluster_answers, file_is_fresh, page_answers, redis_answers
from runai_portal.running.redis_server import redis_command
from runai_portal.running.supervisor import Part

DEMO_NODES = "h100=4,a100=2,l40s=2"
NOBODY = {"RUNAI_KUBECONFIG": ""}
"""Web and beat never talk to a cluster: they are told of none."""
SIMULATOR, CONTROL_PLANE, FOREIGN = "simulator", "control-plane", "kubeconfig"
"""The cluster we run: a simulated API server, or a genuine one with simulated nodes; or one that is there already."""
REDIS, CLUSTER_AND_WEB, WORKERS = range(3)
"""Stages: each starts when the one before is ready."""

ROOT_IS_MEANT = "ignore:You're running the worker with superuser privileges"
"""Containers and CI do; Celery would say it in seven lines at each start."""
PYTHON = (sys.executable, "-u")
CELERY = (*PYTHON, "-W", ROOT_IS_MEANT, "-m", "celery", "--quiet", "-A", "runai_portal")


@dataclass(frozen=True)
class Place:
    """Where the installation lives. `kubeconfig` is that of a foreign cluster; else `cluster` says which one we run."""

    data: Path
    port: int
    redis_url: str
    redis_socket: Path | None
    cluster: str = FOREIGN
    simulator_port: int | None = None
    admission_port: int | None = None
    kubeconfig: Path | None = None
    nodes: str = DEMO_NODES

    @property
    def administrator(self) -> Path:
        """The kubeconfig for kubectl."""
        return self.kubeconfig or self.data / "cluster" / "kubeconfig"

    @property
    def control_plane(self) -> Path:
        return self.data / "control-plane"

    @property
    def identities(self) -> Path:
        return self.data / "identities"


def parts_of(place: Place) -> list[Part]:
    environment = {"RUNAI_DATA": str(place.data), "RUNAI_CLOCK_FILE": str(place.data / "clock.json")}
    parts = [web(place, environment | NOBODY), *workers(place, environment)]
    if place.redis_socket:
        parts.append(redis_part(place))
    if place.cluster == SIMULATOR:
        parts.append(simulator(place, environment))
    elif place.cluster == CONTROL_PLANE:
        parts += [control_plane(place), nodes(place, environment)]
    if place.admission_port:
        parts.append(admission(place, environment))
    return sorted(parts, key=lambda part: part.stage)


def identity(place: Place, part: str) -> dict[str, str]:
    """Who a part is in the cluster: in ours a service account of its own, in a foreign one whoever its kubeconfig names."""
    if place.kubeconfig:
        return {"RUNAI_KUBECONFIG": str(place.kubeconfig)}
    # definitions are the administrator's to install: `up` has done it
    path = kubeconfig_path(place.identities, part)
    return {"RUNAI_KUBECONFIG": str(path), "INSTALL_DEFINITIONS": "false"}


def redis_part(place: Place) -> Part:
    assert place.redis_socket is not None  # noqa: S101  (asked by the caller)
    return Part(
        name="redis",
        argv=redis_command(place.data / "redis", place.redis_socket),
        ready=redis_answers(place.redis_url),
        stage=REDIS,
    )


def simulator(place: Place, environment: dict[str, str]) -> Part:
    kubeconfig = place.administrator
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


def control_plane(place: Place) -> Part:
    """etcd, kube-apiserver and kube-controller-manager, kept by one process; their own logs are files beside their data."""
    return Part(
        name="cluster",
        argv=(
            *(*PYTHON, "-m", "cluster.control_plane", "run", "--data", str(place.control_plane)),
            *("--kubeconfig", str(place.administrator)),
        ),
        ready=cluster_answers(place.administrator),
        stage=CLUSTER_AND_WEB,
    )


def nodes(place: Place, environment: dict[str, str]) -> Part:
    """Kubelets and GPUs as clients of the control plane; of a later stage, so that they stop before it does."""
    ready_file = place.data / "run" / "nodes.ready"
    return Part(
        name="nodes",
        argv=(
            *(*PYTHON, "-m", "cluster.simulator", "--target", str(place.administrator)),
            *("--tunnel", str(tunnel_path(place.control_plane)), "--nodes", place.nodes),
            *("--ready-file", str(ready_file)),
        ),
        ready=file_is_fresh(ready_file),
        stage=WORKERS,
        env=environment,
    )


def admission(place: Place, environment: dict[str, str]) -> Part:
    """The webhooks; only for a cluster on this machine, whose API server can reach us."""
    ready_file = place.data / "run" / "admission.ready"
    return Part(
        name="admission",
        argv=(
            *(
                *PYTHON,
                "-m",
                "cluster.admission_server",
                "--bind",
                "127.0.0.1",
                "--port",
                str(place.admission_port),
            ),
            *(
                "--url",
                f"https://127.0.0.1:{place.admission_port}",
                "--folder",
                str(place.data / "admission"),
            ),
            *(
                "--kubeconfig",
                str(kubeconfig_path(place.identities, "admission")),
                "--ready-file",
                str(ready_file),
            ),
        ),
        ready=file_is_fresh(ready_file),
        stage=WORKERS,
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
        _celery(
            place,
            environment | NOBODY,
            "beat",
            (*CELERY, "beat", "--scheduler", "celery.beat:Scheduler"),
        ),
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
    return _celery(place, environment | identity(place, name), name, (*CELERY, "worker", *options))


def _celery(place: Place, environment: dict[str, str], name: str, argv: tuple[str, ...]) -> Part:
    ready_file = place.data / "run" / f"{name}.ready"
    return Part(
        name=name,
        argv=(*argv, "--loglevel", "INFO"),
        ready=file_is_fresh(ready_file),
        stage=WORKERS,
        env={**environment, "RUNAI_READY_FILE": str(ready_file)},
    )
