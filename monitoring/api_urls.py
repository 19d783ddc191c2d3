"""Addresses below /api/v1/."""

from django.urls import path

from monitoring import api

urlpatterns = [
    path("clusters/<uuid:cluster_id>/metrics", api.cluster_metrics),
    path("clusters/<uuid:cluster_id>/nodepools/<str:pool>/metrics", api.node_pool_metrics),
    path("workloads/<uuid:workload_id>/metrics", api.workload_metrics),
    path("nodes/<int:node_id>/metrics", api.node_metrics),
    path("nodes/telemetry", api.node_telemetry),
    path("org-unit/projects/<int:project_id>/metrics", api.project_metrics),
]
