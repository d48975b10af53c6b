"""What the HTTP side needs from the composition root."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Protocol

from perse.auth.authenticator import Authenticator
from perse.domain.faces import FaceComparison, FaceDetection, FaceThresholds
from perse.domain.samples import FaceImage, ModelName
from perse.pipelines.comparison import Picture
from perse.pipelines.ports import SideBySide
from perse.settings import Settings


class Decode(Protocol):
    def __call__(self, content: bytes, /) -> FaceImage:
        """Raises InvalidFileType and its kin for what is no acceptable picture."""
        ...


class Detect(Protocol):
    def __call__(self, image: FaceImage, /) -> FaceDetection: ...


class Compare(Protocol):
    def __call__(
        self, first: Picture, second: Picture, *, side_by_side: SideBySide
    ) -> FaceComparison: ...


class Faces(Protocol):
    """The face pipelines of one pack; all of them block and may run side by side."""

    @property
    def decode(self) -> Decode: ...
    @property
    def detect(self) -> Detect: ...
    @property
    def compare(self) -> Compare: ...
    @property
    def thresholds(self) -> FaceThresholds: ...


class Services(Protocol):
    """``models``: role -> network in use. ``warm`` runs every network once, so that the first
    request is as fast as the tenth. ``close`` gives back what is held."""

    @property
    def settings(self) -> Settings: ...
    @property
    def pack(self) -> str: ...
    @property
    def models(self) -> Mapping[str, ModelName]: ...
    @property
    def faces(self) -> Faces: ...
    @property
    def authenticator(self) -> Authenticator: ...

    def warm(self) -> None: ...

    def close(self) -> None: ...
