"""Addresses of this app's pages."""

from django.urls import path

from organization.views import clusters, departments, pools, projects, quotas

app_name = "organization"
urlpatterns = [
    path("projects/", projects.project_list, name="projects"),
    path("projects/new/", projects.create_project, name="create_project"),
    path("projects/<int:project_id>/", projects.project_detail, name="project"),
    path("projects/<int:project_id>/edit/", projects.edit_project, name="edit_project"),
    path("projects/<int:project_id>/move/", projects.move_project, name="move_project"),
    path("projects/<int:project_id>/delete/", projects.delete_project, name="delete_project"),
    path("projects/<int:project_id>/members/", projects.add_member, name="add_member"),
    path(
        "projects/<int:project_id>/members/<int:rule_id>/remove/",
        projects.remove_member,
        name="remove_member",
    ),
    path("quotas/<str:kind>/<int:unit_id>/<int:pool_id>/", quotas.quota, name="quota"),
    path("quotas/<str:kind>/<int:unit_id>/<int:pool_id>/effect/", quotas.quota_effect, name="quota_effect"),
    path("departments/", departments.department_list, name="departments"),
    path("departments/new/", departments.create_department, name="create_department"),
    path("departments/<int:department_id>/", departments.department_detail, name="department"),
    path("departments/<int:department_id>/edit/", departments.edit_department, name="edit_department"),
    path("departments/<int:department_id>/delete/", departments.delete_department, name="delete_department"),
    path("tenants/<int:tenant_id>/department-rule/", departments.department_rule, name="department_rule"),
    path("node-pools/", pools.pool_list, name="node_pools"),
    path("node-pools/new/", pools.create_pool, name="create_node_pool"),
    path("node-pools/<int:pool_id>/edit/", pools.edit_pool, name="edit_node_pool"),
    path("node-pools/<int:pool_id>/delete/", pools.delete_pool, name="delete_node_pool"),
    path("nodes/", pools.node_list, name="nodes"),
    path("clusters/", clusters.cluster_list, name="clusters"),
    path("clusters/register/", clusters.register_cluster, name="register_cluster"),
]
