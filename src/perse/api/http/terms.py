"""What the operator has set and every caller has to respect."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal, Self

from perse.settings import Settings

Consent = Literal["recorded", "required"]
Gate = Literal["contract", "standard", "strict"]


@dataclass(frozen=True, slots=True)
class Terms:
    """``image_bytes``, ``image_pixels``, ``audio_bytes``, ``audio_s``: of the largest file.
    ``faces``: answered per picture. ``calls_per_s``: None where nobody counts them."""

    consent: Consent
    enrolment_gate: Gate
    image_bytes: int
    image_pixels: int
    audio_bytes: int
    audio_s: float
    faces: int
    samples_per_subject: int
    calls_per_s: float | None

    @classmethod
    def of(cls, settings: Settings) -> Self:
        return cls(
            consent=settings.consent,
            enrolment_gate=settings.enrolment_gate,
            image_bytes=settings.max_image_bytes,
            image_pixels=settings.max_image_pixels,
            audio_bytes=settings.max_audio_bytes,
            audio_s=settings.max_audio_s,
            faces=settings.max_faces,
            samples_per_subject=settings.samples_per_subject,
            calls_per_s=settings.rate_limit,
        )
