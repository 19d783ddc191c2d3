"""The menu as data; each app lists its items, the portal assembles them."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from django.urls import NoReverseMatch, reverse

GROUPS = ("", "Build from", "Share out", "Look back", "Govern", "Settings")
FOOT = "Settings"


@dataclass(frozen=True)
class Item:
    """`group` is the heading it stands under ("" for the first), `permission` the one that shows it ("" for everyone)."""

    label: str
    url_name: str
    icon: str
    group: str = ""
    permission: str = ""
    order: int = 0


@dataclass(frozen=True)
class MenuItem:
    label: str
    url: str
    icon: str
    is_current: bool
    count: int | None


@dataclass(frozen=True)
class MenuGroup:
    label: str
    items: tuple[MenuItem, ...]

    @property
    def is_foot(self) -> bool:
        return self.label == FOOT


def assemble(items: Sequence[Item], *, path: str, counts: Mapping[str, int]) -> list[MenuGroup]:
    """Items in groups, in the order of the rail; the longest address that begins `path` is the current one.

    `counts` gives the number at the right, by url_name. An item whose page does not exist (yet) is not drawn.
    """
    urls = {item: url for item in items if (url := address(item)) is not None}
    current = max((url for url in urls.values() if begins(url, path)), key=len, default=None)
    labels = [*GROUPS, *dict.fromkeys(item.group for item in urls if item.group not in GROUPS)]
    groups = []
    for label in labels:
        members = sorted((item for item in urls if item.group == label), key=lambda item: item.order)
        drawn = tuple(
            MenuItem(i.label, urls[i], i.icon, urls[i] == current, counts.get(i.url_name)) for i in members
        )
        if drawn:
            groups.append(MenuGroup(label, drawn))
    return groups


def address(item: Item) -> str | None:
    try:
        return reverse(item.url_name)
    except NoReverseMatch:
        return None


def begins(url: str, path: str) -> bool:
    """Whole segments only; the overview at / is current on itself alone."""
    return path == url or (url != "/" and path.startswith(url if url.endswith("/") else url + "/"))
