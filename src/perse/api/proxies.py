"""Which peers are proxies of ours, so that what they say of a request may be believed."""

from __future__ import annotations

from collections.abc import Iterable
from ipaddress import IPv4Address, IPv6Address, ip_address

from perse.settings import Network


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


def _plain(address: IPv4Address | IPv6Address) -> IPv4Address | IPv6Address:
    mapped = address.ipv4_mapped if isinstance(address, IPv6Address) else None
    return mapped or address
