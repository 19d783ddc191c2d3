"""The kinds of Kubernetes objects the product touches and where the API serves them. Pure."""

from dataclasses import dataclass
from urllib.parse import quote


@dataclass(frozen=True)
class Kind:
    """One resource of the API: `group` is empty for core/v1."""

    group: str
    version: str
    plural: str
    kind: str
    namespaced: bool = True

    @property
    def api_version(self) -> str:
        """As objects carry it: `v1`, `batch/v1`."""
        return f"{self.group}/{self.version}" if self.group else self.version

    def path(
        self, namespace: str | None = None, name: str | None = None, subresource: str | None = None
    ) -> str:
        """The URL path of the collection, of one object, or of its subresource; parts are escaped.

        Without a namespace the collection of all namespaces is meant; one object of a namespaced kind needs it (ValueError).
        """
        if name is not None and self.namespaced and not namespace:
            raise ValueError(f"a {self.kind} lives in a namespace: none given for {name!r}")
        if name == "":
            raise ValueError(f"a {self.kind} has a name: an empty one was given")
        parts = ["apis", self.group, self.version] if self.group else ["api", self.version]
        if namespace and self.namespaced:
            parts += ["namespaces", namespace]
        parts.append(self.plural)
        if name is not None:
            parts.append(name)
        if subresource is not None:
            parts.append(subresource)
        return "/" + "/".join(quote(part, safe=":") for part in parts)


PODS = Kind("", "v1", "pods", "Pod")
NODES = Kind("", "v1", "nodes", "Node", namespaced=False)
NAMESPACES = Kind("", "v1", "namespaces", "Namespace", namespaced=False)
CONFIG_MAPS = Kind("", "v1", "configmaps", "ConfigMap")
SECRETS = Kind("", "v1", "secrets", "Secret")
SERVICES = Kind("", "v1", "services", "Service")
SERVICE_ACCOUNTS = Kind("", "v1", "serviceaccounts", "ServiceAccount")
PERSISTENT_VOLUME_CLAIMS = Kind("", "v1", "persistentvolumeclaims", "PersistentVolumeClaim")
PERSISTENT_VOLUMES = Kind("", "v1", "persistentvolumes", "PersistentVolume", namespaced=False)
REPLICATION_CONTROLLERS = Kind("", "v1", "replicationcontrollers", "ReplicationController")
RESOURCE_QUOTAS = Kind("", "v1", "resourcequotas", "ResourceQuota")
LIMIT_RANGES = Kind("", "v1", "limitranges", "LimitRange")
CORE_EVENTS = Kind("", "v1", "events", "Event")
EVENTS = Kind("events.k8s.io", "v1", "events", "Event")
JOBS = Kind("batch", "v1", "jobs", "Job")
CRON_JOBS = Kind("batch", "v1", "cronjobs", "CronJob")
DEPLOYMENTS = Kind("apps", "v1", "deployments", "Deployment")
REPLICA_SETS = Kind("apps", "v1", "replicasets", "ReplicaSet")
STATEFUL_SETS = Kind("apps", "v1", "statefulsets", "StatefulSet")
CONTROLLER_REVISIONS = Kind("apps", "v1", "controllerrevisions", "ControllerRevision")
DAEMON_SETS = Kind("apps", "v1", "daemonsets", "DaemonSet")
LEASES = Kind("coordination.k8s.io", "v1", "leases", "Lease")
STORAGE_CLASSES = Kind("storage.k8s.io", "v1", "storageclasses", "StorageClass", namespaced=False)
PRIORITY_CLASSES = Kind("scheduling.k8s.io", "v1", "priorityclasses", "PriorityClass", namespaced=False)
POD_DISRUPTION_BUDGETS = Kind("policy", "v1", "poddisruptionbudgets", "PodDisruptionBudget")
ROLES = Kind("rbac.authorization.k8s.io", "v1", "roles", "Role")
ROLE_BINDINGS = Kind("rbac.authorization.k8s.io", "v1", "rolebindings", "RoleBinding")
CLUSTER_ROLES = Kind("rbac.authorization.k8s.io", "v1", "clusterroles", "ClusterRole", namespaced=False)
CLUSTER_ROLE_BINDINGS = Kind(
    "rbac.authorization.k8s.io", "v1", "clusterrolebindings", "ClusterRoleBinding", namespaced=False
)
SELF_SUBJECT_ACCESS_REVIEWS = Kind(
    "authorization.k8s.io", "v1", "selfsubjectaccessreviews", "SelfSubjectAccessReview", namespaced=False
)
MUTATING_WEBHOOKS = Kind(
    "admissionregistration.k8s.io",
    "v1",
    "mutatingwebhookconfigurations",
    "MutatingWebhookConfiguration",
    namespaced=False,
)
VALIDATING_WEBHOOKS = Kind(
    "admissionregistration.k8s.io",
    "v1",
    "validatingwebhookconfigurations",
    "ValidatingWebhookConfiguration",
    namespaced=False,
)
CRDS = Kind(
    "apiextensions.k8s.io", "v1", "customresourcedefinitions", "CustomResourceDefinition", namespaced=False
)

TOPOLOGIES = Kind("kai.scheduler", "v1alpha1", "topologies", "Topology", namespaced=False)
"""Node labels from coarse to fine, as KAI has them; a cluster need not know the kind."""

GROUP_OWNERS = (
    *(
        Kind("kubeflow.org", "v1", f"{kind.lower()}s", kind)
        for kind in ("PyTorchJob", "TFJob", "XGBoostJob", "JAXJob", "PaddleJob", "MPIJob")
    ),
    Kind("kubeflow.org", "v2beta1", "mpijobs", "MPIJob"),
    Kind("jobset.x-k8s.io", "v1alpha2", "jobsets", "JobSet"),
    Kind("leaderworkerset.x-k8s.io", "v1", "leaderworkersets", "LeaderWorkerSet"),
    Kind("ray.io", "v1", "rayclusters", "RayCluster"),
    Kind("scheduling.x-k8s.io", "v1alpha1", "podgroups", "PodGroup"),
    Kind("scheduling.volcano.sh", "v1beta1", "podgroups", "PodGroup"),
    Kind("scheduling.k8s.io", "v1alpha2", "podgroups", "PodGroup"),
)
"""Of other projects: objects that say which pods start together. A cluster need not know any of them."""

TRAINING_WORKLOADS = Kind("run.ai", "v2alpha1", "trainingworkloads", "TrainingWorkload")
INTERACTIVE_WORKLOADS = Kind("run.ai", "v2alpha1", "interactiveworkloads", "InteractiveWorkload")
INFERENCE_WORKLOADS = Kind("run.ai", "v2alpha1", "inferenceworkloads", "InferenceWorkload")
DISTRIBUTED_WORKLOADS = Kind("run.ai", "v2alpha1", "distributedworkloads", "DistributedWorkload")
WORKLOAD_KINDS = (TRAINING_WORKLOADS, INTERACTIVE_WORKLOADS, INFERENCE_WORKLOADS, DISTRIBUTED_WORKLOADS)

ALL_KINDS: tuple[Kind, ...] = tuple(value for value in list(globals().values()) if isinstance(value, Kind))
"""Everything above, for looking a kind up by what an object or an owner reference says."""

_BY_NAME = {(kind.api_version, kind.kind): kind for kind in ALL_KINDS}


def kind_named(api_version: str, kind: str) -> Kind | None:
    """The kind an object or owner reference names, or None when the product does not know it."""
    return _BY_NAME.get((api_version, kind))
