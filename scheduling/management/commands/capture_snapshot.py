"""`manage.py capture_snapshot FILE`: write what the scheduler sees of one pool to a file that replay_snapshot runs."""

import os
from argparse import ArgumentParser
from pathlib import Path
from typing import Any

from django.core.management.base import BaseCommand, CommandError

from cluster import clock
from cluster.client import ClusterClient
from cluster.errors import ClusterError
from organization.connections import client_of
from organization.models import Cluster
from scheduling.assumptions import Assumptions
from scheduling.memory import GangMemory
from scheduling.pool_config import config_of
from scheduling.reader import ClusterReading, PoolReading, Reader
from scheduling.snapshots import CapturedCluster, to_json
from scheduling.watching import own_config
from scheduling.world import World


class Command(BaseCommand):
    help = "Write what the scheduler sees of one node pool to a file; secrets and environment values are not in it."

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("file", type=Path)
        parser.add_argument("--cluster", help="its name; not needed when there is only one")
        parser.add_argument("--pool", default="default")

    def handle(self, *, file: Path, **options: Any) -> None:
        cluster = _cluster(options["cluster"])
        try:
            reading = read_cluster(cluster, client_of(cluster))
        except ClusterError as error:
            raise CommandError(f"The cluster {cluster.name} does not answer: {error}") from error
        pool = _pool(reading, options["pool"])
        config = config_of(own_config(), pool.pool, protected=pool.protected)
        captured = CapturedCluster.of(pool.snapshot, config, clock.now().timestamp())
        descriptor = os.open(file, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600)
        with os.fdopen(descriptor, "w", encoding="utf-8") as target:
            target.write(to_json(captured))
        self.stdout.write(
            f"{len(captured.nodes)} nodes and {len(captured.gangs)} gangs of pool {captured.pool} in {file}"
        )


def read_cluster(cluster: Cluster, client: ClusterClient) -> ClusterReading:
    """One look at the cluster, as the scheduler takes it in each cycle."""
    return Reader(cluster).read(World.list(client), memory=GangMemory(cluster), assumptions=Assumptions())


def _cluster(name: str | None) -> Cluster:
    clusters = list(Cluster.objects.filter(name=name) if name else Cluster.objects.all())
    if len(clusters) == 1:
        return clusters[0]
    known = ", ".join(Cluster.objects.order_by("name").values_list("name", flat=True)) or "none"
    raise CommandError(f"Say which cluster with --cluster; there are: {known}")


def _pool(reading: ClusterReading, name: str) -> PoolReading:
    for pool in reading.pools:
        if pool.pool.name == name:
            return pool
    known = ", ".join(pool.pool.name for pool in reading.pools)
    raise CommandError(f"There is no node pool {name!r}; there are: {known}")
