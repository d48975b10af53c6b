"""Operating points of this installation: JSON files in the data folder, with a history.

``operating-points/<id>.json`` holds one calibration each, ``in-use.json`` the order in which they
were put to use, by kind. The last one made with the networks in use counts.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Callable, Iterable, Mapping
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Literal

from pydantic import TypeAdapter, ValidationError

from perse.errors import InvalidParameter, SettingsInvalid
from perse.files import change_file, write_file

Kind = Literal["face", "voice", "liveness"]
KINDS: tuple[Kind, ...] = ("face", "voice", "liveness")
_IN_USE = "in-use.json"
_ID_DIGITS = 10


@dataclass(frozen=True, slots=True)
class LocalPoint:
    """A threshold and what was measured there. Rates are shares, 0..1, with 95 % intervals.

    Comparison: ``rate`` is the FMR aimed at, ``threshold`` a cosine; ``false_accepts`` is FMR,
    ``false_rejects`` FNMR. Liveness: ``rate`` is the BPCER aimed at, ``threshold`` a PAD score,
    ``false_accepts`` the worst species' APCER, ``false_rejects`` BPCER.
    """

    rate: float
    threshold: float
    false_accepts: float
    false_accepts_interval: tuple[float, float]
    false_rejects: float
    false_rejects_interval: tuple[float, float]


@dataclass(frozen=True, slots=True)
class LocalPoints:
    """One calibration. ``default_rate`` is what default thresholds aim at, and the rate of one of
    ``points``. ``trials``: non-mated pairs, or presentations. ``made_with``: digest of the networks
    that it holds for. ``species``: the worst attack species, for liveness."""

    kind: Kind
    at: str
    source: str
    networks: Mapping[str, str]
    made_with: str
    people: int
    trials: int
    default_rate: float
    points: tuple[LocalPoint, ...]
    species: str = ""

    def __post_init__(self) -> None:
        if all(point.rate != self.default_rate for point in self.points):
            raise InvalidParameter("a calibration needs a point at its default rate")

    @property
    def id(self) -> str:
        """Short digest of the whole content."""
        text = json.dumps(asdict(self), sort_keys=True)
        return hashlib.sha256(text.encode()).hexdigest()[:_ID_DIGITS]

    @property
    def default(self) -> LocalPoint:
        return next(point for point in self.points if point.rate == self.default_rate)


_History = dict[Kind, list[str]]
_POINTS = TypeAdapter(LocalPoints)
_HISTORY = TypeAdapter(_History)


@dataclass(frozen=True, slots=True)
class LocalPointsFolder:
    """The calibrations of a data folder."""

    folder: Path

    @classmethod
    def of(cls, data_dir: Path) -> LocalPointsFolder:
        return cls(data_dir / "operating-points")

    def put_to_use(self, points: LocalPoints) -> str:
        """Store ``points`` and let them count from the next start on; their id."""
        write_file(self.folder / f"{points.id}.json", _json(asdict(points)))

        def put_last(history: _History) -> None:
            used = history[points.kind]
            history[points.kind] = [*(i for i in used if i != points.id), points.id]

        self._change_history(put_last)
        return points.id

    def in_use(self, kind: Kind, made_with: str) -> LocalPoints | None:
        """The last ones put to use that were made with those networks."""
        path = self.folder / _IN_USE
        history = self._history(path.read_bytes() if path.is_file() else None)
        return self._last(history[kind], made_with)

    def roll_back(self, kind: Kind, made_with: str) -> LocalPoints:
        """Take the ones in use out of use, so that those before them count, or the catalogue's.

        Raises InvalidParameter when none are in use.
        """
        taken: list[LocalPoints] = []

        def take_out(history: _History) -> None:
            current = self._last(history[kind], made_with)
            if current is None:
                raise InvalidParameter(
                    f"no {kind} operating points of this installation are in use"
                )
            history[kind].remove(current.id)
            taken.append(current)

        self._change_history(take_out)
        return taken[-1]

    def all(self) -> list[LocalPoints]:
        """Every calibration that was ever put to use, the oldest first."""
        try:
            found = list(
                self.folder.iterdir()
            )  # from Python 3.13 on a glob hides what it may not read
        except FileNotFoundError:
            found = []
        names = [path.stem for path in found if path.suffix == ".json" and path.name != _IN_USE]
        return sorted((self.read(name) for name in names), key=lambda points: points.at)

    def read(self, points_id: str) -> LocalPoints:
        """Raises InvalidParameter for an unknown id, SettingsInvalid for a damaged file."""
        path = self.folder / f"{points_id}.json"
        if not points_id.isalnum() or not path.is_file():
            raise InvalidParameter(f"there are no operating points {points_id!r}")
        try:
            return _POINTS.validate_json(path.read_bytes())
        except (ValidationError, InvalidParameter):
            raise SettingsInvalid(
                f"{path} is damaged: delete it, remove its name from {_IN_USE}, and calibrate anew"
            ) from None

    def _last(self, ids: Iterable[str], made_with: str) -> LocalPoints | None:
        fitting = [found for found in map(self.read, ids) if found.made_with == made_with]
        return fitting[-1] if fitting else None

    def _change_history(self, edit: Callable[[_History], None]) -> None:
        def edited(before: bytes | None) -> bytes:
            history = self._history(before)
            edit(history)
            return _json(history)

        change_file(self.folder / _IN_USE, edited)

    def _history(self, content: bytes | None) -> _History:
        empty: _History = {kind: [] for kind in KINDS}
        try:
            return empty if content is None else empty | _HISTORY.validate_json(content)
        except ValidationError:
            raise SettingsInvalid(
                f"{self.folder / _IN_USE} is damaged: delete it, and calibrate anew"
            ) from None


def _json(content: object) -> bytes:
    return json.dumps(content, indent=1).encode()
