"""REST of clusters."""

import uuid
from collections.abc import Sequence
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
from access.rest import LISTING, Field, Listing, iso, moment, person_of, uuid_value
from organization import queries
from organization.api import schema
from organization.models import Cluster
from organization.services import clusters


def clusters_of(rows: Sequence[Cluster]) -> list[dict[str, Any]]:
    return [
        {
            "uuid": str(row.pk),
            "name": row.name,
            "tenantId": str(row.tenant_id),
            "status": {"state": row.state, "message": row.state_message},
            "kubernetesVersion": row.kubernetes_version or None,
            "lastSeenAt": iso(row.last_seen_at),
            "createdAt": iso(row.created_at),
        }
        for row in rows
    ]


CLUSTERS = Listing(
    "clusters",
    {
        "uuid": Field("id", uuid_value, textual=False),
        "name": Field("name"),
        "state": Field("state"),
        "createdAt": moment("created_at"),
    },
    clusters_of,
    ("name",),
    ("name",),
)


@extend_schema(
    methods=["GET"],
    parameters=LISTING,
    responses=schema.Clusters,
    tags=["clusters"],
    operation_id="list_clusters",
)
@extend_schema(
    methods=["POST"],
    request=schema.ClusterRequest,
    responses={201: schema.Cluster},
    tags=["clusters"],
    operation_id="create_cluster",
)
@api_view(["GET", "POST"])
def cluster_list(request: Request) -> Response:
    if request.method == "GET":
        return CLUSTERS.answer(request, queries.visible_clusters(request.user))
    require_anywhere(request.user, Permission.EDIT_CLUSTERS)
    body = read(schema.ClusterRequest, request)
    tenant = queries.covered_tenants(request.user, Permission.EDIT_CLUSTERS).first()
    if tenant is None:
        raise InvalidInput({"": ["A cluster is registered by an administrator of the whole tenant."]})
    made = clusters.register_cluster(actor=person_of(request), tenant=tenant, **body)
    return Response(clusters_of([made])[0], status=201)


@extend_schema(parameters=LISTING, responses=RowCount, tags=["clusters"], operation_id="count_clusters")
@api_view(["GET"])
def cluster_count(request: Request) -> Response:
    return CLUSTERS.count(request, queries.visible_clusters(request.user))


@extend_schema(methods=["GET"], responses=schema.Cluster, tags=["clusters"], operation_id="get_cluster")
@extend_schema(
    methods=["PUT"],
    request=schema.ClusterReplacement,
    responses=schema.Cluster,
    tags=["clusters"],
    operation_id="replace_cluster",
)
@extend_schema(methods=["DELETE"], responses={204: None}, tags=["clusters"], operation_id="delete_cluster")
@api_view(["GET", "PUT", "DELETE"])
def cluster_detail(request: Request, cluster_id: uuid.UUID) -> Response:
    cluster = get_object_or_404(queries.visible_clusters(request.user), pk=cluster_id)
    if request.method == "DELETE":
        clusters.delete_cluster(actor=person_of(request), cluster=cluster)
        return Response(status=204)
    if request.method == "PUT":
        body = read(schema.ClusterReplacement, request)
        clusters.rename_cluster(actor=person_of(request), cluster=cluster, name=body["name"])
    return Response(clusters_of([cluster])[0])
