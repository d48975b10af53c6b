"""The user's files: whose they are, and which pairs of them are asked about."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from perse.errors import InvalidParameter
from perse.evaluation.comparisons import Numbers

PICTURES = frozenset({".jpg", ".jpeg", ".png", ".webp"})
RECORDINGS = frozenset({".wav", ".ogg", ".oga", ".opus"})


@dataclass(frozen=True, slots=True)
class SampleFile:
    """``name``: the path as reports show it. ``person``: whose it is."""

    path: Path
    name: str
    person: str


@dataclass(frozen=True, slots=True)
class SampleFolder:
    """``left_out``: files that are no samples by their ending or their place, by name."""

    files: tuple[SampleFile, ...]
    left_out: tuple[str, ...]


def folder_per_person(root: Path, endings: frozenset[str]) -> SampleFolder:
    """Every sample below ``root``; the folder right below ``root`` is the person.

    Raises InvalidParameter when there is none.
    """
    if not root.is_dir():
        raise InvalidParameter(f"{root} is no folder")
    files, left_out = [], []
    for path in visible_files(root):
        relative = path.relative_to(root)
        if path.suffix.lower() in endings and len(relative.parts) > 1:
            files.append(SampleFile(path, relative.as_posix(), relative.parts[0]))
        else:
            left_out.append(relative.as_posix())
    if not files:
        raise InvalidParameter(
            f"{root} holds no folder per person with files ending in {_listed(endings)}"
        )
    return SampleFolder(tuple(files), tuple(left_out))


def visible_files(root: Path) -> list[Path]:
    """Every file below ``root`` that is not hidden, in order."""
    return sorted(
        path
        for path in root.rglob("*")
        if path.is_file() and not any(part.startswith(".") for part in path.relative_to(root).parts)
    )


def numbers_of(names: Iterable[str]) -> Numbers:
    """The same number for the same name, from 0 on."""
    _, numbers = np.unique(np.array(list(names), dtype=str), return_inverse=True)
    return numbers.astype(np.int32)


def _listed(endings: frozenset[str]) -> str:
    return ", ".join(sorted(endings))
