"""Command line: `python -m tests.benchmarks.binding [--check]`.

Both schedulers work on the same kube-apiserver, one after the other, in one run. Prints a Markdown table (docs/speed.md has one).
"""

import argparse
import sys
import tempfile
import time
from pathlib import Path

from cluster.client import ClusterClient
from cluster.control_plane.running import ControlPlane
from tests.benchmarks.binding import installation
from tests.benchmarks.binding.contenders import Contender, KubeScheduler, OurScheduler
from tests.benchmarks.binding.measuring import (
    Large,
    Measured,
    burst,
    large_cluster,
    requests_per_second,
    steady,
    waiting_queue,
)
from tests.benchmarks.binding.objects import make_namespace, make_nodes, remove_pods

PODS, NODES, GPUS = 2000, 50, 48
STEADY_PER_SECOND, STEADY_PODS = 50.0, 1000
LARGE_NODES, LARGE_PODS = 1000, 5000
TIMES_FASTER = 2.0
STEADY_P99_SECONDS = 2.0
QUIET_SECONDS = 3.0


def main() -> int:
    parser = argparse.ArgumentParser(prog="python -m tests.benchmarks.binding", description=__doc__)
    parser.add_argument("--check", action="store_true", help="exit 1 when an aim is missed")
    parser.add_argument("--only", choices=["kube-scheduler", "ours"], help="one scheduler alone")
    parser.add_argument(
        "--rounds", type=int, default=2, help="of the waiting queue, taking turns; the better one counts"
    )
    parser.add_argument("--without-large", action="store_true", help="leave out the large cluster")
    parser.add_argument("--keep", type=Path, help="folder for data and logs, kept afterwards")
    options = parser.parse_args()
    with tempfile.TemporaryDirectory(prefix="binding-") as made:
        folder = options.keep or Path(made)
        folder.mkdir(parents=True, exist_ok=True)
        with ControlPlane(folder / "cluster", controller_manager=False) as plane:
            return run(folder, plane, options)


def run(folder: Path, plane: ControlPlane, options: argparse.Namespace) -> int:
    client = ClusterClient.connect(plane.kubeconfig, user_agent="benchmark/1")
    make_namespace(client)
    make_nodes(client, NODES, gpus=GPUS)
    data = folder / "portal"
    data.mkdir(mode=0o700)
    installation.prepare(data, plane.kubeconfig, gpus=NODES * GPUS)
    ours = OurScheduler(data, plane.kubeconfig, folder / "portal.log")
    contenders: list[Contender] = [] if options.only == "ours" else [KubeScheduler(folder, plane.kubeconfig)]
    contenders += [] if options.only == "kube-scheduler" else [ours]
    print("| scenario | scheduler | pods | pods/s | p50 ms | p99 ms | processor ms a pod |")
    print("|---|---|---|---|---|---|---|")
    rows, large = measure(client, contenders, options)
    client.close()
    missed = misses(rows, large)
    print("\n" + ("\n".join(missed) if missed else "every aim met"))
    return 1 if options.check and missed else 0


def measure(
    client: ClusterClient, contenders: list[Contender], options: argparse.Namespace
) -> tuple[list[Measured], Large | None]:
    """The schedulers take turns with the waiting queue; what needs a running one is measured in the last round."""
    alone = requests_per_second(client, 5)
    rows: list[Measured] = []
    large: Large | None = None
    for number in range(options.rounds):
        last = number == options.rounds - 1
        for contender in contenders:
            try:
                rows.append(told(waiting_queue(client, contender, PODS)))
                if last:
                    rows += running(client, contender)
                if last and isinstance(contender, OurScheduler) and not options.without_large:
                    nodes = LARGE_NODES - NODES
                    large = large_cluster(
                        client, contender, nodes=nodes, pods=LARGE_PODS, alone_requests=alone
                    )
                    told_large(large)
            finally:
                contender.stop()
            remove_pods(client)
    return rows, large


def running(client: ClusterClient, contender: Contender) -> list[Measured]:
    """What is measured while the scheduler runs on."""
    time.sleep(QUIET_SECONDS)
    first = told(burst(client, contender, PODS))
    time.sleep(QUIET_SECONDS)
    return [first, told(steady(client, contender, STEADY_PODS, per_second=STEADY_PER_SECOND))]


def told(row: Measured) -> Measured:
    print(
        f"| {row.scenario} | {row.scheduler} | {row.pods} | {row.per_second:.0f} | {row.p50 * 1000:.0f} "
        f"| {row.p99 * 1000:.0f} | {row.processor / row.pods * 1000:.2f} |",
        flush=True,
    )
    return row


def told_large(large: Large) -> None:
    told(large.binding)
    told(large.churn)
    print(f"\n{LARGE_NODES} nodes, {large.pods} pods bound:")
    print(
        f"- snapshot from the watch caches {large.snapshot_ms:.0f} ms, decision {large.decide_ms:.0f} ms (median)"
    )
    print(f"- memory of the scheduler process {large.resident_mib:.0f} MiB, at most {large.most_mib:.0f} MiB")
    print(f"- requests to the server while nothing happens {large.idle_requests:.1f}/s")


def misses(rows: list[Measured], large: Large | None) -> list[str]:
    """What is below its aim, in a sentence each."""
    found = []
    rates = {
        name: max(
            (row.per_second for row in rows if row.scheduler == name and row.scenario == "queue waits"),
            default=0,
        )
        for name in (KubeScheduler.name, OurScheduler.name)
    }
    theirs, ours = rates[KubeScheduler.name], rates[OurScheduler.name]
    if theirs and ours:
        print(
            f"\n{OurScheduler.name} binds {ours / theirs:.1f} times as many pods a second as {KubeScheduler.name}"
        )
        if ours < TIMES_FASTER * theirs:
            found.append(f"{ours:.0f} pods/s are {ours / theirs:.2f} times {theirs:.0f}, aim {TIMES_FASTER}")
    found += [
        f"{row.scenario}: p99 from created to bound {row.p99:.2f} s, aim {STEADY_P99_SECONDS} s"
        for row in rows
        if row.scheduler == OurScheduler.name
        and row.scenario.startswith("steady")
        and row.p99 >= STEADY_P99_SECONDS
    ]
    if large and large.churn.p99 >= STEADY_P99_SECONDS:
        found.append(f"large cluster: p99 {large.churn.p99:.2f} s, aim {STEADY_P99_SECONDS} s")
    return found


if __name__ == "__main__":
    sys.exit(main())
