"""Defaults that Kubernetes sets in code and therefore are not in its OpenAPI documents; by type name. Data.

The values are those of the API reference of each type. Defaults that depend on other fields are in `cluster/simulator/kinds/`.
"""

from typing import Any

CORE = "io.k8s.api.core.v1."
PROBE = {"timeoutSeconds": 1, "periodSeconds": 10, "successThreshold": 1, "failureThreshold": 3}

TYPE_DEFAULTS: dict[str, dict[str, Any]] = {
    CORE + "PodSpec": {
        "restartPolicy": "Always",
        "dnsPolicy": "ClusterFirst",
        "schedulerName": "default-scheduler",
        "terminationGracePeriodSeconds": 30,
        "securityContext": {},
    },
    CORE + "Container": {
        "terminationMessagePath": "/dev/termination-log",
        "terminationMessagePolicy": "File",
    },
    CORE + "EphemeralContainer": {
        "terminationMessagePath": "/dev/termination-log",
        "terminationMessagePolicy": "File",
    },
    CORE + "ContainerPort": {"protocol": "TCP"},
    CORE + "Probe": PROBE,
    CORE + "HTTPGetAction": {"path": "/", "scheme": "HTTP"},
    CORE + "GRPCAction": {"service": ""},
    CORE + "ObjectFieldSelector": {"apiVersion": "v1"},
    CORE + "SecretVolumeSource": {"defaultMode": 420},
    CORE + "ConfigMapVolumeSource": {"defaultMode": 420},
    CORE + "DownwardAPIVolumeSource": {"defaultMode": 420},
    CORE + "ProjectedVolumeSource": {"defaultMode": 420},
    CORE + "ServiceAccountTokenProjection": {"expirationSeconds": 3600},
    CORE + "HostPathVolumeSource": {"type": ""},
    CORE + "TopologySpreadConstraint": {},
    CORE + "ServiceSpec": {"sessionAffinity": "None", "type": "ClusterIP"},
    CORE + "ServicePort": {"protocol": "TCP"},
    CORE + "NamespaceStatus": {"phase": "Active"},
    CORE + "PodStatus": {"phase": "Pending"},
    CORE + "PersistentVolumeClaimSpec": {"volumeMode": "Filesystem"},
    CORE + "PersistentVolumeClaimStatus": {"phase": "Pending"},
    CORE + "PersistentVolumeSpec": {"volumeMode": "Filesystem", "persistentVolumeReclaimPolicy": "Retain"},
    CORE + "PersistentVolumeStatus": {"phase": "Pending"},
    CORE + "Secret": {"type": "Opaque"},
    "io.k8s.api.apps.v1.DeploymentSpec": {
        "replicas": 1,
        "revisionHistoryLimit": 10,
        "progressDeadlineSeconds": 600,
    },
    "io.k8s.api.apps.v1.DeploymentStrategy": {"type": "RollingUpdate"},
    "io.k8s.api.apps.v1.RollingUpdateDeployment": {"maxUnavailable": "25%", "maxSurge": "25%"},
    "io.k8s.api.apps.v1.ReplicaSetSpec": {"replicas": 1},
    "io.k8s.api.apps.v1.ReplicaSetStatus": {"replicas": 0},
    "io.k8s.api.apps.v1.StatefulSetSpec": {
        "replicas": 1,
        "podManagementPolicy": "OrderedReady",
        "revisionHistoryLimit": 10,
        "persistentVolumeClaimRetentionPolicy": {"whenDeleted": "Retain", "whenScaled": "Retain"},
    },
    "io.k8s.api.apps.v1.StatefulSetUpdateStrategy": {"type": "RollingUpdate"},
    "io.k8s.api.apps.v1.RollingUpdateStatefulSetStrategy": {"partition": 0},
    "io.k8s.api.apps.v1.DaemonSetSpec": {"revisionHistoryLimit": 10},
    "io.k8s.api.apps.v1.DaemonSetStatus": {
        "currentNumberScheduled": 0,
        "numberMisscheduled": 0,
        "desiredNumberScheduled": 0,
        "numberReady": 0,
    },
    "io.k8s.api.apps.v1.DaemonSetUpdateStrategy": {"type": "RollingUpdate"},
    "io.k8s.api.apps.v1.RollingUpdateDaemonSet": {"maxUnavailable": 1, "maxSurge": 0},
    "io.k8s.api.batch.v1.CronJobSpec": {
        "concurrencyPolicy": "Allow",
        "suspend": False,
        "successfulJobsHistoryLimit": 3,
        "failedJobsHistoryLimit": 1,
    },
    "io.k8s.api.scheduling.v1.PriorityClass": {"preemptionPolicy": "PreemptLowerPriority"},
    "io.k8s.api.autoscaling.v2.HorizontalPodAutoscalerSpec": {"minReplicas": 1},
    "io.k8s.api.storage.v1.StorageClass": {"reclaimPolicy": "Delete", "volumeBindingMode": "Immediate"},
    "io.k8s.api.discovery.v1.EndpointPort": {"name": "", "protocol": "TCP"},
}
