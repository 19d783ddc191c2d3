"""`ip('10.0.0.1')` and `cidr('10.0.0.0/8')`. Pure."""

import ipaddress
from ipaddress import IPv4Address, IPv4Interface, IPv6Address, IPv6Interface

from cluster.simulator.cel.library.reading import can


def ip(text: str) -> str:
    """The canonical address. Raises ValueError."""
    return str(_address(text))


is_ip = can(ip)


def is_canonical(text: str) -> bool:
    """Raises ValueError for what is no address."""
    return ip(text) == text


def family(text: str) -> int:
    return _address(text).version


def is_unspecified(text: str) -> bool:
    return _address(text).is_unspecified


def is_loopback(text: str) -> bool:
    return _address(text).is_loopback


def is_link_local_multicast(text: str) -> bool:
    address = _address(text)
    return address in ipaddress.ip_network("224.0.0.0/24" if address.version == 4 else "ff02::/16")


def is_link_local_unicast(text: str) -> bool:
    address = _address(text)
    return address in ipaddress.ip_network("169.254.0.0/16" if address.version == 4 else "fe80::/10")


def is_global_unicast(text: str) -> bool:
    """Go's meaning: private addresses count, too."""
    address = _address(text)
    return not (
        address.is_unspecified
        or address.is_loopback
        or address.is_multicast
        or is_link_local_unicast(text)
        or text == "255.255.255.255"
    )


def cidr(text: str) -> str:
    """Address and length, with the bits of the host. Raises ValueError."""
    try:
        return _prefix(text).with_prefixlen
    except ValueError as error:
        raise ValueError(f"network address parse error during conversion from string: {error}") from None


is_cidr = can(cidr)


def contains_ip(network: str, address: str) -> bool:
    return _address(address) in _prefix(network).network


def contains_cidr(network: str, inner: str) -> bool:
    outside, inside = _prefix(network).network, _prefix(inner).network
    return (
        outside.version == inside.version
        and inside.network_address in outside
        and outside.prefixlen <= inside.prefixlen
    )


def address_of(network: str) -> str:
    return str(_prefix(network).ip)


def masked(network: str) -> str:
    return str(_prefix(network).network)


def prefix_length(network: str) -> int:
    return _prefix(network).network.prefixlen


def _address(text: str) -> IPv4Address | IPv6Address:
    try:
        address = ipaddress.ip_address(text)
    except ValueError as error:
        raise ValueError(f'IP Address "{text}" parse error during conversion from string: {error}') from None
    if isinstance(address, IPv6Address):
        if address.scope_id:
            raise ValueError(f'IP address "{text}" with zone value is not allowed')
        if address.ipv4_mapped:
            raise ValueError(f'IPv4-mapped IPv6 address "{text}" is not allowed')
    return address


def _prefix(text: str) -> IPv4Interface | IPv6Interface:
    address, _, bits = text.partition("/")
    if not bits.isdigit() or (bits.startswith("0") and bits != "0"):
        raise ValueError(f"network address parse error during conversion from string: {text}")
    _address(address)
    return ipaddress.ip_interface(text)
