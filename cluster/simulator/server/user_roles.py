"""The roles that people are given in a namespace: view, edit and admin. Each holds what the one before holds."""

from typing import Any

Rule = dict[str, Any]
READ = ["get", "list", "watch"]
WRITE = ["create", "delete", "deletecollection", "patch", "update"]
SHOWN = {
    "": [
        "bindings",
        "configmaps",
        "endpoints",
        "events",
        "limitranges",
        "namespaces",
        "namespaces/status",
        "persistentvolumeclaims",
        "persistentvolumeclaims/status",
        "pods",
        "pods/log",
        "pods/status",
        "replicationcontrollers",
        "replicationcontrollers/scale",
        "replicationcontrollers/status",
        "resourcequotas",
        "resourcequotas/status",
        "serviceaccounts",
        "services",
        "services/status",
    ],
    "discovery.k8s.io": ["endpointslices"],
    "events.k8s.io": ["events"],
    "metrics.k8s.io": ["nodes", "pods"],
}
"""What may be seen and not changed, or changed only in part."""
WORK = {
    "apps": [
        "daemonsets",
        "deployments",
        "deployments/scale",
        "replicasets",
        "replicasets/scale",
        "statefulsets",
        "statefulsets/scale",
    ],
    "autoscaling": ["horizontalpodautoscalers"],
    "batch": ["cronjobs", "jobs"],
    "networking.k8s.io": ["ingresses", "networkpolicies"],
    "policy": ["poddisruptionbudgets"],
    "resource.k8s.io": ["resourceclaims", "resourceclaimtemplates"],
}
STATES = {
    "apps": [
        "controllerrevisions",
        "daemonsets/status",
        "deployments/status",
        "replicasets/status",
        "statefulsets/status",
    ],
    "autoscaling": ["horizontalpodautoscalers/status"],
    "batch": ["cronjobs/status", "jobs/status"],
    "networking.k8s.io": ["ingresses/status"],
    "policy": ["poddisruptionbudgets/status"],
    "resource.k8s.io": ["resourceclaims/status"],
}
CHANGED = [
    "configmaps",
    "events",
    "persistentvolumeclaims",
    "pods",
    "replicationcontrollers",
    "replicationcontrollers/scale",
    "secrets",
    "serviceaccounts",
    "services",
]
ENTERED = ["pods/attach", "pods/exec", "pods/portforward", "pods/proxy", "services/proxy"]


def _rules(kinds: dict[str, list[str]], verbs: list[str]) -> list[Rule]:
    return [{"apiGroups": [group], "resources": names, "verbs": verbs} for group, names in kinds.items()]


VIEW = _rules(SHOWN, READ) + _rules(WORK, READ) + _rules(STATES, READ)
EDIT = [
    *VIEW,
    *_rules({"": CHANGED, "events.k8s.io": ["events"]}, WRITE),
    *_rules({"": ["secrets"]}, READ),
    *_rules({"": ENTERED}, [*READ, *WRITE]),
    *_rules({"": ["pods/eviction", "serviceaccounts/token"]}, ["create"]),
    *_rules({"": ["serviceaccounts"]}, ["impersonate"]),
    *_rules({**WORK, "apps": [*WORK["apps"], "deployments/rollback"]}, WRITE),
    *_rules({"coordination.k8s.io": ["leases"]}, [*READ, *WRITE]),
]
ADMIN = [
    *EDIT,
    *_rules({"rbac.authorization.k8s.io": ["rolebindings", "roles"]}, [*READ, *WRITE]),
    *_rules({"authorization.k8s.io": ["localsubjectaccessreviews"]}, ["create"]),
]
USER_ROLES = {"view": VIEW, "edit": EDIT, "admin": ADMIN}
