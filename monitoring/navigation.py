"""This app's menu items."""

from ui.navigation import Item

ITEMS = [Item("Overview", "monitoring:overview", "layout-dashboard", order=0)]
