"""Conversations about what lasts and what watches over it: StatefulSets, CronJobs, budgets, claims, webhook configurations."""

from typing import Any

from tests.cluster.api.steps import (
    ALWAYS,
    APPLY,
    CORE,
    POD,
    RUNNING,
    TABLE,
    Step,
    delete,
    get,
    patch,
    post,
    put,
)

STATEFUL_SETS = "/apis/apps/v1/namespaces/{ns}/statefulsets"
CRON_JOBS = "/apis/batch/v1/namespaces/{ns}/cronjobs"
BUDGETS = "/apis/policy/v1/namespaces/{ns}/poddisruptionbudgets"
CLAIMS, VOLUMES = f"{CORE}/persistentvolumeclaims", "/api/v1/persistentvolumes"
CLASSES = "/apis/storage.k8s.io/v1/storageclasses"
MUTATING = "/apis/admissionregistration.k8s.io/v1/mutatingwebhookconfigurations"
VALIDATING = "/apis/admissionregistration.k8s.io/v1/validatingwebhookconfigurations"
NEVER = {"template": {"spec": {"restartPolicy": "Never", **ALWAYS["template"]["spec"]}}}
REQUESTED = {"accessModes": ["ReadWriteOnce"], "resources": {"requests": {"storage": "1Gi"}}}


def document(api_version: str, kind: str, name: str, **content: Any) -> dict[str, Any]:
    return {"apiVersion": api_version, "kind": kind, "metadata": {"name": name}, **content}


def stateful_set(**spec: Any) -> dict[str, Any]:
    template = {"metadata": {"labels": {"app": "db"}}, **ALWAYS["template"]}
    wanted = {"serviceName": "db", "selector": {"matchLabels": {"app": "db"}}, "template": template, **spec}
    return document("apps/v1", "StatefulSet", "db", spec=wanted)


def cron_job(**spec: Any) -> dict[str, Any]:
    wanted = {"schedule": "*/5 * * * *", "jobTemplate": {"spec": NEVER}, **spec}
    return document("batch/v1", "CronJob", "c", spec=wanted)


def budget(**spec: Any) -> dict[str, Any]:
    wanted = {"minAvailable": 1, "selector": {"matchLabels": {"app": "web"}}, **spec}
    return document("policy/v1", "PodDisruptionBudget", "b", spec=wanted)


def claim(**spec: Any) -> dict[str, Any]:
    return document("v1", "PersistentVolumeClaim", "data", spec={**REQUESTED, **spec})


def volume() -> dict[str, Any]:
    spec = {"capacity": {"storage": "1Gi"}, "accessModes": ["ReadWriteOnce"], "hostPath": {"path": "/x"}}
    return document("v1", "PersistentVolume", "v-{ns}", spec=spec)


def webhooks(kind: str, **entry: Any) -> dict[str, Any]:
    rule = {"apiGroups": [""], "apiVersions": ["v1"], "resources": ["pods"], "operations": ["CREATE"]}
    one = {
        "name": "a.webhooks.test",
        "clientConfig": {"url": "https://127.0.0.1:9/x"},
        "admissionReviewVersions": ["v1"],
        "sideEffects": "None",
        "namespaceSelector": {"matchLabels": {"nobody": "has"}},
        "rules": [rule],
        **entry,
    }
    return document(
        "admissionregistration.k8s.io/v1", f"{kind}WebhookConfiguration", "w-{ns}", webhooks=[one]
    )


def wrong(**entry: Any) -> Step:
    return post(VALIDATING, webhooks("Validating", **entry))


def rules(**rule: Any) -> list[dict[str, Any]]:
    usual = {"apiGroups": [""], "apiVersions": ["v1"], "resources": ["pods"], "operations": ["CREATE"]}
    return [{**usual, **rule}]


EVICTION = document("policy/v1", "Eviction", "p")
PROTECTED = {**POD, "metadata": {"name": "p", "labels": {"app": "web"}}}
READY = {**RUNNING, "phase": "Running"}

