"""Addresses of this app's pages."""

from django.urls import path

from monitoring import views

app_name = "monitoring"
urlpatterns = [
    path("", views.overview_page, name="overview"),
    path("monitoring/grid/", views.grid, name="grid"),
    path("monitoring/charts/<slug:name>/", views.chart, name="chart"),
    path("monitoring/charts/<slug:name>.csv", views.chart_csv, name="chart-csv"),
    path("monitoring/workloads/<uuid:workload_id>/", views.workload_figures, name="workload-figures"),
    path("monitoring/nodes/<uuid:cluster_id>/<str:node>/", views.node_page, name="node"),
    path("monitoring/nodes/<uuid:cluster_id>/<str:node>/figures/", views.node_figures, name="node-figures"),
    path("monitoring/health/", views.health_page, name="health"),
]
