"""Which pictures train and evaluate: the files, and what is made of each.

Each comes from a generator seeded by its file's name.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from hashlib import sha256
from pathlib import Path

import numpy as np
from camera import Generator, Picture, seen_by_some_camera
from framing import Finder, Sighting, mirrored, near, read_rgb, shaken
from mixing import pasted, resized
from recapture import printed, replayed, screened
from splits import portrait_part, press_part
from surroundings import in_some_place, some_scene, spoilt, tight, turned

SIMULATED: dict[str, Callable[[Sighting, Picture, Generator], Sighting]] = {
    "simulated_print": printed,
    "simulated_screen": screened,
    "simulated_replay": replayed,
}
MIXED = "mixed"
SPOILT_COPIES = {"webcam": 3, "press": 2}
TRAINING_SEED, EVALUATION_SEED = 7, 1
WEBCAM_EVERY = 3  # of neighbouring frames, only each third is recaptured for evaluation
KEPT_SIGHTINGS = 200


@dataclass(frozen=True, slots=True)
class Source:
    """One picture file. ``origin``: press or webcam; ``species``: live or printed_photograph."""

    path: str
    origin: str
    species: str
    person: str


@dataclass(frozen=True, slots=True)
class Drawn:
    """What is to be cropped; None where no face was found.

    ``second``: the other webcam person. ``whole``: the picture before it was cut close to the
    face, where that is what the teacher's log odds are of.
    """

    source: Source
    species: str
    seen: Sighting | None
    second: str = ""
    whole: Sighting | None = None


def sources(data: Path) -> list[Source]:
    """Webcam frames, then portraits: faces_dev, faces_mated; each in the order of its path."""
    found = []
    for path in sorted(data.glob("pad_dev/*/*/*.jpg")):
        species = "live" if path.parts[-3] == "live" else "printed_photograph"
        found.append(Source(str(path.relative_to(data)), "webcam", species, path.parent.name))
    for folder in ("faces_dev", "faces_mated"):
        for path in sorted(data.glob(f"{folder}/*/*.jpg")):
            found.append(Source(str(path.relative_to(data)), "press", "live", path.parent.name))
    return found


def generator(seed: int, *words: str) -> Generator:
    """The same numbers for the same words, whatever ran before."""
    digest = sha256("/".join((str(seed), *words)).encode()).digest()
    return np.random.default_rng(int.from_bytes(digest[:8], "big"))


class Pictures:
    """Sightings by source; the latest few are kept."""

    def __init__(self, data: Path, finder: Finder) -> None:
        self._data, self._finder = data, finder
        self._kept: dict[str, Sighting | None] = {}

    def near(self, source: Source) -> Sighting | None:
        """The face and as much around it as any crop can show."""
        if source.path not in self._kept:
            if len(self._kept) > KEPT_SIGHTINGS:
                self._kept.clear()
            seen = self.whole(source)
            self._kept[source.path] = None if seen is None else near(seen)
        return self._kept[source.path]

    def whole(self, source: Source) -> Sighting | None:
        return self._finder.largest(read_rgb(self._data / source.path))

    def found_anew(self, picture: Picture) -> Sighting | None:
        return self._finder.largest(picture)


# --- for training ---------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class Company:
    """Whose faces are laid over those of webcam frames."""

    portraits: Sequence[Source]
    webcam: Sequence[Source]


def training_sightings(source: Source, company: Company, pictures: Pictures) -> Iterable[Drawn]:
    """The picture itself, changed, spoilt, recaptured and, from the webcam, with another face."""
    seen = pictures.near(source)
    if seen is None:
        return
    yield Drawn(source, source.species, seen)
    yield Drawn(source, source.species, _varied(seen, _rng(source, "var")))
    for copy in range(SPOILT_COPIES[source.origin]):
        out, whole = _spoilt(seen, _rng(source, "spoilt", str(copy)))
        yield Drawn(source, source.species, out, whole=whole)
    if source.species == "live":
        for number, species in enumerate(_kinds(source)):
            rng = _rng(source, "sim", species)
            made = _recaptured(seen, species, rng)
            yield Drawn(source, species, made)
            if not number:
                yield Drawn(source, species, _spoilt(made, rng)[0])
    if source.origin == "webcam":
        yield from _mixtures(source, seen, company, pictures)


def _rng(source: Source, *words: str) -> Generator:
    return generator(TRAINING_SEED, source.path, *words)


def _varied(seen: Sighting, rng: Generator) -> Sighting:
    out = resized(seen, rng, 60, 150)
    if rng.random() < 0.12:
        out = turned(out, rng)
    if rng.random() < 0.5:
        out = mirrored(out)
    return Sighting(seen_by_some_camera(out.picture, rng), out.box)


def _spoilt(seen: Sighting, rng: Generator) -> tuple[Sighting, Sighting | None]:
    """And the whole picture, if it was cut."""
    whole = resized(seen, rng, 60, 150)
    whole = Sighting(whole.picture, shaken(whole.box, rng))
    if rng.random() < 0.5:
        whole = mirrored(whole)
    out = spoilt(whole, rng)
    is_cut = out.picture.shape != whole.picture.shape
    out = Sighting(seen_by_some_camera(out.picture, rng), out.box)
    return out, whole if is_cut else None


def _kinds(source: Source) -> list[str]:
    """Which recaptures: one of a webcam frame, a print and a display of a portrait."""
    kinds, rng = list(SIMULATED), _rng(source, "sim")
    if source.origin == "webcam":
        return [kinds[int(rng.integers(3))]]
    return [kinds[0], kinds[1 + int(rng.integers(2))]]


def _recaptured(seen: Sighting, species: str, rng: Generator) -> Sighting:
    seen = resized(seen, rng, 80, 150)
    if rng.random() < 0.3:
        seen = in_some_place(seen, rng)
    made = SIMULATED[species](seen, some_scene(seen.picture, rng), rng)
    return Sighting(seen_by_some_camera(made.picture, rng), shaken(made.box, rng))


def _mixtures(
    source: Source, seen: Sighting, company: Company, pictures: Pictures
) -> Iterable[Drawn]:
    """With the face of a portrait, of a webcam, and of two portraits in a tight picture."""
    pools = (company.portraits, company.webcam, company.portraits, company.portraits)
    for copy, pool in enumerate(pools):
        rng = _rng(source, "paste", str(copy))
        other = pool[int(rng.integers(len(pool)))]
        guest = pictures.near(other)
        if guest is not None:
            mixed = _mixed(seen, guest, rng)
            second = other.person if other.origin == "webcam" else ""
            out, whole = (mixed, None) if copy < 2 else (tight(mixed, rng), mixed)
            yield Drawn(source, MIXED, out, second, whole)


def _mixed(host: Sighting, guest: Sighting, rng: Generator) -> Sighting:
    out = pasted(resized(host, rng, 80, 150), guest, rng)
    if rng.random() >= 0.6:
        return out
    return Sighting(seen_by_some_camera(out.picture, rng), shaken(out.box, rng))


# --- for evaluation -------------------------------------------------------------------------------


def evaluation_sightings(source: Source, pictures: Pictures) -> Iterable[Drawn]:
    """The picture itself and, for a live one, one recapture of each kind, found anew."""
    seen = pictures.whole(source)
    yield Drawn(source, source.species if seen else f"{source.species}:not_found", seen)
    if seen is None or source.species != "live" or not _is_recaptured(source):
        return
    for species, recapture in SIMULATED.items():
        rng = generator(EVALUATION_SEED, "evaluation", source.path, species)
        made = recapture(seen, some_scene(seen.picture, rng), rng)
        found = pictures.found_anew(seen_by_some_camera(made.picture, rng))
        yield Drawn(source, species if found else f"{species}:not_found", found)


def _is_recaptured(source: Source) -> bool:
    """Of the portraits, those that test; of the webcam frames each third."""
    if source.origin == "press":
        return portrait_part(source.path, source.person) == "test"
    return generator(EVALUATION_SEED, source.path).random() * WEBCAM_EVERY <= 1


def evaluated(data: Path) -> list[Source]:
    """Webcam frames, and portraits whose people do not train."""
    return [
        source
        for source in sources(data)
        if source.origin == "webcam" or press_part(source.person) != "train"
    ]
