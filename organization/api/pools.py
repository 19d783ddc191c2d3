"""REST of node pools and nodes."""

from collections.abc import Mapping, Sequence
from typing import Any

from django.shortcuts import get_object_or_404
from drf_spectacular.utils import extend_schema
from rest_framework.decorators import api_view
from rest_framework.request import Request
from rest_framework.response import Response

from access.api.reading import read
from access.api.schema import RowCount
from access.checks import require_anywhere
from access.errors import InvalidInput
from access.permissions import Permission
from access.rest import LISTING, Field, Listing, iso, moment, person_of, truth_value, uuid_value, whole
from organization import capacity, queries
from organization.api import schema
from organization.api.units import cluster_of
from organization.free_gpus import FREE, REQUESTS, share_of
from organization.models import Node, NodePool
from organization.services import node_pools
from organization.services.node_pools import PoolSettings
from organization.tables import node_status, pool_status

ERROR_NAMES = {
    "label_key": "labelKey",
    "label_value": "labelValue",
    "gpu_placement": "schedulingConfiguration.placementStrategy.gpu",
    "cpu_placement": "schedulingConfiguration.placementStrategy.cpu",
    "min_runtime_seconds": "schedulingConfiguration.minGuaranteedRuntime",
    "usage_weight": "schedulingConfiguration.timeBasedFairShare.historicalUsageWeight",
    "usage_window_hours": "schedulingConfiguration.timeBasedFairShare.windowDuration",
    "usage_half_life_hours": "schedulingConfiguration.timeBasedFairShare.decayHalfLife",
}


def pools_of(rows: Sequence[Any]) -> list[dict[str, Any]]:
    held = capacity.held_by_pool(rows)
    return [_pool(row, None if held is None else held[row.pk]) for row in rows]


def _pool(row: Any, held: float | None) -> dict[str, Any]:
    return {
        "id": str(row.pk),
        "name": row.name,
        "clusterId": str(row.cluster_id),
        "labelKey": row.label_key,
        "labelValue": row.label_value,
        "isDefault": row.is_default,
        "schedulingConfiguration": {
            "placementStrategy": {"gpu": row.gpu_placement, "cpu": row.cpu_placement},
            "minGuaranteedRuntime": row.min_runtime_seconds,
            "timeBasedFairShare": _time_based(row),
        },
        "status": {
            "phase": pool_status(row).replace(" ", ""),
            "nodes": row.node_count,
            "readyNodes": row.ready_nodes,
            "gpus": row.gpu_total,
            "cpuMilliCores": row.cpu_total,
            "memoryBytes": row.memory_total,
            "allocatedGpus": held,
            **_free(row.known_free_gpus),
        },
        "createdAt": iso(row.created_at),
        "updatedAt": iso(row.updated_at),
    }


def _time_based(row: NodePool) -> dict[str, Any]:
    return {
        "enabled": row.time_based_fair_share,
        "historicalUsageWeight": row.usage_weight,
        "windowDuration": row.usage_window_hours,
        "windowType": "tumbling" if row.usage_window_start else "sliding",
        "tumblingWindowStartTime": iso(row.usage_window_start),
        "decayHalfLife": row.usage_half_life_hours,
    }


def _free(free_gpus: Mapping[str, int]) -> dict[str, Any]:
    free = free_gpus.get(FREE)
    return {
        "freeGpus": None if free is None else free / 1000,
        "usableFreeGpus": {f"{int(size) / 1000:g}": share_of(free_gpus, size) for size in REQUESTS},
    }


POOLS = Listing(
    "nodepools",
    {
        "id": whole("id"),
        "name": Field("name"),
        "clusterId": Field("cluster_id", uuid_value, textual=False),
        "labelKey": Field("label_key"),
        "labelValue": Field("label_value"),
        "createdAt": moment("created_at"),
        "updatedAt": moment("updated_at"),
    },
    pools_of,
    ("name", "label_value"),
    ("cluster__name", "name"),
)


def visible_pools(request: Request) -> Any:
    return queries.with_capacity(queries.visible_node_pools(request.user))


def settings_from(body: Mapping[str, Any]) -> PoolSettings:
    scheduling = body.get("schedulingConfiguration", {})
    placement = scheduling.get("placementStrategy", {})
    return PoolSettings(
        label_key=body["labelKey"],
        label_value=body["labelValue"],
        gpu_placement=placement.get("gpu", PoolSettings.gpu_placement),
        cpu_placement=placement.get("cpu", PoolSettings.cpu_placement),
        min_runtime_seconds=scheduling.get("minGuaranteedRuntime", 0),
        **_usage_settings(scheduling.get("timeBasedFairShare")),
    )


def _usage_settings(told: Mapping[str, Any] | None) -> dict[str, Any]:
    """Left out, the pool has the defaults: past use does not count."""
    if told is None:
        return {}
    is_tumbling = told["windowType"] == "tumbling"
    return {
        "time_based_fair_share": told["enabled"],
        "usage_weight": told["historicalUsageWeight"],
        "usage_window_hours": told["windowDuration"],
        "usage_window_start": told["tumblingWindowStartTime"] if is_tumbling else None,
        "usage_half_life_hours": told["decayHalfLife"],
    }


