"""Pages of clusters."""

from typing import Any

from django.contrib import messages
from django.contrib.auth.decorators import login_required
from django.http import HttpRequest, HttpResponse
from django.http.response import HttpResponseBase
from django.shortcuts import redirect, render
from django.views.decorators.http import require_GET, require_http_methods

from access.checks import may_anywhere, require_anywhere
from access.errors import InvalidInput
from access.forms import accepted, posted
from access.permissions import Permission
from organization import queries
from organization.forms import ClusterForm
from organization.models import Cluster
from organization.services import clusters
from organization.tables import ClusterTable
from organization.views.requests import INVALID, person_of
from ui.list_pages import ListPage


@login_required
@require_GET
def cluster_list(request: HttpRequest) -> HttpResponseBase:
    page = ListPage(
        request,
        key="clusters",
        table=ClusterTable,
        rows=queries.visible_clusters(request.user),
        noun="cluster",
        search=("name",),
    )
    may_register = may_anywhere(request.user, Permission.EDIT_CLUSTERS)
    return page.response("organization/clusters.html", {"may_register": may_register})


@login_required
@require_http_methods(["GET", "POST"])
def register_cluster(request: HttpRequest) -> HttpResponse:
    require_anywhere(request.user, Permission.EDIT_CLUSTERS)
    tenant = queries.covered_tenants(request.user, Permission.EDIT_CLUSTERS).first()
    form = ClusterForm(posted(request))
    made: list[Cluster] = []

    def register(data: dict[str, Any]) -> None:
        if tenant is None:
            raise InvalidInput({"": ["A cluster is registered by an administrator of the whole tenant."]})
        made.append(clusters.register_cluster(actor=person_of(request), tenant=tenant, **data))

    if request.method == "POST" and accepted(form, register):
        messages.success(
            request, f"The cluster {made[0].name} is registered; its state shows when it answers."
        )
        return redirect("organization:clusters")
    return render(
        request, "organization/cluster_form.html", {"form": form}, status=INVALID if form.errors else 200
    )
