"""All controllers of the simulated cluster, wired together over shared watches."""

from cluster.client import ClusterClient
from cluster.simulator.controllers.deployment import DeploymentController
from cluster.simulator.controllers.garbage_collector import GarbageCollector
from cluster.simulator.controllers.job import JobController
from cluster.simulator.controllers.node_lifecycle import NodeLifecycle
from cluster.simulator.controllers.pod_index import PodIndex
from cluster.simulator.controllers.replica_set import ReplicaSetController
from cluster.watch import WatchCache


class Controllers:
    """`start` after the pods and nodes have been listed; those two watches belong to the caller."""

    def __init__(self, client: ClusterClient, pods: WatchCache, nodes: WatchCache) -> None:
        index = PodIndex()
        pods.listen(index.pod_changed)  # first, so that the others find what they hear of
        self.jobs = JobController(client, pods, index)
        self.replica_sets = ReplicaSetController(client, pods, index)
        self.deployments = DeploymentController(client, self.replica_sets.replica_sets, index)
        self.nodes = NodeLifecycle(client, nodes, index)
        self.garbage = GarbageCollector(
            client,
            [
                pods,
                nodes,
                self.jobs.jobs,
                self.replica_sets.replica_sets,
                self.deployments.deployments,
                self.nodes.leases,
            ],
        )

    def start(self) -> None:
        self.jobs.start()
        self.replica_sets.start()
        self.deployments.start()
        self.nodes.start()
        self.garbage.start()

    def stop(self) -> None:
        for part in (self.garbage, self.nodes, self.deployments, self.replica_sets, self.jobs):
            part.stop()
