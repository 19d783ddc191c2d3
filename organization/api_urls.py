"""Addresses below /api/v1/."""

from django.urls import path

from organization.api import clusters, departments, pools, projects, units

DEPARTMENT, PROJECT = "org-unit/departments/<int:department_id>", "org-unit/projects/<int:project_id>"

urlpatterns = [
    path("clusters", clusters.cluster_list),
    path("clusters/count", clusters.cluster_count),
    path("clusters/<uuid:cluster_id>", clusters.cluster_detail),
    path("org-unit/departments", departments.department_list),
    path("org-unit/departments/count", departments.department_count),
    path(DEPARTMENT, departments.department_detail),
    path(f"{DEPARTMENT}/resources", departments.department_resources),
    path("org-unit/projects", projects.project_list),
    path("org-unit/projects/count", projects.project_count),
    path(PROJECT, projects.project_detail),
    path(f"{PROJECT}/resources", projects.project_resources),
    path("org-unit/ranks", units.ranks),
    path("node-pools", pools.pool_list),
    path("node-pools/count", pools.pool_count),
    path("node-pools/<int:pool_id>", pools.pool_detail),
    path("nodes", pools.node_list),
    path("nodes/count", pools.node_count),
]
