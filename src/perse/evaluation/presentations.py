"""Bona fide presentations and attacks: ``live/`` and ``spoof/``, the latter by species if split."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from perse.errors import InvalidParameter
from perse.evaluation.sample_files import PICTURES, SampleFile, visible_files

_ONE_SPECIES = "attack"


@dataclass(frozen=True, slots=True)
class Presentations:
    """``species[k]`` is the attack instrument species of file k, None of a bona fide one.
    ``guessed_people``: some files stand in no person's folder, so each counts as a person."""

    files: tuple[SampleFile, ...]
    species: tuple[str | None, ...]
    left_out: tuple[str, ...]
    guessed_people: bool


def read_presentations(root: Path) -> Presentations:
    """``live/[person/]`` and ``spoof/[species/][person/]`` below ``root``.

    Folders right below ``spoof`` are species, unless one of them is also right below ``live``: then
    they are people, and the attacks are of one species. Raises InvalidParameter when either of the
    two has no pictures.
    """
    live, spoof = root / "live", root / "spoof"
    split = _folders(spoof) - _folders(live) == _folders(spoof)
    files: list[SampleFile] = []
    species: list[str | None] = []
    left_out: list[str] = []
    for path in (*_files(live), *_files(spoof)):
        relative = path.relative_to(root)
        if path.suffix.lower() not in PICTURES:
            left_out.append(relative.as_posix())
            continue
        kind, *folders = relative.parts[:-1]
        attack = None if kind == "live" else _ONE_SPECIES
        if attack and split and folders:
            attack, *folders = folders
        person = folders[0] if folders else relative.as_posix()
        files.append(SampleFile(path, relative.as_posix(), person))
        species.append(attack)
    if None not in species or len(set(species)) < 2:
        raise InvalidParameter(f"{root} must hold pictures in both folders, live and spoof")
    guessed = any(file.person == file.name for file in files)
    return Presentations(tuple(files), tuple(species), tuple(left_out), guessed)


def _files(folder: Path) -> list[Path]:
    if not folder.is_dir():
        raise InvalidParameter(f"{folder} is missing: there must be a folder live and one spoof")
    return visible_files(folder)


def _folders(folder: Path) -> set[str]:
    if not folder.is_dir():
        return set()
    return {entry.name for entry in folder.iterdir() if entry.is_dir()}
