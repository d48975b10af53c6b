"""What the catalogue says of a network and of a pack. Every value is checked when it is made."""

from __future__ import annotations

import datetime
import re
from collections.abc import Mapping
from dataclasses import field
from itertools import pairwise
from pathlib import Path, PurePosixPath
from types import MappingProxyType
from typing import Annotated, Any, Final, Literal

from pydantic import (
    AfterValidator,
    ConfigDict,
    Field,
    PlainSerializer,
    StringConstraints,
    TypeAdapter,
)
from pydantic.dataclasses import dataclass

from perse.domain.decisions import OperatingPoint
from perse.domain.face_confirmation import ConfirmationRule
from perse.domain.samples import ModelName

_STRICT = ConfigDict(extra="forbid", strict=True, use_attribute_docstrings=True)
_DIGEST = re.compile(r"[0-9a-f]{64}")
_NAME = re.compile(r"[a-z0-9][a-z0-9_.-]*")


def _digest(value: str) -> str:
    if not _DIGEST.fullmatch(value):
        raise ValueError("a SHA-256 is 64 digits of 0-9 and a-f")
    return value


def _name(value: str) -> ModelName:
    if not _NAME.fullmatch(value):
        raise ValueError("a name is made of a-z, 0-9, dot, dash and underscore")
    return ModelName(value)


def _plain_file(value: str) -> str:
    if PurePosixPath(value).name != value or "\\" in value or value.startswith("."):
        raise ValueError("a file is a name without folders")
    return value


def _inner_path(value: str) -> str:
    path = PurePosixPath(value)
    if path.is_absolute() or ".." in path.parts or "\\" in value:
        raise ValueError("a path inside an archive neither starts at the root nor climbs")
    return value


def _web_address(value: str) -> str:
    if not value.startswith("https://"):
        raise ValueError("an address begins with https://")
    return value


Text = Annotated[str, StringConstraints(strip_whitespace=True, min_length=1)]
Digest = Annotated[str, AfterValidator(_digest)]
Name = Annotated[ModelName, AfterValidator(_name)]
FileName = Annotated[str, AfterValidator(_plain_file)]
Size = Annotated[int, Field(gt=0)]
Share = Annotated[float, Field(ge=0, le=1)]
Positive = Annotated[float, Field(gt=0)]
Point = tuple[float, float]
Fmr = Annotated[float, Field(gt=0, lt=1)]

Role = Literal[
    "face_detector",
    "face_embedder",
    "face_attack_detector",
    "face_landmarker",
    "speech_detector",
    "speaker_embedder",
]
Numbers = tuple[float, ...]
Parameter = bool | int | float | str | Numbers | tuple[Numbers, ...]
Parameters = Annotated[
    Mapping[str, Parameter], AfterValidator(MappingProxyType), PlainSerializer(dict)
]


@dataclass(frozen=True, slots=True, config=_STRICT)
class UrlSource:
    """A file at a pinned address."""

    kind: Literal["url"]
    url: Annotated[str, AfterValidator(_web_address)]


@dataclass(frozen=True, slots=True, config=_STRICT)
class PackageSource:
    """One file inside a released wheel or source package, found as pip would find it."""

    kind: Literal["package"]
    package: Text
    version: Text
    archive: FileName
    archive_sha256: Digest
    archive_size_bytes: Size
    member: Annotated[str, AfterValidator(_inner_path)]


@dataclass(frozen=True, slots=True, config=_STRICT)
class PackagedSource:
    """A file that ships with perse."""

    kind: Literal["packaged"]


@dataclass(frozen=True, slots=True, config=_STRICT)
class PathSource:
    """A file of the user's own; a relative path starts at the catalogue's folder."""

    kind: Literal["path"]
    path: Path


Source = Annotated[
    UrlSource | PackageSource | PackagedSource | PathSource, Field(discriminator="kind")
]
FETCHED: Final = (UrlSource, PackageSource)


@dataclass(frozen=True, slots=True, config=_STRICT)
class Licence:
    """Licences by name, and in words what is known of training data and commercial use."""

    code: Text = "not stated"
    weights: Text = "not stated"
    training_data: Text = "not stated"
    commercial_use: Text = "not known: ask whoever made the network"


@dataclass(frozen=True, slots=True, config=_STRICT)
class Claim:
    """What others say of a network, and where. Nothing we measured."""

    text: Text
    origin: Text


