"""Who is at the other end of a connection, and whether it is a proxy of ours."""

from __future__ import annotations

from collections.abc import Iterable
from ipaddress import IPv4Address, IPv6Address, IPv6Network, ip_address

from perse.settings.http import Network

_PREFIX_OF_ONE_SITE = 64


def is_trusted(peer: str | None, proxies: Iterable[Network]) -> bool:
    """True if the address of the other end of a connection lies in one of ``proxies``.

    An IPv4 address that arrives as an IPv6 one (``::ffff:192.0.2.1``) counts as IPv4. What is no
    address, or none at all, is nobody's.
    """
    try:
        address = _plain(ip_address(peer or ""))
    except ValueError:
        return False
    return any(address in network for network in proxies)


def party_of(peer: str | None) -> IPv4Address | IPv6Network | None:
    """Whose connection it is: an IPv4 address, or the /64 of IPv6 that one host can use."""
    try:
        address = _plain(ip_address(peer or ""))
    except ValueError:
        return None
    if isinstance(address, IPv4Address):
        return address
    return IPv6Network((int(address), _PREFIX_OF_ONE_SITE), strict=False)


def _plain(address: IPv4Address | IPv6Address) -> IPv4Address | IPv6Address:
    mapped = address.ipv4_mapped if isinstance(address, IPv6Address) else None
    return mapped or address
