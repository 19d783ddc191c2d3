"""The menu, assembled from each app's navigation.py."""

from importlib import import_module
from importlib.util import find_spec

from ui.navigation import Item

APPS = ("monitoring", "workloads", "organization", "scheduling", "access")


def items() -> list[Item]:
    found: list[Item] = []
    for app in APPS:
        if find_spec(f"{app}.navigation"):
            found += import_module(f"{app}.navigation").ITEMS
    return found
