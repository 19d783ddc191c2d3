"""What departments and projects share in the API: fields, quotas, ranks."""

from typing import Any

from drf_spectacular.utils import extend_schema
from rest_framework.decorators import api_view
from rest_framework.request import Request
from rest_framework.response import Response

from access.api.reading import read
from access.errors import InvalidInput
from access.rest import Field, moment, person_of, uuid_value, whole
from organization import queries
from organization.api import resources, schema
from organization.models import Cluster, Department, Project, Rank
from organization.services import quotas

UNIT_FIELDS = {
    "id": whole("id"),
    "name": Field("name"),
    "description": Field("description"),
    "clusterId": Field("cluster_id", uuid_value, textual=False),
    "createdAt": moment("created_at"),
    "updatedAt": moment("updated_at"),
}


def cluster_of(request: Request, key: Any) -> Cluster:
    cluster = queries.visible_clusters(request.user).filter(pk=key).first()
    if cluster is None:
        raise InvalidInput({"clusterId": ["There is no such cluster, or you may not see it."]})
    return cluster


def set_resources(request: Request, unit: Department | Project) -> None:
    body = read(schema.ResourcesList, request)
    given = resources.quotas_from(body["resources"], unit.cluster, unit, whole=request.method == "PUT")
    try:
        quotas.set_quotas(actor=person_of(request), unit=unit, quotas_by_pool=given)
    except InvalidInput as refusal:
        raise resources.in_words_of_the_api(refusal) from refusal


@extend_schema(responses=schema.RankName(many=True), tags=["org-unit"], operation_id="list_ranks")
@api_view(["GET"])
def ranks(request: Request) -> Response:
    """Over-quota resources go strictly from high ranks to low ones."""
    names = [
        {"name": schema.RANKS[rank - 1], "value": int(rank), "isDefault": rank == Rank.MEDIUM_LOW}
        for rank in Rank
    ]
    return Response(names)
