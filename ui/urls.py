"""Addresses of this app's pages."""

from django.urls import path

from ui import views

app_name = "ui"
urlpatterns = [
    path("style-guide/", views.style_guide, name="style_guide"),
    path("style-guide/chart.json", views.style_guide_chart, name="style_guide_chart"),
    path("style-guide/log/", views.style_guide_log, name="style_guide_log"),
    path("preferences/theme/", views.theme, name="theme"),
    path("preferences/density/", views.density, name="density"),
    path("preferences/single-keys/", views.single_keys, name="single_keys"),
    path("preferences/columns/<slug:table>/", views.columns, name="columns"),
    path("search/", views.search, name="search"),
]