@dataclass(frozen=True, slots=True, config=_STRICT)
class OperatingPoints:
    """Cosine thresholds by measured false match rate, and what they were measured on.

    ``pairs``: non-mated comparisons behind them. ``largest_supported_claim``: the smallest false
    match rate that so many pairs can support. ``measured_with``: what stood before the network,
    such as the detector, because thresholds follow from it too.
    """

    points: tuple[OperatingPoint, ...]
    dataset: Text
    pairs: Size
    date: datetime.date
    largest_supported_claim: Fmr
    measured_with: Text | None = None

    def __post_init__(self) -> None:
        ordered = sorted(self.points, key=lambda point: -point.fmr)
        if len(ordered) < 2 or any(
            a.fmr == b.fmr or a.cosine >= b.cosine for a, b in pairwise(ordered)
        ):
            raise ValueError("needs two or more points whose cosine rises as the rate falls")


@dataclass(frozen=True, slots=True, config=_STRICT)
class AttackPoint:
    """A PAD score threshold: ``score`` and above is bona fide. Rates are shares, 0..1.

    ``presentations``: how many, bona fide and attacks together.
    """

    score: Share
    apcer: Share
    bpcer: Share
    attack_species: Text
    dataset: Text
    presentations: Size
    date: datetime.date


@dataclass(frozen=True, slots=True, config=_STRICT)
class ConfirmationPoint:
    """Limits of the second look at a detector's detections, as ConfirmationRule explains them.

    ``pictures``: how many, of faces and of none together. Raises InvalidParameter for limits that
    contradict one another.
    """

    clear_glance: Share
    clear_look: Share
    sure_look: Share
    least_look: Share
    least_log_odds: float
    odds_worth: Share
    turn_margin: Share
    dataset: Text
    pictures: Size
    date: datetime.date

    def __post_init__(self) -> None:
        self.rule()

    def rule(self) -> ConfirmationRule:
        return ConfirmationRule(
            clear_glance=self.clear_glance,
            clear_look=self.clear_look,
            sure_look=self.sure_look,
            least_look=self.least_look,
            least_log_odds=self.least_log_odds,
            odds_worth=self.odds_worth,
            turn_margin=self.turn_margin,
        )


@dataclass(frozen=True, slots=True, config=_STRICT)
class EmbedderInput:
    """Parameters of the adapter ``onnx_embedder``, for face embedders of the user's own.

    The network takes N x 3 x size x size, float32: (pixel - mean) / std per channel, pixels 0..255
    in the order ``colour``. ``canon``: where the five landmarks belong in the aligned face, x and
    y in its pixels, right eye first; none = the usual places of 112-pixel networks, scaled.
    """

    size_px: Annotated[int, Field(ge=32, le=1024)]
    colour: Literal["rgb", "bgr"]
    mean: tuple[float, float, float]
    std: tuple[Positive, Positive, Positive]
    canon: tuple[Point, Point, Point, Point, Point] | None = None


@dataclass(frozen=True, slots=True, config=_STRICT)
class ModelCard:
    """One network.

    ``file``, ``sha256`` and ``size_bytes`` are those of the file as it was published; it is the
    same from each of ``sources``, which are tried in order. A file that is never fetched has one.
    ``conversion`` names what turns it into ONNX, None where it is ONNX already; ``conversion_int8``
    what turns it into ONNX of 8-bit integers, which the same adapter runs. ``adapter`` names
    the class that runs it, ``parameters`` are that class's own.
    """

    name: Name
    role: Role
    adapter: Text
    file: FileName
    sha256: Digest
    size_bytes: Size
    sources: Annotated[tuple[Source, ...], Field(min_length=1)]
    input: Text
    licence: Licence = Licence()
    conversion: Text | None = None
    conversion_int8: Text | None = None
    caveat: Text | None = None
    claims: tuple[Claim, ...] = ()
    parameters: Parameters = field(default_factory=dict)
    operating_points: OperatingPoints | None = None
    attack_point: AttackPoint | None = None
    confirmation_point: ConfirmationPoint | None = None

    def __post_init__(self) -> None:
        if len(self.sources) > 1 and not all(isinstance(it, FETCHED) for it in self.sources):
            raise ValueError("a file that is never fetched has one source")


def facts_of(card: ModelCard) -> dict[str, Any]:
    """The card as plain values that JSON can hold, keyed as in the catalogue."""
    facts: dict[str, Any] = TypeAdapter(ModelCard).dump_python(card, mode="json")
    return facts


@dataclass(frozen=True, slots=True, config=_STRICT)
class QualityThresholds:
    """Good: underexposure, overexposure, colour (0..1) and rotation (degrees) below, sharpness
    (0..1) at or above."""

    underexposure: Share
    overexposure: Share
    sharpness: Share
    colour: Share
    rotation: Annotated[float, Field(gt=0, le=180)]


@dataclass(frozen=True, slots=True, config=_STRICT)
class Pack:
    """Which network plays which role. ``default_fmr`` is what default thresholds aim at."""

    name: Name
    summary: Text
    roles: Annotated[Mapping[Role, Name], AfterValidator(MappingProxyType)]
    default_fmr: Fmr
    default_voice_fmr: Fmr
    quality: QualityThresholds
