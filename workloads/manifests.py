"""Pure: the children of a custom resource, with the labels everyone reads."""

import json
import shlex
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from cluster import labels
from cluster.documents import Document, OwnerReference, format_micro_time
from workloads.custom_resources import Identity
from workloads.spec import WorkloadSpec, quantity_text

CONTAINER = "main"
DEFAULT_POOL = "default"


@dataclass(frozen=True)
class Order:
    """What is to stand in the cluster now: the submission, whose it is, and whether it is stopped."""

    spec: WorkloadSpec
    identity: Identity
    owner: OwnerReference
    attempt: int = 1
    suspended: bool = False

    @property
    def pools(self) -> tuple[str, ...]:
        return self.spec.node_pools or (DEFAULT_POOL,)


def child_metadata(order: Order) -> dict[str, Any]:
    """Of an object right below the custom resource: it goes when its owner goes."""
    return {
        "name": order.identity.name,
        "namespace": order.identity.namespace,
        "labels": pod_labels(order),
        "annotations": order.identity.annotations(),
        "ownerReferences": [order.owner],
    }


def pod_labels(order: Order) -> dict[str, str]:
    """The person's labels first: ours win. A pod that may go to several pools has no pool label: the label is a decision."""
    found = {
        **dict(order.spec.labels),
        **order.identity.labels(order.spec.kind),
        labels.PRIORITY_CLASS: order.spec.priority_class,
        labels.PREEMPTIBILITY: order.spec.preemptibility.value,
        labels.ATTEMPT: str(order.attempt),
    }
    return found | ({labels.NODE_POOL: order.pools[0]} if len(order.pools) == 1 else {})


def pod_annotations(order: Order, *, gang: str = "", minimum: int = 1) -> dict[str, str]:
    """`gang` names pods that start together; without a name every pod is a gang of its own."""
    notes = {
        **dict(order.spec.annotations),
        **order.identity.annotations(),
        labels.NODE_POOLS: ",".join(order.pools),
    }
    if gang:
        told = {"name": gang, "minimum": minimum, "created": format_micro_time(order.identity.created)}
        notes[labels.GANG] = json.dumps(told, separators=(",", ":"), sort_keys=True)
    return notes


def pod_template(
    order: Order, *, gang: str = "", minimum: int = 1, restart_policy: str = "Never"
) -> Document:
    """A pod of the workload, for the scheduler `runai-scheduler`."""
    spec = order.spec
    return {
        "metadata": {
            "labels": pod_labels(order),
            "annotations": pod_annotations(order, gang=gang, minimum=minimum),
        },
        "spec": {
            "schedulerName": labels.SCHEDULER_NAME,
            "restartPolicy": restart_policy,
            "terminationGracePeriodSeconds": spec.grace_seconds,
            "automountServiceAccountToken": False,
            "enableServiceLinks": False,
            "containers": [container(order)],
        },
    }


def container(order: Order) -> Document:
    spec = order.spec
    document: Document = {
        "name": CONTAINER,
        "image": spec.image,
        "imagePullPolicy": spec.pull_policy,
        "env": environment(order),
        "resources": resources(spec),
    }
    if spec.command:
        document["command"] = shlex.split(spec.command)
    if spec.args:
        document["args"] = shlex.split(spec.args)
    if spec.working_dir:
        document["workingDir"] = spec.working_dir
    return document


def environment(order: Order) -> list[Mapping[str, Any]]:
    """The person's variables and those a program may rely on (platform.md §15.7)."""
    ours: list[Mapping[str, Any]] = [
        {"name": "RUNAI_PROJECT", "value": order.identity.project},
        {"name": "RUNAI_JOB_NAME", "value": order.identity.name},
        {"name": "RUNAI_JOB_UUID", "value": order.identity.workload_id},
        {"name": "RUNAI_NUM_OF_GPUS", "value": str(order.spec.resources.gpu.devices)},
        {"name": "NODE_NAME", "valueFrom": {"fieldRef": {"fieldPath": "spec.nodeName"}}},
    ]
    theirs = [{"name": name, "value": value} for name, value in order.spec.environment]
    named = {name for name, _ in order.spec.environment}
    if order.spec.resources.gpu.devices == 0 and "NVIDIA_VISIBLE_DEVICES" not in named:
        # where NVIDIA's runtime is the default, an image that asks for all devices would see GPUs it was not given
        ours.append({"name": "NVIDIA_VISIBLE_DEVICES", "value": "void"})
    return [*theirs, *ours]


def resources(spec: WorkloadSpec) -> Document:
    asked = spec.resources
    requests = {"cpu": f"{asked.cpu_milli}m", "memory": quantity_text(asked.memory_bytes)}
    limits: dict[str, str] = {}
    if asked.cpu_limit_milli is not None:
        limits["cpu"] = f"{asked.cpu_limit_milli}m"
    if asked.memory_limit_bytes is not None:
        limits["memory"] = quantity_text(asked.memory_limit_bytes)
    if asked.gpu.devices:
        requests[labels.GPU_RESOURCE] = limits[labels.GPU_RESOURCE] = str(asked.gpu.devices)
    return {"requests": requests, "limits": limits} if limits else {"requests": requests}
