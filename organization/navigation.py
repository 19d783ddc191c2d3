"""This app's menu items."""

from access.permissions import Permission
from ui.navigation import Item

ITEMS = [
    Item(
        "Projects & quota",
        "organization:projects",
        "chart-bar",
        group="Share out",
        permission=Permission.VIEW_PROJECTS,
        order=10,
    ),
    Item(
        "Node pools",
        "organization:node_pools",
        "circles",
        group="Share out",
        permission=Permission.VIEW_NODE_POOLS,
        order=20,
    ),
    Item(
        "Nodes",
        "organization:nodes",
        "server-2",
        group="Share out",
        permission=Permission.VIEW_NODES,
        order=30,
    ),
    Item(
        "Clusters",
        "organization:clusters",
        "building",
        group="Share out",
        permission=Permission.VIEW_CLUSTERS,
        order=40,
    ),
]
