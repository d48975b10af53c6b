"""Who may call from where, and what the server is called."""

from __future__ import annotations

from ipaddress import IPv4Network, IPv6Network, ip_network
from typing import Annotated, Final

from pydantic import Field, field_validator
from pydantic_settings import BaseSettings, NoDecode

from perse.domain.path_prefix import LONGEST_PREFIX, path_prefix

Network = IPv4Network | IPv6Network
PublicUrl = Annotated[str, Field(pattern=r"^https?://[^\s/?#@\\]+(/[A-Za-z0-9._~-]+)*$")]
# A token of RFC 9110.
HeaderName = Annotated[str, Field(pattern=r"^[!#$%&'*+.^_`|~0-9A-Za-z-]+$")]

# What tracing libraries and tunnels add to the requests of a page.
_TRACING_HEADERS: Final = (
    "Baggage", "B3", "Bypass-Tunnel-Reminder", "Elastic-APM-Traceparent", "NewRelic",
    "Ngrok-Skip-Browser-Warning", "Request-Context", "Request-Id", "Sentry-Trace", "Traceparent",
    "Tracestate", "X-Amzn-Trace-Id", "X-Cloud-Trace-Context", "X-Correlation-ID",
    "X-Datadog-Origin", "X-Datadog-Parent-Id", "X-Datadog-Sampling-Priority",
    "X-Datadog-Trace-Id",
)  # fmt: skip


class HttpSettings(BaseSettings):
    """The HTTP side."""

    cors_origins: Annotated[tuple[str, ...], NoDecode] = Field(
        ("*",), description="Origins that browsers may call from, separated by commas; * = any."
    )
    cors_headers: Annotated[tuple[HeaderName, ...], NoDecode] = Field(
        _TRACING_HEADERS,
        description="Headers that browsers may send beside perse's own, separated by commas; "
        "* = any.",
    )
    trusted_proxies: Annotated[tuple[Network, ...], NoDecode] = Field(
        (),
        description="Addresses and networks (CIDR) of the proxies before perse, separated by "
        "commas; what they say of a request is believed. Unset = none.",
    )
    root_path: str = Field(
        "",
        description="Path under which a proxy shows perse, such as /bio; unset = at its root.",
    )
    public_url: PublicUrl | None = Field(
        None, description="Where clients find perse (https://bio.example); unset = links are paths."
    )

    @field_validator("cors_origins", "cors_headers", mode="before")
    @classmethod
    def _split_commas(cls, value: object) -> object:
        return _parts(value) if isinstance(value, str) else value

    @field_validator("root_path")
    @classmethod
    def _harmless_prefix(cls, value: str) -> str:
        prefix = path_prefix(value)
        if prefix is None:
            raise ValueError(
                "a path such as /bio or /apps/bio: letters, digits, '.', '_', '~' and '-' "
                f"between single slashes, {LONGEST_PREFIX} at most"
            )
        return prefix

    @field_validator("trusted_proxies", mode="before")
    @classmethod
    def _read_networks(cls, value: object) -> object:
        return tuple(map(ip_network, _parts(value))) if isinstance(value, str) else value


def _parts(text: str) -> tuple[str, ...]:
    return tuple(part.strip() for part in text.split(",") if part.strip())
