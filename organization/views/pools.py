"""Pages of node pools and nodes."""

from typing import Any

from django.contrib import messages
from django.contrib.auth.decorators import login_required
from django.http import HttpRequest, HttpResponse
from django.http.response import HttpResponseBase
from django.shortcuts import get_object_or_404, redirect, render
from django.views.decorators.http import require_GET, require_http_methods, require_POST

from access.checks import may_anywhere, require, require_anywhere
from access.errors import InvalidInput
from access.forms import accepted, posted
from access.permissions import Permission
from organization import capacity, queries
from organization.forms import PoolForm, initial_of_pool
from organization.free_gpus import figures_of
from organization.models import NodePool
from organization.services import node_pools
from organization.tables import NodeFilters, NodeTable, PoolTable
from organization.views.requests import INVALID, cluster_of, person_of
from ui.list_pages import ListPage, View


@login_required
@require_GET
def pool_list(request: HttpRequest) -> HttpResponseBase:
    page = ListPage(
        request,
        key="node-pools",
        table=PoolTable,
        rows=queries.with_capacity(queries.visible_node_pools(request.user)),
        noun="node pool",
        search=("name", "label_key", "label_value"),
    )
    editable = queries.covered_clusters(request.user, Permission.EDIT_NODE_POOLS)
    page.held = capacity.held_by_pool(page.found)  # type: ignore[attr-defined]  # for the cells
    page.editable = set(editable.values_list("pk", flat=True))  # type: ignore[attr-defined]  # for the cells
    return page.response(
        "organization/node_pools.html", {"may_create": may_anywhere(request.user, Permission.EDIT_NODE_POOLS)}
    )


def _visible(request: HttpRequest, pool_id: int) -> NodePool:
    return get_object_or_404(queries.visible_node_pools(request.user), pk=pool_id)


@login_required
@require_http_methods(["GET", "POST"])
def create_pool(request: HttpRequest) -> HttpResponse:
    require_anywhere(request.user, Permission.EDIT_NODE_POOLS)
    cluster, _ = cluster_of(request)
    form = PoolForm(posted(request))
    made: list[NodePool] = []

    def create(data: dict[str, Any]) -> None:
        if cluster is None:
            raise InvalidInput({"": ["There is no cluster yet: register one first."]})
        made.append(
            node_pools.create_node_pool(
                actor=person_of(request), cluster=cluster, name=data["name"], settings=form.to_settings()
            )
        )

    if request.method == "POST" and accepted(form, create):
        messages.success(request, f"The node pool {made[0].name} is made; every quota in it is zero.")
        return redirect("organization:node_pools")
    context = {"form": form, "cluster": cluster}
    return render(
        request, "organization/node_pool_form.html", context, status=INVALID if form.errors else 200
    )


@login_required
@require_http_methods(["GET", "POST"])
def edit_pool(request: HttpRequest, pool_id: int) -> HttpResponse:
    pool = _visible(request, pool_id)
    cluster = pool.cluster
    require(
        request.user, Permission.EDIT_NODE_POOLS, on=cluster.scope, place=f"on the cluster {cluster.name}"
    )
    form = PoolForm(posted(request), pool=pool, initial=initial_of_pool(pool))

    def save(data: dict[str, Any]) -> None:
        node_pools.edit_node_pool(actor=person_of(request), pool=pool, settings=form.to_settings())

    if request.method == "POST" and accepted(form, save):
        messages.success(request, f"The node pool {pool.name} is saved.")
        return redirect("organization:node_pools")
    context = {"form": form, "pool": pool, "cluster": cluster, "free": figures_of(pool.known_free_gpus)}
    return render(
        request, "organization/node_pool_form.html", context, status=INVALID if form.errors else 200
    )


@login_required
@require_POST
def delete_pool(request: HttpRequest, pool_id: int) -> HttpResponse:
    pool = _visible(request, pool_id)
    try:
        node_pools.delete_node_pool(actor=person_of(request), pool=pool)
    except InvalidInput as refusal:
        context = {"name": pool.name, "refusal": str(refusal), "back": "organization:node_pools"}
        return render(request, "organization/kept.html", context, status=INVALID)
    messages.success(request, f"The node pool {pool.name} is deleted; its nodes are in default.")
    return redirect("organization:node_pools")


@login_required
@require_GET
def node_list(request: HttpRequest) -> HttpResponseBase:
    require_anywhere(request.user, Permission.VIEW_NODES)
    page = ListPage(
        request,
        key="nodes",
        table=NodeTable,
        rows=queries.visible_nodes(request.user),
        noun="node",
        filters=NodeFilters,
        search=("name", "gpu_product"),
        views=[
            View("all", "All"),
            View("trouble", "In trouble", queries.nodes_in_trouble),
        ],
    )
    page.held = capacity.held_on_nodes(page.found)  # type: ignore[attr-defined]  # for the cells
    return page.response("organization/nodes.html", {"summary": capacity.summary(page.rows)})
