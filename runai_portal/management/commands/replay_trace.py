"""Replays a production cluster's trace through the running product and compares what database, cluster and metrics say of it."""

import secrets
import time
from argparse import ArgumentParser
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import datetime
from pathlib import Path
from typing import Any

from django.conf import settings
from django.contrib.auth.models import User
from django.core.management.base import BaseCommand, CommandError

from access.errors import InvalidInput
from cluster import clock
from cluster.errors import ClusterError
from organization.connections import client_of
from organization.models import Cluster, NodePool
from runai_portal.demo import company
from runai_portal.trace import figures, measuring, reading, shaping, submitting
from runai_portal.trace.reading import TraceUnusable
from workloads.phases import OVER

NODES_READY_WITHIN = 60.0
QUIET_FOR = 120.0
"""Real seconds without any change after which a replay that has not ended is given up and shown as it is."""


class Command(BaseCommand):
    help = __doc__

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("folder", type=Path, help="with nodes.csv and pods_default.csv")
        parser.add_argument(
            "--from", dest="first_day", type=float, required=True, help="day of the trace to begin with"
        )
        parser.add_argument("--days", type=float, required=True, help="how many days of the trace")
        parser.add_argument(
            "--compress", type=float, default=1.0, help="divides the gaps between arrivals (default: 1)"
        )
        parser.add_argument(
            "--nodes", type=int, default=8, help="how many of the trace's GPU nodes (default: %(default)s)"
        )
        parser.add_argument(
            "--speed",
            type=float,
            default=600.0,
            help="product seconds in a real second meanwhile (default: 600)",
        )

    def handle(self, **options: Any) -> None:
        if not settings.EMBEDDED:
            raise CommandError(
                "A trace is replayed on the simulated cluster of an embedded installation only."
            )
        try:
            self._replay(**options)
        except (TraceUnusable, clock.ClockSettingsWrong) as error:
            raise CommandError(str(error)) from error
        except InvalidInput as error:
            raise CommandError(f"the product refused it: {error}") from error
        except ClusterError as error:
            raise CommandError(
                f"the cluster does not answer ({error.message}); is `make up` running?"
            ) from error

    def _replay(
        self,
        *,
        folder: Path,
        first_day: float,
        days: float,
        compress: float,
        nodes: int,
        speed: float,
        **_: Any,
    ) -> None:
        chosen_nodes = reading.choose_nodes(reading.read_nodes(folder), nodes)
        selection = reading.select_tasks(
            reading.read_tasks(folder), first_day=first_day, days=days, nodes=chosen_nodes
        )
        if not selection.tasks:
            raise TraceUnusable(
                f"day {first_day:g} to {first_day + days:g}: no task of the trace can be replayed"
            )
        due = reading.arrivals(selection.tasks, compress)
        root, cluster = demo_company()
        client = client_of(cluster)
        shaping.shape_cluster(client, chosen_nodes)
        gpus = sum(node.gpus for node in chosen_nodes)
        pool = shaping.make_pool(root, cluster, gpus=gpus)
        run = f"t{secrets.token_hex(2)}"
        left_out = "; ".join(f"{count} {reason}" for reason, count in sorted(selection.left_out.items()))
        self.say(
            f"replay {run}: {len(selection.tasks)} tasks on {nodes} nodes with {gpus} GPUs, at {speed:g} × real time"
        )
        self.say(f"left out: {sum(selection.left_out.values())} ({left_out or 'none'})")
        with product_speed(speed):
            self._wait_for_nodes(pool, nodes)
            begin, began = clock.now(), time.monotonic()
            tasks = list(zip(due, selection.tasks, strict=True))
            projects = shaping.projects_by_qos(cluster)
            submitting.submit_all(
                tasks, run=run, root=root, projects=projects, begin=begin, tell=self._tell(run, len(tasks))
            )
            self._wait_for_the_end(run)
            time.sleep(max(3.0, clock.real_seconds(120)))  # the last samples
            until = clock.now()
        self.say(
            f"took {time.monotonic() - began:.0f} s real, {(until - begin).total_seconds():.0f} s of product time"
        )
        self._report(run, cluster, pool, begin, until, figures.Resolution(speed))

    def _report(
        self,
        run: str,
        cluster: Cluster,
        pool: NodePool,
        begin: datetime,
        until: datetime,
        resolution: figures.Resolution,
    ) -> None:
        database = measuring.database_figures(run, until)
        in_cluster = measuring.cluster_figures(client_of(cluster), run, until)
        metrics = measuring.metrics_figures(pool, begin, until)
        evicted, lost_hours = measuring.evicted_gpu_hours(run)
        self.say(figures.table([database, in_cluster, metrics]))
        self.say(
            f"taken back while they ran: {evicted} pods, {lost_hours:.1f} GPU-hours (the cluster no longer knows them)"
        )
        kept = figures.Figures(**{**vars(database), "gpu_hours": (database.gpu_hours or 0) - lost_hours})
        within, share = resolution.wait_seconds, resolution.metrics_share(measuring.mean_run_seconds(run))
        differences = figures.agree(kept, in_cluster, gpu_hours_within=0.02, wait_seconds_within=within)
        differences += figures.agree(database, metrics, gpu_hours_within=share, wait_seconds_within=within)
        self.say(
            f"resolution at this speed: waits {within:.0f} s, GPU-hours of the metrics {share * 100:.0f} %"
        )
        self.say("the sources agree" if not differences else "the sources differ: " + "; ".join(differences))

    def _tell(self, run: str, of: int) -> Any:
        last = time.monotonic()

        def tell(submitted: int) -> None:
            nonlocal last
            if time.monotonic() - last > 10:
                last = time.monotonic()
                self.say(
                    f"  {submitted} of {of} submitted, {measuring.rows_of(run).filter(phase__in=OVER).count()} over"
                )

        return tell

    def _wait_for_nodes(self, pool: NodePool, count: int) -> None:
        """The scheduler may use them only once they are ready and known to the product."""
        end = time.monotonic() + NODES_READY_WITHIN
        while pool.nodes.filter(ready=True).count() < count:
            if time.monotonic() > end:
                ready = pool.nodes.filter(ready=True).count()
                raise TraceUnusable(
                    f"{ready} of {count} nodes were ready within {NODES_READY_WITHIN:.0f} s; is `make up` running?"
                )
            time.sleep(0.5)

    def _wait_for_the_end(self, run: str) -> None:
        """Until every workload is over, or nothing has changed for QUIET_FOR (then the rest is shown as not completed)."""
        rows, seen, since = measuring.rows_of(run), (-1, -1), time.monotonic()
        while True:
            state = (rows.exclude(phase__in=OVER).count(), rows.filter(started_at__isnull=False).count())
            if not state[0]:
                return
            if state != seen:
                self.say(f"  {state[0]} not over yet")
                seen, since = state, time.monotonic()
            elif time.monotonic() - since > QUIET_FOR:
                self.say(f"  nothing changed for {QUIET_FOR:.0f} s; {state[0]} workloads are not over")
                return
            time.sleep(2)

    def say(self, text: str) -> None:
        self.stdout.write(text)
        self.stdout.flush()


def demo_company() -> tuple[User, Cluster]:
    root = User.objects.filter(username=f"root@{company.TENANT}.example").first()
    cluster = Cluster.objects.filter(tenant__name=company.TENANT, name=company.CLUSTER).first()
    if root is None or cluster is None:
        raise TraceUnusable("there is no demo company here: start the product with `make up` first")
    return root, cluster


@contextmanager
def product_speed(speed: float) -> Iterator[None]:
    """The product's clock runs at `speed` meanwhile, and as before afterwards."""
    before = clock.speed()
    clock.set_speed(speed)
    try:
        yield
    finally:
        clock.set_speed(before)
