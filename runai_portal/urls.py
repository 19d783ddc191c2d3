"""Every URL prefix on one screen."""

from django.urls import include, path

from runai_portal import health
from ui import live_stream

urlpatterns = [
    path("", include("monitoring.urls")),
    path("workloads/", include("workloads.urls")),
    path("", include("organization.urls")),
    path("", include("access.urls")),
    path("scheduling/", include("scheduling.urls")),
    path("", include("ui.urls")),
    path("account/", include("allauth.account.urls")),
    path("api/", include("runai_portal.api_urls")),
    path("events/", live_stream.stream, name="events"),
    path("livez", health.livez, name="livez"),
    path("healthz", health.livez, name="healthz"),
    path("readyz", health.readyz, name="readyz"),
]

handler400 = "runai_portal.error_responses.bad_request"
handler403 = "runai_portal.error_responses.forbidden"
handler404 = "runai_portal.error_responses.not_found"
handler500 = "runai_portal.error_responses.server_error"
