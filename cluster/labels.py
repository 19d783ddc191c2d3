"""Every label and annotation the product reads or writes, in one place.

Ours begin with `runai.io/`; names that users and other tools already know (Run:ai, KAI, Kueue, NVIDIA, Kubernetes) are kept as they are.
Label values have at most 63 characters; e-mail addresses and free text are annotations.
"""

SCHEDULER_NAME = "runai-scheduler"

# --- queues and pools -------------------------------------------------------------------------------------------------------------
QUEUE = "runai/queue"
QUEUE_KAI = "kai.scheduler/queue"
NODE_POOL = "kai.scheduler/node-pool"
PRIORITY_CLASS = "priorityClassName"
PREEMPTIBILITY = "kai.scheduler/preemptibility"
TASK_PRIORITY = "kai.scheduler/task-priority"
SUBGROUP = "kai.scheduler/subgroup-name"
TOPOLOGY = "kai.scheduler/topology"
TOPOLOGY_REQUIRED = "kai.scheduler/topology-required-placement"
TOPOLOGY_PREFERRED = "kai.scheduler/topology-preferred-placement"
NODE_POOL_OF_NODE = "run.ai/node-pool"

# --- what belongs together --------------------------------------------------------------------------------------------------------
TENANT_ID = "runai.io/tenant-id"
CLUSTER_ID = "runai.io/cluster-id"
DEPARTMENT_ID = "runai.io/department-id"
PROJECT_ID = "runai.io/project-id"
PROJECT = "project"
ENFORCE_SCHEDULER = "runai.io/enforce-scheduler"
"""On the namespace of a project: "false" leaves each pod the scheduler it names; everything else, and no label, means ours for all."""
WORKLOAD_ID = "runai.io/workload-id"
WORKLOAD_NAME = "runai.io/workload-name"
WORKLOAD_KIND = "runai.io/workload-kind"
ATTEMPT = "runai.io/attempt"
MANAGED_BY = "app.kubernetes.io/managed-by"
PART_OF = "app.kubernetes.io/part-of"
NAME = "app.kubernetes.io/name"
INSTANCE = "app.kubernetes.io/instance"
COMPONENT = "app.kubernetes.io/component"

# --- other projects: what a pod belongs to, and which part of it it is ------------------------------------------------------------
KUBEFLOW_OPERATOR = "training.kubeflow.org/operator-name"
KUBEFLOW_JOB = "training.kubeflow.org/job-name"
KUBEFLOW_REPLICA_TYPE = "training.kubeflow.org/replica-type"
KUBEFLOW_ROLE = "training.kubeflow.org/job-role"
JOBSET = "jobset.sigs.k8s.io/jobset-name"
JOBSET_REPLICATED_JOB = "jobset.sigs.k8s.io/replicatedjob-name"
JOBSET_EXCLUSIVE = "alpha.jobset.sigs.k8s.io/exclusive-topology"
JOBSET_BY_NODE_SELECTOR = "alpha.jobset.sigs.k8s.io/node-selector"
LEADER_WORKER_SET = "leaderworkerset.sigs.k8s.io/name"
LEADER_WORKER_GROUP = "leaderworkerset.sigs.k8s.io/group-index"
LEADER_WORKER_INDEX = "leaderworkerset.sigs.k8s.io/worker-index"
LEADER_WORKER_SIZE = "leaderworkerset.sigs.k8s.io/size"
LEADER_WORKER_EXCLUSIVE = "leaderworkerset.sigs.k8s.io/exclusive-topology"
RAY_GROUP = "ray.io/group"
RAY_NODE_TYPE = "ray.io/node-type"
SPARK_ROLE = "spark-role"
SPARK_APP = "sparkoperator.k8s.io/app-name"
SPARK_APP_NAME = "spark-app-name"
POD_GROUP = "scheduling.x-k8s.io/pod-group"
VOLCANO_GROUPS = ("scheduling.k8s.io/group-name", "scheduling.volcano.sh/group-name")

# --- annotations: the scheduler's input and its answers -----------------------------------------------------------------------------
SUBMITTED_BY = "runai.io/submitted-by"
GANG = "runai.io/gang"
"""JSON on each pod of a gang: {"name", "minimum", "created"}; without it the owner decides (scheduling/grouping.py)."""
CREATED = "runai.io/created"
"""When the workload of a pod was submitted: a pod that is made anew keeps its place in the queue by it."""
NODE_POOLS = "runai.io/node-pools"
"""Ordered, comma-separated pools a workload may go to."""
REFUSAL = "runai.io/refusal"
"""JSON (at most 4 KiB) on one pod of a waiting gang: why it waits."""
EVICTION = "runai.io/eviction"
"""JSON on a pod that is taken back: by which rule, for whom."""
SUSPENDED_BY = "runai.io/suspended-by"

# --- sharing GPUs -----------------------------------------------------------------------------------------------------------------
GPU_FRACTION = "gpu-fraction"
GPU_MEMORY = "gpu-memory"
GPU_FRACTION_DEVICES = "gpu-fraction-num-devices"
GPU_FRACTION_CONTAINER = "gpu-fraction-container-name"
GPU_GROUP = "runai-gpu-group"
RECEIVED_RESOURCE_TYPE = "received-resource-type"
RESERVED_DEVICE = "run.ai/reserve_for_gpu_index"
"""Which device a reservation pod was given."""
VISIBLE_DEVICES = "runai.io/visible-devices"
"""UUIDs of the devices a shared pod was given, written before it is bound: its NVIDIA_VISIBLE_DEVICES reads this annotation."""
GPU_PORTION = "runai.io/gpu-portion"
"""The part of each of these devices, as a decimal: its GPU_PORTION."""

# --- nodes ------------------------------------------------------------------------------------------------------------------------
GPU_RESOURCE = "nvidia.com/gpu"
GPU_PRODUCT = "nvidia.com/gpu.product"
GPU_MEMORY_OF_NODE = "nvidia.com/gpu.memory"
GPU_COUNT = "nvidia.com/gpu.count"

# --- the GPU metrics page -----------------------------------------------------------------------------------------------------------
DCGM_NAMESPACE = "gpu-operator"
DCGM_SELECTOR = "app=nvidia-dcgm-exporter"
DCGM_PORT = 9400
