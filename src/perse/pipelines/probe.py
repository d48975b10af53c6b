"""What is compared with those who are enrolled."""

from __future__ import annotations

from dataclasses import dataclass

from perse.errors import FormKeyMissing
from perse.pipelines.comparison import Picture
from perse.pipelines.voice import Recording


@dataclass(frozen=True, slots=True)
class Probe:
    """A picture, a recording, or both. Raises FormKeyMissing without either."""

    picture: Picture | None = None
    recording: Recording | None = None

    def __post_init__(self) -> None:
        if self.picture is None and self.recording is None:
            raise FormKeyMissing("send image_file, audio_file, or both")
