"""What a person may change about the looks, the search of the palette, and the style guide."""

from django.conf import settings
from django.contrib.auth.decorators import login_required
from django.http import HttpRequest, HttpResponse, HttpResponseBadRequest, HttpResponseRedirect, JsonResponse
from django.http.response import HttpResponseBase
from django.shortcuts import render
from django.utils.http import url_has_allowed_host_and_scheme
from django.views.decorators.http import require_GET, require_POST

from ui import preferences
from ui.context import load
from ui.style_guide import examples, figures, rows

HITS_AT_MOST = 12


def back(request: HttpRequest) -> HttpResponse:
    """Where the person came from; 204 for scripts, which change the page themselves."""
    if request.headers.get("X-Requested-With") == "fetch":
        return HttpResponse(status=204)
    target = request.POST.get("next", "/")
    safe = url_has_allowed_host_and_scheme(
        target, allowed_hosts={request.get_host()}, require_https=request.is_secure()
    )
    return HttpResponseRedirect(target if safe else "/")


@require_POST
def theme(request: HttpRequest) -> HttpResponse:
    chosen = request.POST.get("theme", "")
    if chosen not in preferences.THEMES:
        return HttpResponseBadRequest(f"theme: one of {', '.join(preferences.THEMES)}")
    response = back(request)
    response.set_cookie(
        "theme", chosen, max_age=preferences.COOKIE_SECONDS, samesite="Lax", secure=request.is_secure()
    )
    return response


@require_POST
@login_required
def density(request: HttpRequest) -> HttpResponse:
    chosen = request.POST.get("density", "")
    if chosen not in preferences.DENSITIES:
        return HttpResponseBadRequest(f"density: one of {', '.join(preferences.DENSITIES)}")
    preferences.save(request, "density", chosen)
    return back(request)


@require_POST
@login_required
def single_keys(request: HttpRequest) -> HttpResponse:
    preferences.save(request, "single_keys", request.POST.get("single_keys") != "off")
    return back(request)


@require_POST
@login_required
def columns(request: HttpRequest, table: str) -> HttpResponse:
    """Saves which columns of `table` the person wants, or goes back to the standard ones."""
    if request.POST.get("standard"):
        preferences.forget(request, f"columns.{table}")
    else:
        preferences.save(request, f"columns.{table}", request.POST.getlist("columns"))
    return back(request)


@require_GET
@login_required
def search(request: HttpRequest) -> JsonResponse:
    """For the palette: what the project's searches (UI_SEARCHES, dotted paths) find for this person."""
    text = request.GET.get("q", "").strip()
    searches = [load(path) for path in getattr(settings, "UI_SEARCHES", ())] if text else []
    hits = [hit for find in searches for hit in find(request.user, text)]
    return JsonResponse({"hits": hits[:HITS_AT_MOST]})


@require_GET
@login_required
def style_guide(request: HttpRequest) -> HttpResponseBase:
    return rows.page(request).response("ui/style_guide/page.html", examples.context(request))


@require_GET
@login_required
def style_guide_chart(request: HttpRequest) -> JsonResponse:
    return JsonResponse(figures.chart())


@require_GET
@login_required
def style_guide_log(request: HttpRequest) -> HttpResponse:
    return render(request, "ui/_log_lines.html", {"lines": figures.log_lines()})
