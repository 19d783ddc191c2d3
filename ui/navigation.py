"""The menu as data; each app lists its items, the portal assembles them."""

from dataclasses import dataclass


@dataclass(frozen=True)
class Item:
    """`group` is the heading it stands under ("" for the first), `permission` the one that shows it ("" for everyone)."""

    label: str
    url_name: str
    icon: str
    group: str = ""
    permission: str = ""
    order: int = 0
