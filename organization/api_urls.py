"""Addresses below /api/v1/."""

from django.urls import path

from organization.api import clusters, pools, units

DEPARTMENT, PROJECT = "org-unit/departments/<int:department_id>", "org-unit/projects/<int:project_id>"

urlpatterns = [
    path("clusters", clusters.cluster_list),
    path("clusters/count", clusters.cluster_count),
    path("clusters/<uuid:cluster_id>", clusters.cluster_detail),
    path("org-unit/departments", units.department_list),
    path("org-unit/departments/count", units.department_count),
    path(DEPARTMENT, units.department_detail),
    path(f"{DEPARTMENT}/resources", units.department_resources),
    path("org-unit/projects", units.project_list),
    path("org-unit/projects/count", units.project_count),
    path(PROJECT, units.project_detail),
    path(f"{PROJECT}/resources", units.project_resources),
    path("org-unit/ranks", units.ranks),
    path("node-pools", pools.pool_list),
    path("node-pools/count", pools.pool_count),
    path("node-pools/<int:pool_id>", pools.pool_detail),
    path("nodes", pools.node_list),
    path("nodes/count", pools.node_count),
]
