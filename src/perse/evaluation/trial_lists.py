"""Files that list pairs: the format of LFW's pairs.txt, and ``label a b`` trials."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path

from perse.errors import InvalidParameter
from perse.evaluation.sample_files import SampleFile

_LABELS = {
    "1": True, "target": True, "same": True, "mated": True,
    "0": False, "nontarget": False, "different": False, "non-mated": False,
}  # fmt: skip


@dataclass(frozen=True, slots=True)
class Trial:
    """Two files by number, and whether they are of one person."""

    first: int
    second: int
    mated: bool


@dataclass(frozen=True, slots=True)
class TrialList:
    """``guessed_people``: who is who was not said, only which pairs are mated; files that mated
    trials connect count as one person."""

    files: tuple[SampleFile, ...]
    trials: tuple[Trial, ...]
    guessed_people: bool


def read_trials(listing: Path, root: Path) -> TrialList:
    """Read either format; file names start at the folder ``root``.

    Raises InvalidParameter, naming the line, for what is neither.
    """
    try:
        text = listing.read_text(encoding="utf-8")
    except (OSError, UnicodeDecodeError) as error:
        raise InvalidParameter(f"{listing} cannot be read as text: {error}") from error
    lines = [
        (number, fields)
        for number, line in enumerate(text.splitlines(), start=1)
        if (fields := line.split("\t") if "\t" in line else line.split())
    ]
    if lines and all(field.isdigit() for field in lines[0][1]):
        return _lfw(lines[1:], listing, root)
    return _labelled(lines, listing, root)


def _lfw(lines: Iterable[tuple[int, list[str]]], listing: Path, root: Path) -> TrialList:
    files, trials = _Files(root), []
    for number, fields in lines:
        match fields:
            case [person, first, second]:
                other = person
            case [person, first, other, second]:
                pass
            case _:
                raise InvalidParameter(f"{listing}, line {number}: no pair of LFW's format")
        trials.append(
            Trial(
                files.number(_lfw_name(root, person, first, f"{listing}, line {number}"), person),
                files.number(_lfw_name(root, other, second, f"{listing}, line {number}"), other),
                mated=len(fields) == 3,
            )
        )
    return TrialList(files.listed(), _checked(trials, listing), guessed_people=False)


def _lfw_name(root: Path, person: str, number: str, where: str) -> str:
    if not number.isdigit():
        raise InvalidParameter(f"{where}: {number!r} is no number of a picture")
    stem = f"{person}/{person}_{int(number):04d}"
    endings = (".jpg", ".png", ".jpeg", ".webp")
    return next((stem + end for end in endings if (root / (stem + end)).is_file()), stem + ".jpg")


def _labelled(lines: Sequence[tuple[int, list[str]]], listing: Path, root: Path) -> TrialList:
    files, trials = _Files(root), []
    for number, fields in lines:
        if len(fields) != 3 or fields[0].lower() not in _LABELS:
            raise InvalidParameter(
                f"{listing}, line {number}: expected a label (1 or 0) and two file names"
            )
        label, first, second = fields
        trials.append(
            Trial(files.number(first, first), files.number(second, second), _LABELS[label.lower()])
        )
    people = _connected(len(files.names), trials)
    named = tuple(
        SampleFile(file.path, file.name, f"person {people[index]}")
        for index, file in enumerate(files.listed())
    )
    return TrialList(named, _checked(trials, listing), guessed_people=True)


def _checked(trials: list[Trial], listing: Path) -> tuple[Trial, ...]:
    if not trials:
        raise InvalidParameter(f"{listing} lists no pairs")
    return tuple(trials)


def _connected(count: int, trials: Iterable[Trial]) -> list[int]:
    """A number per file, the same for files that mated trials connect."""
    parent = list(range(count))

    def root_of(node: int) -> int:
        while parent[node] != node:
            parent[node] = parent[parent[node]]
            node = parent[node]
        return node

    for trial in trials:
        if trial.mated:
            parent[root_of(trial.first)] = root_of(trial.second)
    return [root_of(node) for node in range(count)]


class _Files:
    """Numbers files in the order they are first named."""

    def __init__(self, root: Path) -> None:
        self._root = root
        self.names: dict[str, tuple[int, str]] = {}

    def number(self, name: str, person: str) -> int:
        return self.names.setdefault(name, (len(self.names), person))[0]

    def listed(self) -> tuple[SampleFile, ...]:
        return tuple(
            SampleFile(self._root / name, name, person) for name, (_, person) in self.names.items()
        )
