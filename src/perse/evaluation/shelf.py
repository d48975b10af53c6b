"""Evaluations that an operator keeps in a folder, as ``perse evaluate ... --json`` prints them.

What is told of them leaves out what names files: a folder of people's pictures is named by people.
"""

from __future__ import annotations

import json
import math
import os
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import Any

from perse.errors import NotFound

NAME_PATTERN = "^[A-Za-z0-9][A-Za-z0-9_-]{0,99}$"
_NAME = re.compile(NAME_PATTERN[1:-1], re.ASCII)
_LARGEST_BYTES = 20_000_000
_MOST_FILES = 500
_SHOWN = (
    *("people", "files", "left_out", "failure_to_acquire", "points", "served", "groups", "notes"),
    *("mated_pairs", "non_mated_pairs", "smallest_supported_fmr", "equal_error_rate"),
    *("equal_error_rate_interval", "decision_fmr", "decision", "served_fmr", "fnmr_with_failures"),
    *("quality", "treated"),
    *("bona_fide", "attacks", "bona_fide_non_response", "attack_non_response"),
    "equal_error_rates",
    *("gallery_people", "gallery_files", "mated_searches", "non_mated_searches"),
    *("smallest_supported_fpir", "candidates", "ranks"),
)
# What an evaluation comes to in a line: where in the document each rate stands.
_HEADLINES: Mapping[str, tuple[str, ...]] = {
    "failure_to_acquire": ("failure_to_acquire", "share"),
    "equal_error_rate": ("equal_error_rate",),
    "fmr": ("decision_fmr",),
    "fnmr": ("decision", "fnmr", "share"),
    "apcer": ("decision", "apcer", "share"),
    "bpcer": ("decision", "bpcer", "share"),
    "fpir": ("served", "fpir"),
    "fnir": ("served", "rates", "fnir", "share"),
}


@dataclass(frozen=True, slots=True)
class Evaluation:
    """``kind``: face, voice, liveness or identification. ``headline``: its rates in a line, shares
    by name. ``result``: what may be told of it."""

    name: str
    kind: str
    at: datetime
    pack: str
    headline: Mapping[str, float]
    result: Mapping[str, Any]


@dataclass(frozen=True, slots=True)
class EvaluationShelf:
    """The files ``NAME.json`` in ``folder``, which may be missing. Blocks."""

    folder: Path

    def all(self) -> Sequence[Evaluation]:
        """The latest first; whatever is no evaluation is passed over."""
        try:
            files = sorted(self.folder.glob("*.json"), key=_changed_at, reverse=True)
        except OSError:
            return []
        found = [it for file in files[:_MOST_FILES] if (it := self._read(file.stem))]
        return sorted(found, key=lambda it: it.at, reverse=True)

    def get(self, name: str) -> Evaluation:
        """Raises NotFound, in the same words for whatever is not there."""
        found = self._read(name)
        if found is None:
            raise NotFound("there is no evaluation of that name: list them")
        return found

    def _read(self, name: str) -> Evaluation | None:
        if not _NAME.fullmatch(name):
            return None
        try:
            return _evaluation(name, json.loads(self._content(name), parse_constant=_refuse))
        except (OSError, ValueError, OverflowError, KeyError, TypeError, RecursionError):
            return None

    def _content(self, name: str) -> bytes:
        """Of a plain file in the folder, no link out of it and no pipe."""
        flags = os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK
        with os.fdopen(os.open(self.folder / f"{name}.json", flags), "rb") as file:
            content = file.read(_LARGEST_BYTES + 1)
        if len(content) > _LARGEST_BYTES:
            raise ValueError("too large for an evaluation")
        return content


def _changed_at(file: Path) -> int:
    return file.lstat().st_mtime_ns


def _evaluation(name: str, document: Mapping[str, Any]) -> Evaluation:
    provenance = document["provenance"]
    kind = "identification" if "mated_searches" in document else str(provenance["kind"])
    at = datetime.fromisoformat(provenance["at"])
    if at.tzinfo is None:
        raise ValueError("a time without a zone")
    return Evaluation(
        name,
        kind,
        at,
        str(provenance["pack"]),
        {
            rate: share
            for rate, path in _HEADLINES.items()
            if (share := _at(document, path)) is not None
        },
        {key: document[key] for key in _SHOWN if document.get(key) is not None},
    )


def _at(document: Any, path: Sequence[str]) -> float | None:  # noqa: ANN401 - a JSON document
    for key in path:
        document = document.get(key) if isinstance(document, Mapping) else None
    is_number = isinstance(document, int | float) and not isinstance(document, bool)
    return float(document) if is_number and math.isfinite(document) else None


def _refuse(constant: str) -> float:
    raise ValueError(f"{constant} is no number")
