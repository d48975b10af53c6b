"""What operators are told."""

from __future__ import annotations

from typing import Annotated, Literal

from pydantic import Field
from pydantic_settings import BaseSettings

Endpoint = Annotated[str, Field(pattern=r"^https?://[^\s/?#@\\]+(/[A-Za-z0-9._~-]+)*$")]


class TelemetrySettings(BaseSettings):
    """Logs, timings and traces."""

    log_level: Literal["debug", "info", "warning", "error"] = Field(
        "info", description="Least severe log line written."
    )
    server_timing: bool = Field(
        True,
        description="Tell known callers in the header Server-Timing of answers how long each stage "
        "took.",
    )
    traces: Endpoint | None = Field(
        None,
        description="Collector that is sent a trace of requests (OTLP over HTTP, such as "
        "http://collector:4318); unset = nothing is sent.",
    )
    traces_share: float = Field(
        1.0,
        ge=0,
        le=1,
        description="Share of the requests that are traced, where their senders have not decided.",
    )