LASTING: dict[str, list[Step]] = {
    "stateful sets": [
        post(STATEFUL_SETS, stateful_set(volumeClaimTemplates=[claim()])),
        get(STATEFUL_SETS, **TABLE),
        get(f"{STATEFUL_SETS}/db/scale"),
        patch(f"{STATEFUL_SETS}/db", {"spec": {"replicas": 3}}),
        patch(f"{STATEFUL_SETS}/db", {"spec": {"serviceName": "other"}}),
        patch(f"{STATEFUL_SETS}/db?fieldManager=m&force=true", stateful_set(replicas=2), APPLY),
        post(f"{STATEFUL_SETS}?dryRun=All", stateful_set(updateStrategy={"type": "OnDelete"})),
        post(f"{STATEFUL_SETS}?dryRun=All", stateful_set(podManagementPolicy="Sometimes")),
        delete(f"{STATEFUL_SETS}/db"),
    ],
    "cron jobs": [
        post(CRON_JOBS, cron_job()),
        get(CRON_JOBS, **TABLE),
        patch(f"{CRON_JOBS}/c", {"spec": {"suspend": True}}),
        post(f"{CRON_JOBS}?dryRun=All", cron_job(schedule="often")),
        post(f"{CRON_JOBS}?dryRun=All", cron_job(schedule="61 * * * *")),
        post(f"{CRON_JOBS}?dryRun=All", cron_job(schedule="* 5-1 0 * *")),
        post(f"{CRON_JOBS}?dryRun=All", cron_job(schedule="TZ=UTC * * * * *")),
        *(
            post(f"{CRON_JOBS}?dryRun=All", cron_job(schedule=schedule))
            for schedule in ("@every 1h30m", "@every 5", "@every 1.5d", "@every soon", "@Hourly", "@reboot")
        ),
        post(f"{CRON_JOBS}?dryRun=All", cron_job(concurrencyPolicy="Perhaps")),
        post(f"{CRON_JOBS}?dryRun=All", cron_job(timeZone="Nowhere/Town")),
        delete(f"{CRON_JOBS}/c"),
    ],
    "budgets": [
        post(BUDGETS, budget()),
        get(BUDGETS, **TABLE),
        post(f"{CORE}/pods", PROTECTED),
        post(f"{CORE}/pods/p/eviction?dryRun=All", EVICTION),
        patch(f"{CORE}/pods/p/status", {"status": READY}),
        post(f"{CORE}/pods/p/eviction", EVICTION),
        patch(
            f"{BUDGETS}/b/status",
            {"status": {"observedGeneration": 1, "desiredHealthy": 1, "currentHealthy": 1}},
        ),
        post(f"{CORE}/pods/p/eviction", EVICTION),
        patch(f"{BUDGETS}/b/status", {"status": {"disruptionsAllowed": 1, "currentHealthy": 2}}),
        post(f"{CORE}/pods/p/eviction?dryRun=All", EVICTION),
        post(f"{CORE}/pods/p/eviction", EVICTION),
        post(f"{BUDGETS}?dryRun=All", budget(maxUnavailable=1)),
        post(f"{BUDGETS}?dryRun=All", budget(minAvailable=-1)),
        delete(f"{BUDGETS}/b"),
    ],
    "claims and volumes": [
        post(CLAIMS, claim(storageClassName="none-{ns}")),
        get(CLAIMS, **TABLE),
        patch(f"{CLAIMS}/data/status", {"status": {"phase": "Lost"}}),
        post(f"{CLAIMS}?dryRun=All", document("v1", "PersistentVolumeClaim", "x", spec={})),
        post(VOLUMES, volume()),
        get(f"{VOLUMES}/v-{{ns}}", **TABLE),
        patch(f"{VOLUMES}/v-{{ns}}/status", {"status": {"phase": "Available"}}),
        delete(f"{VOLUMES}/v-{{ns}}"),
        patch(f"{VOLUMES}/v-{{ns}}", {"metadata": {"finalizers": None}}),
        delete(f"{CLAIMS}/data"),
        post(
            CLASSES, document("storage.k8s.io/v1", "StorageClass", "c-{ns}", provisioner="example.com/disk")
        ),
        get(f"{CLASSES}/c-{{ns}}", **TABLE),
        delete(f"{CLASSES}/c-{{ns}}"),
    ],
    "webhook configurations": [
        post(MUTATING, webhooks("Mutating")),
        get(f"{MUTATING}/w-{{ns}}", **TABLE),
        put(f"{MUTATING}/w-{{ns}}", webhooks("Mutating", failurePolicy="Ignore")),
        delete(f"{MUTATING}/w-{{ns}}"),
        post(VALIDATING, webhooks("Validating", clientConfig={"service": {"name": "a", "namespace": "b"}})),
        get(f"{VALIDATING}/w-{{ns}}", **TABLE),
        delete(f"{VALIDATING}/w-{{ns}}"),
        wrong(name="short"),
        wrong(name=""),
        wrong(name="Not.A.Name"),
        wrong(sideEffects="Some"),
        wrong(sideEffects=None),
        wrong(timeoutSeconds=31),
        wrong(failurePolicy="Perhaps"),
        wrong(matchPolicy="Perhaps"),
        wrong(admissionReviewVersions=[]),
        wrong(clientConfig={}),
        wrong(clientConfig={"url": "http://a/b"}),
        wrong(clientConfig={"url": "https://a/b?c=d#e"}),
        wrong(clientConfig={"url": "https://user@a/b"}),
        wrong(clientConfig={"url": "https://a", "service": {"name": "a", "namespace": "b"}}),
        wrong(rules=rules(operations=["CREATE", "*"])),
        wrong(rules=rules(operations=["READ"])),
        wrong(rules=rules(operations=[])),
        wrong(rules=rules(apiGroups=[])),
        wrong(rules=rules(apiVersions=["v1", "*"])),
        wrong(rules=rules(resources=[])),
        wrong(rules=rules(scope="Here")),
    ],
}