def in_words_of_the_api(refusal: InvalidInput) -> InvalidInput:
    return type(refusal)({ERROR_NAMES.get(field, field): texts for field, texts in refusal.errors.items()})


@extend_schema(
    methods=["GET"],
    parameters=LISTING,
    responses=schema.Pools,
    tags=["node-pools"],
    operation_id="list_node_pools",
)
@extend_schema(
    methods=["POST"],
    request=schema.PoolRequest,
    responses={201: schema.Pool},
    tags=["node-pools"],
    operation_id="create_node_pool",
)
@api_view(["GET", "POST"])
def pool_list(request: Request) -> Response:
    if request.method == "GET":
        return POOLS.answer(request, visible_pools(request))
    body = read(schema.PoolRequest, request)
    cluster = cluster_of(request, body["clusterId"])
    try:
        pool = node_pools.create_node_pool(
            actor=person_of(request), cluster=cluster, name=body["name"], settings=settings_from(body)
        )
    except InvalidInput as refusal:
        raise in_words_of_the_api(refusal) from refusal
    return Response(pools_of([visible_pools(request).get(pk=pool.pk)])[0], status=201)


@extend_schema(parameters=LISTING, responses=RowCount, tags=["node-pools"], operation_id="count_node_pools")
@api_view(["GET"])
def pool_count(request: Request) -> Response:
    return POOLS.count(request, queries.visible_node_pools(request.user))


@extend_schema(methods=["GET"], responses=schema.Pool, tags=["node-pools"], operation_id="get_node_pool")
@extend_schema(
    methods=["PUT"],
    request=schema.PoolReplacement,
    responses=schema.Pool,
    tags=["node-pools"],
    operation_id="replace_node_pool",
)
@extend_schema(
    methods=["DELETE"], responses={204: None}, tags=["node-pools"], operation_id="delete_node_pool"
)
@api_view(["GET", "PUT", "DELETE"])
def pool_detail(request: Request, pool_id: int) -> Response:
    pool: NodePool = get_object_or_404(visible_pools(request), pk=pool_id)
    if request.method == "DELETE":
        node_pools.delete_node_pool(actor=person_of(request), pool=pool)
        return Response(status=204)
    if request.method == "PUT":
        body = read(schema.PoolReplacement, request)
        try:
            node_pools.edit_node_pool(actor=person_of(request), pool=pool, settings=settings_from(body))
        except InvalidInput as refusal:
            raise in_words_of_the_api(refusal) from refusal
        pool = visible_pools(request).get(pk=pool_id)
    return Response(pools_of([pool])[0])


# --- nodes -------------------------------------------------------------------------------------------------------------------------


def nodes_of(rows: Sequence[Node]) -> list[dict[str, Any]]:
    held = capacity.held_on_nodes(rows)
    return [_node(row, None if held is None else held[row.pk]) for row in rows]


def _node(row: Node, held: float | None) -> dict[str, Any]:
    return {
        "id": str(row.pk),
        "name": row.name,
        "clusterUuid": str(row.cluster_id),
        "nodePool": row.pool.name if row.pool else None,
        "status": node_status(row).replace(" ", ""),
        "statusMessage": row.status_message,
        "statusSince": iso(row.status_since),
        "unschedulable": row.cordoned,
        "gpuInfo": {
            "gpuType": row.gpu_product or None,
            "gpuCount": row.gpu_count,
            "gpuMemoryMib": row.gpu_memory_mib,
        },
        "cpuMilliCores": row.cpu_milli,
        "memoryBytes": row.memory_bytes,
        "allocatedGpus": held,
        "createdAt": iso(row.created_at),
        "updatedAt": iso(row.seen_at),
    }


NODES = Listing(
    "nodes",
    {
        "id": whole("id"),
        "name": Field("name"),
        "clusterUuid": Field("cluster_id", uuid_value, textual=False),
        "nodePool": Field("pool__name"),
        "ready": Field("ready", truth_value, textual=False),
        "unschedulable": Field("cordoned", truth_value, textual=False),
        "gpuType": Field("gpu_product"),
        "gpuCount": whole("gpu_count"),
        "createdAt": moment("created_at"),
        "updatedAt": moment("seen_at"),
    },
    nodes_of,
    ("name", "gpu_product"),
    ("name",),
)


@extend_schema(parameters=LISTING, responses=schema.Nodes, tags=["nodes"], operation_id="list_nodes")
@api_view(["GET"])
def node_list(request: Request) -> Response:
    require_anywhere(request.user, Permission.VIEW_NODES)
    return NODES.answer(request, queries.visible_nodes(request.user))


@extend_schema(parameters=LISTING, responses=RowCount, tags=["nodes"], operation_id="count_nodes")
@api_view(["GET"])
def node_count(request: Request) -> Response:
    require_anywhere(request.user, Permission.VIEW_NODES)
    return NODES.count(request, queries.visible_nodes(request.user))
