"""REST under /api/v1/: every app's api.py, the OpenAPI document and its offline pages."""

from importlib import import_module
from importlib.util import find_spec

from django.urls import URLPattern, URLResolver, include, path
from drf_spectacular.views import SpectacularAPIView, SpectacularSwaggerView

APPS = ("access", "organization", "workloads", "scheduling", "monitoring")


def api_of(app: str) -> list[URLPattern | URLResolver]:
    """`<app>/api_urls.py` holds `urlpatterns` relative to /api/v1/."""
    return list(import_module(f"{app}.api_urls").urlpatterns) if find_spec(f"{app}.api_urls") else []


urlpatterns = [
    path("v1/", include([pattern for app in APPS for pattern in api_of(app)])),
    path("schema/", SpectacularAPIView.as_view(), name="api-schema"),
    path("docs/", SpectacularSwaggerView.as_view(url_name="api-schema"), name="api-docs"),
]
