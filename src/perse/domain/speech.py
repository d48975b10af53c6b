"""Speech in a recording."""

from __future__ import annotations

from dataclasses import dataclass

from perse.errors import InvalidParameter


@dataclass(frozen=True, slots=True)
class SpeechSegment:
    """A stretch of speech, in seconds from the start of the recording."""

    start_s: float
    end_s: float

    def __post_init__(self) -> None:
        if not 0 <= self.start_s < self.end_s:
            raise InvalidParameter(f"not a speech segment: {self}")

    @property
    def duration_s(self) -> float:
        return self.end_s - self.start_s
