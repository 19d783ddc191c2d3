"""The kinds that need more than being stored, by storage name; everything else follows the general rules."""

from cluster.simulator.kinds import (
    budgets,
    daemon_sets,
    definitions,
    deployments,
    events,
    jobs,
    limit_ranges,
    namespaces,
    pods,
    replicated,
    resource_quotas,
    secrets,
    services,
    small,
    volumes,
    webhooks,
)
from cluster.simulator.kinds.rules import GENERAL, WITH_GENERATION, KindRules
from cluster.simulator.resources import Resource

RULES: dict[str, KindRules] = {
    "pods": pods.RULES,
    "namespaces": namespaces.RULES,
    "services": services.RULES,
    "events": events.RULES,
    "jobs.batch": jobs.RULES,
    "cronjobs.batch": jobs.CRON_RULES,
    "deployments.apps": deployments.RULES,
    "replicasets.apps": replicated.REPLICA_SET_RULES,
    "statefulsets.apps": replicated.STATEFUL_SET_RULES,
    "daemonsets.apps": daemon_sets.RULES,
    "customresourcedefinitions.apiextensions.k8s.io": definitions.RULES,
    "poddisruptionbudgets.policy": budgets.RULES,
    "storageclasses.storage.k8s.io": KindRules(returns_deleted=True),
    "mutatingwebhookconfigurations.admissionregistration.k8s.io": webhooks.RULES,
    "validatingwebhookconfigurations.admissionregistration.k8s.io": webhooks.RULES,
    "horizontalpodautoscalers.autoscaling": GENERAL,
    "ingresses.networking.k8s.io": WITH_GENERATION,
    "networkpolicies.networking.k8s.io": small.NETWORK_POLICY_RULES,
    "endpointslices.discovery.k8s.io": WITH_GENERATION,
    "priorityclasses.scheduling.k8s.io": small.PRIORITY_CLASS_RULES,
    "leases.coordination.k8s.io": small.LEASE_RULES,
    "nodes": small.NODE_RULES,
    "secrets": secrets.RULES,
    "serviceaccounts": KindRules(returns_deleted=True),
    "persistentvolumeclaims": volumes.CLAIM_RULES,
    "persistentvolumes": volumes.VOLUME_RULES,
    "limitranges": limit_ranges.RULES,
    "resourcequotas": resource_quotas.RULES,
    "podtemplates": KindRules(has_generation=True, returns_deleted=True),
}
CUSTOM = KindRules(has_generation=True, needs_version_on_update=True)


def rules_for(resource: Resource) -> KindRules:
    """The rules of a resource's kind."""
    return CUSTOM if resource.custom else RULES.get(resource.storage, GENERAL)
