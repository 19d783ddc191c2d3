"""Objects -> a `meta.k8s.io/v1` Table, in the columns of kubectl."""

import json
from collections.abc import Callable
from datetime import datetime
from functools import cache
from pathlib import Path
from typing import Any

from cluster.clock import now as product_now
from cluster.simulator.kinds.events import to_core
from cluster.simulator.resources import Resource
from cluster.simulator.tables import networking, rows, workloads
from cluster.simulator.tables.ages import age
from cluster.simulator.tables.json_paths import first_at
from cluster.simulator.tables.pods import pod_cells

Document = dict[str, Any]
Cells = Callable[[Document, datetime], list[Any]]

CELLS: dict[str, Cells] = {
    "pods": pod_cells,
    "nodes": rows.node_cells,
    "namespaces": rows.namespace_cells,
    "services": rows.service_cells,
    "configmaps": rows.config_map_cells,
    "secrets": rows.secret_cells,
    "serviceaccounts": rows.plain_cells,
    "events": rows.event_cells,
    "persistentvolumeclaims": rows.claim_cells,
    "persistentvolumes": rows.volume_cells,
    "limitranges": rows.created_cells,
    "resourcequotas": rows.quota_cells,
    "deployments.apps": workloads.deployment_cells,
    "replicasets.apps": workloads.replica_set_cells,
    "statefulsets.apps": workloads.stateful_set_cells,
    "daemonsets.apps": workloads.daemon_set_cells,
    "controllerrevisions.apps": rows.revision_cells,
    "ingresses.networking.k8s.io": networking.ingress_cells,
    "networkpolicies.networking.k8s.io": networking.network_policy_cells,
    "endpointslices.discovery.k8s.io": networking.endpoint_slice_cells,
    "horizontalpodautoscalers.autoscaling": networking.autoscaler_cells,
    "jobs.batch": workloads.job_cells,
    "cronjobs.batch": workloads.cron_job_cells,
    "leases.coordination.k8s.io": rows.lease_cells,
    "priorityclasses.scheduling.k8s.io": rows.priority_class_cells,
    "storageclasses.storage.k8s.io": rows.storage_class_cells,
    "mutatingwebhookconfigurations.admissionregistration.k8s.io": rows.webhook_cells,
    "validatingwebhookconfigurations.admissionregistration.k8s.io": rows.webhook_cells,
    "poddisruptionbudgets.policy": rows.budget_cells,
    "clusterroles.rbac.authorization.k8s.io": rows.created_cells,
    "roles.rbac.authorization.k8s.io": rows.created_cells,
    "clusterrolebindings.rbac.authorization.k8s.io": rows.binding_cells,
    "rolebindings.rbac.authorization.k8s.io": rows.binding_cells,
    "customresourcedefinitions.apiextensions.k8s.io": rows.created_cells,
}
"""By storage name; every other kind shows its name and age."""
NAME_AND_AGE: list[list[Any]] = [
    ["Name", "string", "name", 0, "Name of the object."],
    ["Age", "string", "", 0, "Time since it was created."],
]


@cache
def _columns() -> dict[str, list[list[Any]]]:
    found: dict[str, list[list[Any]]] = json.loads((Path(__file__).parent / "columns.json").read_text())
    return found


def table_of(
    resource: Resource, documents: list[Document], version: int, include: str = "Metadata"
) -> dict[str, Any]:
    """A row per object; `include` says how much of the object goes with it: None, Metadata or Object."""
    now = product_now()
    if resource.custom:
        columns, cells = _custom_columns(resource), _custom_cells(resource)
    else:
        columns, cells = _builtin(resource)
    table: dict[str, Any] = {
        "kind": "Table",
        "apiVersion": "meta.k8s.io/v1",
        "metadata": {"resourceVersion": str(version)},
        "columnDefinitions": columns,
        "rows": [],
    }
    for document in documents:
        row: dict[str, Any] = {"cells": cells(document, now), "object": _attached(document, include)}
        table["rows"].append(row)
    return table


def _attached(document: Document, include: str) -> Document | None:
    if include == "None":
        return None
    if include == "Object":
        return document
    return {"kind": "PartialObjectMetadata", "apiVersion": "meta.k8s.io/v1", "metadata": document["metadata"]}


def _definition(name: str, kind: str, form: str, priority: int, description: str) -> dict[str, Any]:
    return {"name": name, "type": kind, "format": form, "description": description, "priority": priority}


def _builtin(resource: Resource) -> tuple[list[dict[str, Any]], Cells]:
    cells = CELLS.get(resource.storage)
    columns = _columns()[resource.storage] if cells else NAME_AND_AGE
    if resource.storage == "events":
        return [_definition(*column) for column in columns], lambda event, now: rows.event_cells(
            to_core(event), now
        )
    return [_definition(*column) for column in columns], cells or rows.plain_cells


def _printer_columns(resource: Resource) -> list[dict[str, Any]]:
    default = [{"name": "Age", "type": "date", "jsonPath": ".metadata.creationTimestamp"}]
    return resource.definition.get("additionalPrinterColumns") or default


def _custom_columns(resource: Resource) -> list[dict[str, Any]]:
    columns = [_definition(*NAME_AND_AGE[0])]
    for column in _printer_columns(resource):
        text = (
            column.get("description")
            or f"Custom resource definition column (in JSONPath format): {column['jsonPath']}"
        )
        columns.append(
            _definition(
                column["name"], column["type"], column.get("format", ""), column.get("priority", 0), text
            )
        )
    return columns


def _custom_cells(resource: Resource) -> Cells:
    columns = [(column["jsonPath"], column["type"]) for column in _printer_columns(resource)]

    def cells(document: Document, now: datetime) -> list[Any]:
        return [
            document["metadata"]["name"],
            *(_cell(first_at(document, path), kind, now) for path, kind in columns),
        ]

    return cells


def _cell(value: Any, kind: str, now: datetime) -> Any:
    if value is None:
        return None
    if kind == "date":
        return age(value, now)
    if kind == "string":
        return value if isinstance(value, str) else json.dumps(value, separators=(",", ":"))
    if kind == "integer":
        return int(value) if isinstance(value, int | float) and not isinstance(value, bool) else None
    if kind == "boolean":
        return value if isinstance(value, bool) else None
    return value
