"""Pure: what can be done to what."""

from enum import StrEnum


class Permission(StrEnum):
    VIEW_WORKLOADS = "workloads:read"
    SUBMIT_WORKLOADS = "workloads:create"
    EDIT_WORKLOADS = "workloads:update"
    DELETE_WORKLOADS = "workloads:delete"
    VIEW_PROJECTS = "project:read"
    EDIT_PROJECTS = "project:update"
    CREATE_PROJECTS = "project:create"
    DELETE_PROJECTS = "project:delete"
    VIEW_DEPARTMENTS = "department:read"
    EDIT_DEPARTMENTS = "department:update"
    CREATE_DEPARTMENTS = "department:create"
    DELETE_DEPARTMENTS = "department:delete"
    VIEW_NODE_POOLS = "nodepools:read"
    EDIT_NODE_POOLS = "nodepools:update"
    VIEW_NODES = "nodes:read"
    VIEW_CLUSTERS = "cluster:read"
    EDIT_CLUSTERS = "cluster:update"
    VIEW_DASHBOARDS = "dashboards-overview:read"
    VIEW_ACCESS = "access_rules:read"
    EDIT_ACCESS = "access_rules:update"
    VIEW_AUDIT = "events-history:read"
    VIEW_USERS = "users:read"
    EDIT_USERS = "users:update"
