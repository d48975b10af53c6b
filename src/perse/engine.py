"""perse as a library: the pipelines that serve, without a server."""

from __future__ import annotations

import os
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from functools import cached_property, partial
from pathlib import Path
from typing import Self

import numpy as np
from numpy.typing import NDArray

from perse.bootstrap.faces import FaceServices, wire_faces
from perse.bootstrap.voices import VoiceServices, open_voices
from perse.bootstrap.weights import obtain_networks
from perse.domain.faces import FaceComparison, FaceDetection, FaceThresholds
from perse.domain.references import Template
from perse.domain.resemblance import Resemblance
from perse.domain.samples import FaceImage, VoiceSample
from perse.domain.voices import VoiceComparison, VoiceThresholds
from perse.errors import InvalidParameter
from perse.pipelines.comparison import Picture
from perse.pipelines.ports import Other, Result
from perse.pipelines.voice import Recording
from perse.search.gallery import Gallery
from perse.settings import Settings, load_settings
from perse.weights.files import Progress

PictureInput = bytes | str | os.PathLike[str] | NDArray[np.uint8]
RecordingInput = bytes | str | os.PathLike[str] | VoiceSample


class Engine:
    """The networks of one pack, opened once; safe to share between threads.

    A picture is the bytes of a JPEG, PNG or WebP file, the path of one, or an upright RGB array
    (uint8, height x width x 3). A recording is the bytes of a WAV or OGG file, the path of one, or
    a VoiceSample of 16 kHz. A string is always a path. Close the engine when done, or use it in a
    ``with``. Every method raises InvalidFileType for what is neither.
    """

    def __init__(
        self, open_faces: Callable[[], FaceServices], open_voices: Callable[[], VoiceServices]
    ) -> None:
        self._open_faces = open_faces
        self._open_voices = open_voices
        self._spare = ThreadPoolExecutor(1, thread_name_prefix="perse-second-half")

    @property
    def thresholds(self) -> FaceThresholds:
        """What the numbers of ``detect`` and ``compare`` are judged by."""
        return self._faces.thresholds

    def detect(self, picture: PictureInput) -> FaceDetection:
        """Every face completely inside the picture, the largest first; possibly none."""
        return self._faces.detect(self.load(picture), side_by_side=self._side_by_side)

    def load(self, picture: PictureInput) -> FaceImage:
        """The upright RGB picture that the others look at."""
        match picture:
            case bytes():
                return self._faces.decode(picture)
            case np.ndarray():
                return FaceImage(picture)
            case str() | os.PathLike():
                return self._faces.decode(_read(Path(picture)))
        raise InvalidParameter("a picture is given as bytes, as a path or as an RGB array")

    def compare(self, first: PictureInput, second: PictureInput) -> FaceComparison:
        """Compare the largest faces. Raises NoFaceDetected, saying in which picture."""
        return self._faces.compare(
            self._picture("the first picture", first),
            self._picture("the second picture", second),
            side_by_side=self._side_by_side,
        )

    def compare_templates(self, first: Template, second: Template) -> Resemblance:
        """What ``compare``, and the server, say of two captures with these templates.

        Raises ReferenceModelMismatch across networks.
        """
        return self._faces.compare.scale.resemblance(first, second)

    def open_gallery(self) -> Gallery[PictureInput]:
        """An empty gallery in memory: who of many people is on a picture, at a stated error rate.

        Its samples and probes are templates of this engine's network, or pictures, whose largest
        faces are taken. Open as many as you like.
        """
        return Gallery(self._faces.searched, self.face_template)

    def face_template(self, picture: PictureInput) -> Template:
        """Of the largest face: unit vector, traits and model name. Raises NoFaceDetected."""
        return self._faces.capture(self._picture("the picture", picture)).template

    @cached_property
    def _faces(self) -> FaceServices:
        return self._open_faces()

    @cached_property
    def _voices(self) -> VoiceServices:
        """Opened when first needed: many never compare a voice."""
        return self._open_voices()

    @property
    def voice_thresholds(self) -> VoiceThresholds:
        """What the numbers of ``compare_voices`` are judged by."""
        return self._voices.thresholds

    def compare_voices(self, first: RecordingInput, second: RecordingInput) -> VoiceComparison:
        """Is it one person who speaks? Raises NoSpeechDetected, saying in which recording."""
        return self._voices.compare(
            self._recording("the first recording", first),
            self._recording("the second recording", second),
            side_by_side=self._side_by_side,
        )

    def voice_template(self, recording: RecordingInput) -> Template:
        """Unit vector and model name of the voice. Raises NoSpeechDetected."""
        return self._voices.capture(self._recording("the recording", recording)).template

    def close(self) -> None:
        self._spare.shutdown()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def _picture(self, name: str, given: PictureInput) -> Picture:
        return Picture(name, lambda: self.load(given))

    def _recording(self, name: str, given: RecordingInput) -> Recording:
        return Recording(name, lambda: self._load_recording(given))

    def _load_recording(self, given: RecordingInput) -> VoiceSample:
        match given:
            case VoiceSample():
                return given
            case bytes():
                return self._voices.decode(given)
            case str() | os.PathLike():
                return self._voices.decode(_read(Path(given)))
        raise InvalidParameter("a recording is given as bytes, as a path or as a VoiceSample")

    def _side_by_side(
        self, first: Callable[[], Result], second: Callable[[], Other]
    ) -> tuple[Result, Other]:
        waiting = self._spare.submit(second)
        try:
            one = first()
        except BaseException:
            waiting.cancel()
            raise
        return one, second() if waiting.cancel() else waiting.result()


def _read(path: Path) -> bytes:
    try:
        return path.read_bytes()
    except OSError as error:
        raise InvalidParameter(f"{path} cannot be read: {error.strerror}") from error


def open_engine(
    pack: str | None = None, *, progress: Progress | None = None, **settings: object
) -> Engine:
    """Open a pack's networks, obtaining its weights first when they are not here.

    ``pack``: auto (standard), standard, compact or one of your own; None = PERSE_PACK. ``progress``
    hears of bytes on their way. ``settings``: any field of perse.settings.Settings, such as
    ``data_dir``; what is not given comes from the environment. Raises SetupError, saying what to
    do.
    """
    chosen = load_settings(pack=pack, **settings)
    faces = wire_faces(chosen, on_disk := obtain_networks(chosen, progress))
    return Engine(lambda: faces, partial(open_voices, chosen, on_disk))


def open_voice_engine(settings: Settings, progress: Progress | None = None) -> Engine:
    """The same, for voices first: also where a pack knows no faces. Raises SetupError."""
    on_disk = obtain_networks(settings, progress)
    voices = open_voices(settings, on_disk)
    return Engine(partial(wire_faces, settings, on_disk), lambda: voices)
