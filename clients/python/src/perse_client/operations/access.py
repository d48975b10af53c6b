"""What the API key may do."""

from __future__ import annotations

from dataclasses import dataclass

from perse_client.call import Call, get
from perse_client.operations.measures import Answer


@dataclass(frozen=True, kw_only=True)
class Limits:
    """Of the largest files: bytes, pixels, seconds. ``faces``: answered per picture.
    ``calls_per_s``: None where nobody counts them."""

    image_bytes: int
    image_pixels: int
    audio_bytes: int
    audio_s: float
    faces: int
    samples_per_subject: int
    calls_per_s: float | None


@dataclass(frozen=True, kw_only=True)
class Access(Answer):
    """``key_name``: what the operator calls the API key. ``voices``, ``liveness``: whether the
    server's networks tell them. ``consent``: recorded or required. ``enrolment_gate``: contract,
    standard or strict."""

    key_name: str
    tenant_id: str
    permissions: tuple[str, ...]
    voices: bool
    liveness: bool
    consent: str
    enrolment_gate: str
    limits: Limits


def get_access() -> Call[Access]:
    """What the API key may do, and what its calls have to respect."""
    return get("/v1/access", Access)
