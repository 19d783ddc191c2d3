"""The addresses of nodes: one for each, so that a call tells which node is meant. Pure."""

from collections.abc import Set as AbstractSet

from cluster.documents import Document

LOOPBACK = (127, 64)
"""Each node answers on an address of its own on this machine."""
TUNNELLED = (10, 200)
"""Nobody dials them but through the tunnel; a real API server does not proxy to loopback addresses."""


def address_of(node: Document, used: AbstractSet[str], begin: tuple[int, int]) -> str:
    """The address the node had before, else the next free one that begins so."""
    first, second = begin
    for address in (node.get("status") or {}).get("addresses") or []:
        ip = str(address["address"])
        if address.get("type") == "InternalIP" and ip.startswith(f"{first}.") and ip not in used:
            return ip
    number = len(used) + 1
    while (ip := f"{first}.{second + number // 65_536}.{number // 256 % 256}.{number % 256}") in used:
        number += 1
    return ip
