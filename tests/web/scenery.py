"""What stands before the browser's camera and speaks into its microphone.

Chromium opens the files anew whenever a page asks for the device, so a test says first what is
there: `camera.show(...)` before the page starts it.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from io import BytesIO
from pathlib import Path

import soundfile
from PIL import Image, ImageDraw, ImageEnhance

from tests.conftest import REPOSITORY
from tests.synthetic_speech import Person, speech

PORTRAITS = REPOSITORY / "tests" / "samples" / "portraits"
# One size for all films: Chromium asks a device once what it can.
FILM_PX = (640, 480)
# Left, top, width and height of the face, as perse finds it.
FACES_PX = {"collins_1992": (181, 64, 89, 114), "hopper_1984": (174, 115, 181, 214)}
# What a page shows of the film upright is so wide.
UPRIGHT_PX = 360
# Of every Motion JPEG file, which says nothing of it.
_CHROMIUM_FRAMES_PER_S = 30
_QUALITIES = range(86, 93)
_RATE_HZ = 16_000
_GREY = (128, 128, 128)


EMPTY_ROOM = Image.linear_gradient("L").resize(FILM_PX).convert("RGB")
ImageDraw.Draw(EMPTY_ROOM).rectangle((60, 200, 240, 470), fill=(120, 90, 60))


@dataclass(frozen=True)
class Camera:
    """``film`` is a Motion JPEG file: pictures one after the other, shown in a circle."""

    film: Path

    def show(self, *pictures: Image.Image | Path) -> None:
        """A film of these pictures, each whole and in the middle. Of one alone no two frames are
        the same bytes, as a camera's never are."""
        if len(pictures) == 1:
            return self._play([_filmed(pictures[0], quality) for quality in _QUALITIES])
        filmed = {id(picture): _filmed(picture) for picture in pictures}
        return self._play([filmed[id(picture)] for picture in pictures])

    def play(self, frames: Sequence[bytes], *, frames_per_s: int) -> None:
        """A film of JPEG pictures of ``FILM_PX``, from its start."""
        each = round(_CHROMIUM_FRAMES_PER_S / frames_per_s)
        self._play([frame for frame in frames for _ in range(each)])

    def unplug(self) -> None:
        """There is no camera."""
        self.film.unlink()

    def _play(self, pictures: Sequence[bytes]) -> None:
        new = self.film.with_suffix(".new")
        new.write_bytes(b"".join(pictures))
        new.replace(self.film)


def person(
    name: str = "hopper_1984", *, face: float = 0.45, aside: float = 0.0, light: float = 1.0
) -> Image.Image:
    """Somebody before the camera. ``face``: its width, ``aside``: how far from the middle, both as
    shares of the upright picture; ``light``: 1 as photographed, 0 none.
    """
    portrait = Image.open(PORTRAITS / f"{name}.jpg").convert("RGB")
    left, top, width, height = FACES_PX[name]
    scale = face * UPRIGHT_PX / width
    near = portrait.resize((round(portrait.width * scale), round(portrait.height * scale)))
    scene = Image.new("RGB", FILM_PX, _GREY)
    middle = (FILM_PX[0] / 2 + aside * UPRIGHT_PX, FILM_PX[1] / 2)
    at = (
        round(middle[0] - (left + width / 2) * scale),
        round(middle[1] - (top + height / 2) * scale),
    )
    scene.paste(near, at)
    return ImageEnhance.Brightness(scene).enhance(light)


def _filmed(picture: Image.Image | Path, quality: int = max(_QUALITIES)) -> bytes:
    image = picture if isinstance(picture, Image.Image) else Image.open(picture)
    image = image.convert("RGB")
    image.thumbnail(FILM_PX)
    scene = Image.new("RGB", FILM_PX, _GREY)
    scene.paste(image, ((FILM_PX[0] - image.width) // 2, (FILM_PX[1] - image.height) // 2))
    jpeg = BytesIO()
    scene.save(jpeg, "JPEG", quality=quality)
    return jpeg.getvalue()


@dataclass(frozen=True)
class Microphone:
    """``sound`` is a WAV file, heard in a circle."""

    sound: Path

    def speak(self, person: Person, seconds: float = 8.0, *, seed: int = 0) -> None:
        """Made speech of a voice of ``tests.synthetic_speech``."""
        new = self.sound.with_suffix(".new")
        samples = speech(person, seconds, seed=seed, rate_hz=_RATE_HZ)
        soundfile.write(new, samples, _RATE_HZ, format="WAV", subtype="PCM_16")
        new.replace(self.sound)
