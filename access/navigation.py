"""This app's menu items."""

from access.permissions import Permission
from ui.navigation import Item

ITEMS = [
    Item(
        "Access", "access:rules", "shield-check", group="Govern", permission=Permission.VIEW_ACCESS, order=20
    ),
    Item("Audit log", "access:audit", "history", group="Govern", permission=Permission.VIEW_AUDIT, order=30),
    Item("Settings", "access:account", "settings", group="Settings", order=10),
]
