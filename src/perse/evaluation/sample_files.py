"""The user's files: whose they are, and which pairs of them are asked about."""

from __future__ import annotations

import csv
from collections.abc import Iterable, Mapping
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


def listed_files(listing: Path) -> SampleFolder:
    """The files of a table: CSV with the columns ``person`` and ``file``, which is looked for from
    the table's folder on. Other columns are left alone.

    Raises InvalidParameter, naming the line, for what is no such table.
    """
    try:
        with listing.open(encoding="utf-8-sig", newline="") as text:
            rows = csv.DictReader(text, restkey="", strict=True)
            missing = {"person", "file"} - set(rows.fieldnames or ())
            if missing:
                raise InvalidParameter(
                    f"{listing} has no column {' and no column '.join(sorted(missing))} in its "
                    "first line: it needs person and file"
                )
            files = tuple(_listed_file(row, listing, rows.line_num) for row in rows)
    except (OSError, UnicodeDecodeError, csv.Error) as error:
        raise InvalidParameter(f"{listing} cannot be read as CSV: {error}") from error
    if not files:
        raise InvalidParameter(f"{listing} lists no files")
    return SampleFolder(files, ())


def _listed_file(row: Mapping[str, str | None], listing: Path, line: int) -> SampleFile:
    person, file = row["person"], row["file"]
    if not (person and file):
        raise InvalidParameter(f"{listing}, line {line}: person and file must both be given")
    return SampleFile(listing.parent / file, file, person)


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
