"""What the pages of this app ask of a request."""

from typing import Any, cast

from django.contrib.auth.models import User
from django.http import Http404, HttpRequest, HttpResponse, HttpResponseRedirect
from django.shortcuts import redirect
from django.utils.http import url_has_allowed_host_and_scheme

from organization import queries
from organization.models import Cluster

INVALID = 422


def person_of(request: HttpRequest) -> User:
    return cast(User, request.user)  # login_required has seen to it


def cluster_of(request: HttpRequest) -> tuple[Cluster | None, list[Cluster]]:
    """The cluster the page is about (?cluster=, else the first by name) and all the person may choose; 404 for one they may not see."""
    clusters = list(queries.visible_clusters(request.user).order_by("name"))
    wanted = request.GET.get("cluster")
    if wanted is None:
        return (clusters[0] if clusters else None), clusters
    for cluster in clusters:
        if str(cluster.pk) == wanted:
            return cluster, clusters
    raise Http404


def choices(request: HttpRequest, clusters: list[Cluster], current: Cluster | None) -> list[dict[str, Any]]:
    """Items of {% segmented %}; empty when there is nothing to choose."""
    if len(clusters) < 2:
        return []
    return [
        {"label": one.name, "url": f"{request.path}?cluster={one.pk}", "current": one == current}
        for one in clusters
    ]


def back_to(request: HttpRequest, otherwise: Any) -> HttpResponse:
    """Where the form was opened from, if that is a page of ours."""
    target = request.POST.get("next", "")
    if target and url_has_allowed_host_and_scheme(target, allowed_hosts=None):
        return HttpResponseRedirect(target)
    return redirect(otherwise)
