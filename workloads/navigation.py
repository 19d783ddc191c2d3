"""This app's menu items."""

from access.permissions import Permission
from ui.navigation import Item

ITEMS = [
    Item("Workloads", "workloads:list", "stack-2", permission=Permission.VIEW_WORKLOADS, order=10),
]
