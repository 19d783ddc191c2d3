"""All controllers of the simulated cluster, wired together over shared watches."""

from cluster.client import ClusterClient
from cluster.simulator.controllers.cron_job import CronJobController
from cluster.simulator.controllers.daemon_set import DaemonSetController
from cluster.simulator.controllers.deployment import DeploymentController
from cluster.simulator.controllers.disruption import DisruptionController
from cluster.simulator.controllers.endpoint_slices import EndpointSlices
from cluster.simulator.controllers.ephemeral_volumes import EphemeralVolumes
from cluster.simulator.controllers.garbage_collector import GarbageCollector
from cluster.simulator.controllers.job import JobController
from cluster.simulator.controllers.node_lifecycle import NodeLifecycle
from cluster.simulator.controllers.pod_index import PodIndex
from cluster.simulator.controllers.replica_set import ReplicaSetController
from cluster.simulator.controllers.resource_quota import ResourceQuotaController
from cluster.simulator.controllers.sizes import Sizes
from cluster.simulator.controllers.stateful_set import StatefulSetController
from cluster.simulator.controllers.volume_binder import VolumeBinder
from cluster.watch import WatchCache


class Controllers:
    """`start` after the pods and nodes have been listed; those two watches and the index belong to the caller."""

    def __init__(self, client: ClusterClient, pods: WatchCache, nodes: WatchCache, index: PodIndex) -> None:
        self.jobs = JobController(client, pods, index)
        self.replica_sets = ReplicaSetController(client, pods, index)
        self.deployments = DeploymentController(client, self.replica_sets.replica_sets, index)
        self.stateful_sets = StatefulSetController(client, pods, index)
        self.daemon_sets = DaemonSetController(client, pods, nodes, index, self.stateful_sets.revisions)
        sizes = Sizes(
            self.deployments.deployments, self.replica_sets.replica_sets, self.stateful_sets.stateful_sets
        )
        self.quotas = ResourceQuotaController(client, pods)
        self.disruptions = DisruptionController(client, pods, sizes)
        self.cron_jobs = CronJobController(client, self.jobs.jobs)
        self.volumes = VolumeBinder(client, pods)
        self.ephemeral_volumes = EphemeralVolumes(client, pods)
        self.endpoint_slices = EndpointSlices(client, pods)
        self.nodes = NodeLifecycle(client, nodes, index)
        self.garbage = GarbageCollector(
            client,
            [
                pods,
                nodes,
                self.jobs.jobs,
                self.replica_sets.replica_sets,
                self.deployments.deployments,
                self.stateful_sets.stateful_sets,
                self.stateful_sets.revisions.revisions,
                self.daemon_sets.daemon_sets,
                self.cron_jobs.cron_jobs,
                self.volumes.claims,
                self.endpoint_slices.services,
                self.endpoint_slices.slices,
                self.nodes.leases,
            ],
        )

    def start(self) -> None:
        self.jobs.start()
        self.replica_sets.start()
        self.deployments.start()
        self.stateful_sets.start()  # and the revisions
        self.daemon_sets.start()
        self.quotas.start()
        self.disruptions.start()
        self.cron_jobs.start()
        self.volumes.start()
        self.ephemeral_volumes.start()
        self.endpoint_slices.start()
        self.nodes.start()
        self.garbage.start()

    def stop(self) -> None:
        parts = (
            self.garbage,
            self.nodes,
            self.endpoint_slices,
            self.ephemeral_volumes,
            self.volumes,
            self.cron_jobs,
            self.disruptions,
            self.quotas,
            self.daemon_sets,
            self.stateful_sets,
            self.deployments,
            self.replica_sets,
            self.jobs,
        )
        for part in parts:
            part.stop()
