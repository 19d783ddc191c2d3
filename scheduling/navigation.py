"""This app's menu items."""

from access.permissions import Permission
from ui.navigation import Item

ITEMS = [
    Item(
        "Scheduler",
        "scheduling:scheduler",
        "arrows-sort",
        group="Look back",
        permission=Permission.VIEW_CLUSTERS,
        order=30,
    )
]
