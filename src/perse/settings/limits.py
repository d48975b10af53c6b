"""How much a server takes."""

from __future__ import annotations

from typing import Annotated, Literal

from pydantic import Field
from pydantic_settings import BaseSettings


class LimitSettings(BaseSettings):
    """Limits of the whole server, which its processes share."""

    processes: Annotated[int, Field(ge=1, le=64)] | Literal["auto"] = Field(
        "auto",
        description="Processes that serve, with one parent that replaces them; auto = one for "
        "every four cores. They share the limits below.",
    )
    max_image_bytes: int = Field(1_000_000, ge=1_000, description="Largest picture file, in bytes.")
    max_image_pixels: int = Field(
        40_000_000, ge=10_000, description="Largest picture, in pixels; refused before decoding."
    )
    max_audio_bytes: int = Field(
        10_000_000, ge=1_000, description="Largest recording file, in bytes."
    )
    max_audio_s: float = Field(
        120.0, ge=1, le=3600, description="Longest recording, in seconds; refused before decoding."
    )
    max_faces: int = Field(100, ge=1, le=1000, description="Faces answered per picture.")
    workers: int | None = Field(
        None, ge=1, le=256, description="Requests computed at the same time; unset = CPU cores."
    )
    queue_size: int = Field(
        32, ge=0, le=10_000, description="Requests that may wait; one more is answered 503."
    )
    body_memory_bytes: int = Field(
        64_000_000,
        ge=1_000_000,
        description="Bytes of request bodies held at the same time; one tenant alone gets half, "
        "and the largest form always fits.",
    )
    upload_timeout_s: float = Field(
        30.0, gt=0, le=600, description="Seconds that the body of a request may take to arrive."
    )
    max_connections: int = Field(
        1000,
        ge=2,
        le=100_000,
        description="Connections open at once; fewer where the process may open fewer files.",
    )
    max_connections_per_peer: int = Field(
        250,
        ge=1,
        le=100_000,
        description="Connections open at once from one address (IPv6: one /64 network) that is no "
        "trusted proxy; at most half of all.",
    )
