"""Addresses of this server, as another program on this machine can use them."""

from __future__ import annotations

from ipaddress import IPv6Address, ip_address


def url_of(host: str, port: int) -> str:
    """The address of a server that listens there; for "every interface", that of the loopback.

    IPv6 addresses stand in brackets (RFC 3986), the name of their interface escaped (RFC 6874).
    """
    try:
        address = ip_address(host or "0.0.0.0")  # noqa: S104 - what "" stands for
    except ValueError:
        return f"http://{host}:{port}"
    if isinstance(address, IPv6Address):
        literal = "::1" if address.is_unspecified else host.replace("%", "%25")
        return f"http://[{literal}]:{port}"
    return f"http://{'127.0.0.1' if address.is_unspecified else host}:{port}"
