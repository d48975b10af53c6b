"""perse as a library: the pipelines that serve, without a server."""

from __future__ import annotations

import os
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Self

import numpy as np
from numpy.typing import NDArray

from perse.bootstrap import FaceServices, open_faces
from perse.domain.faces import FaceComparison, FaceDetection, FaceThresholds
from perse.domain.references import Template
from perse.domain.samples import FaceImage
from perse.errors import InvalidParameter
from perse.models.weight_files import Progress
from perse.pipelines.comparison import Picture
from perse.pipelines.ports import Result
from perse.settings import load_settings

PictureInput = bytes | str | os.PathLike[str] | NDArray[np.uint8]


class Engine:
    """The networks of one pack, opened once; safe to share between threads.

    A picture is the bytes of a JPEG, PNG or WebP file, the path of one, or an upright RGB array
    (uint8, height x width x 3). A string is always a path. Close the engine when done, or use it
    in a ``with``. Every method raises InvalidFileType for what is no picture.
    """

    def __init__(self, faces: FaceServices) -> None:
        self._faces = faces
        self._spare = ThreadPoolExecutor(1, thread_name_prefix="perse-second-picture")

    @property
    def thresholds(self) -> FaceThresholds:
        """What the numbers of ``detect`` and ``compare`` are judged by."""
        return self._faces.thresholds

    def detect(self, picture: PictureInput) -> FaceDetection:
        """Every face completely inside the picture, the largest first; possibly none."""
        return self._faces.detect(self.load(picture))

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

    def face_template(self, picture: PictureInput) -> Template:
        """Unit vector and model name of the largest face. Raises NoFaceDetected."""
        return self._faces.capture(self._picture("the picture", picture)).template

    def close(self) -> None:
        self._spare.shutdown()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def _picture(self, name: str, given: PictureInput) -> Picture:
        return Picture(name, lambda: self.load(given))

    def _side_by_side(
        self, first: Callable[[], Result], second: Callable[[], Result]
    ) -> tuple[Result, Result]:
        waiting = self._spare.submit(first)
        other = second()
        return waiting.result(), other


def _read(path: Path) -> bytes:
    try:
        return path.read_bytes()
    except OSError as error:
        raise InvalidParameter(f"{path} cannot be read: {error.strerror}") from error


def open_engine(
    pack: str | None = None, *, progress: Progress | None = None, **settings: object
) -> Engine:
    """Open a pack's networks, obtaining its weights first when they are not here.

    ``pack``: auto, offline, standard, server or one of your own; None = PERSE_PACK. ``progress``
    hears of bytes on their way. ``settings``: any field of perse.settings.Settings, such as
    ``data_dir``; what is not given comes from the environment. Raises SetupError, saying what to
    do.
    """
    return Engine(open_faces(load_settings(pack=pack, **settings), progress))
