"""Groups from a CSV: the first column is ``person`` or ``file``, the others are attributes."""

from __future__ import annotations

import csv
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from perse.errors import InvalidParameter
from perse.evaluation.comparisons import Comparisons
from perse.evaluation.sample_files import SampleFile

_KEYS = ("person", "file")


@dataclass(frozen=True, slots=True, eq=False)
class Group:
    """``members[f]``: whether file ``f`` belongs to it."""

    attribute: str
    value: str
    members: NDArray[np.bool_]


def read_groups(table: Path, files: Sequence[SampleFile]) -> list[Group]:
    """The groups that the CSV ``table`` puts ``files`` into; an empty cell is no group.

    Raises InvalidParameter when the table is none, or names not one of the files.
    """
    rows = _rows(table)
    key = next(iter(rows[0])) if rows else ""
    if key not in _KEYS:
        raise InvalidParameter(f"the first column of {table} must be called person or file")
    by_name = {row[key]: row for row in rows}
    found = [by_name.get(file.person if key == "person" else file.name) for file in files]
    if not any(found):
        raise InvalidParameter(f"{table} names none of the {key}s: is its first column right?")
    groups: list[Group] = []
    for attribute in rows[0]:
        if attribute != key:
            groups.extend(_groups(attribute, [(row or {}).get(attribute, "") for row in found]))
    return groups


def _rows(table: Path) -> list[dict[str, str]]:
    try:
        with table.open(newline="", encoding="utf-8-sig") as file:
            return [
                {(name or "").strip().lower(): (cell or "").strip() for name, cell in row.items()}
                for row in csv.DictReader(file, restval="", restkey="surplus")
                if isinstance(row.get("surplus", ""), str)
            ]
    except (OSError, UnicodeDecodeError, csv.Error) as error:
        raise InvalidParameter(f"{table} cannot be read as CSV: {error}") from error


def _groups(attribute: str, values: Sequence[str]) -> Iterator[Group]:
    cells = np.array(values, dtype=str)
    for value in sorted(set(values) - {""}):
        yield Group(attribute, value, cells == value)


def among(comparisons: Comparisons, members: NDArray[np.bool_]) -> Comparisons:
    """The comparisons between two members. ``members`` is by usable file."""
    mated, non_mated = comparisons.mated, comparisons.non_mated
    listed = non_mated.chosen(members[non_mated.first] & members[non_mated.second])
    unlisted = 0
    if comparisons.unlisted:
        files = np.bincount(comparisons.person[members], minlength=comparisons.people)
        pairs = (int(files.sum()) ** 2 - int((files**2).sum())) // 2
        unlisted = pairs - len(listed)
    return Comparisons(
        mated.chosen(members[mated.first] & members[mated.second]),
        listed,
        comparisons.person,
        comparisons.histogram,
        unlisted,
    )
