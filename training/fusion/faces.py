"""Faces for the fits of fusion: whom they are of, and what the server's scale says of pairs."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from perse.domain.decisions import SimilarityScale
from perse.domain.recognisability import Captured, Recognisability
from perse.weights.catalogue import load_catalog
from perse.weights.recognisability import shipped_recognisability
from training.fusion.pairs import Floats, Numbers, Pairs
from training.fusion.samples import Trials, trials_of
from training.recognisability.captures import Captures, pictures_of, read_bank

LEARNED = ("blur_2", "sunglasses")
HELD_OUT = ("blur_3", "motion_15", "mask", "light_0.15", "speckles")
DAMAGE = (*LEARNED, *HELD_OUT)
PARTS = ("mated", "fit_mated")
MOST_SAMPLES = 5
ROUNDS = 3
_BLOCK = 256


@dataclass(frozen=True, slots=True, eq=False)
class Faces:
    """Captures that can be assessed, in rows. ``person``: whose; ``picture``: its place among the
    person's, as far as pairs of one picture must be left out; ``unassessable``: how many were."""

    vectors: NDArray[np.float32]
    captured: Captured
    person: Numbers
    picture: NDArray[np.str_]
    unassessable: int


@dataclass(frozen=True, slots=True, eq=False)
class FacesOfPack:
    """``good`` pictures and the same under each kind of damage."""

    people: Sequence[str]
    good: Faces
    damaged: Mapping[str, Faces]
    model: Recognisability
    scale: SimilarityScale

    def pairs(self) -> Pairs:
        """Every two good pictures once."""
        return Pairs.all_of(list(self._pairs(self.good, self.good, once=True)))

    def damaged_pairs(self, name: str) -> Pairs:
        """A damaged picture with good ones, but for the picture that it was."""
        return Pairs.all_of(list(self._pairs(self.damaged[name], self.good, once=False)))

    def _pairs(self, first: Faces, second: Faces, *, once: bool) -> Iterator[Pairs]:
        for start in range(0, len(first.person), _BLOCK):
            rows = slice(start, start + _BLOCK)
            cosines = self.cosines(first, second, rows)
            if once:
                wanted = np.triu(np.ones(cosines.shape, bool), k=start + 1)
            else:
                wanted = first.picture[rows, None] != second.picture[None, :]
            row, column = np.nonzero(wanted)
            persons = first.person[rows][row], second.person[column]
            yield Pairs(self.scale.similarities(cosines[row, column]), *persons)

    def cosines(self, first: Faces, second: Faces, rows: slice) -> Floats:
        """As the scale takes them, given how recognisable both captures are."""
        heard = np.asarray(first.vectors[rows] @ second.vectors.T, np.float64)
        return self.model.corrected(heard, first.captured.of(rows), second.captured)

    def trials(self) -> Trials:
        """All good pictures against one, two ... samples of everybody who has two or more: the
        samples drawn ``ROUNDS`` times, for one's own pictures out of the others."""
        chance = np.random.default_rng(3)
        own = [np.flatnonzero(self.good.person == it) for it in range(len(self.people))]
        several = [(person, rows) for person, rows in enumerate(own) if len(rows) > 1]
        parts = [
            part
            for _ in range(ROUNDS)
            for person, rows in several
            for part in self._against(person, rows, chance)
        ]
        return Trials.all_of(parts)

    def _against(self, person: int, rows: Numbers, chance: np.random.Generator) -> Iterator[Trials]:
        corrected = self.model.corrected(
            np.asarray(self.good.vectors @ self.good.vectors[rows].T, np.float64),
            self.good.captured,
            self.good.captured.of(rows),
        )
        others = np.flatnonzero(self.good.person != person)
        ones: list[tuple[Numbers, Numbers]] = [
            (rows[[k]], np.delete(rows, k)) for k in range(len(rows))
        ]
        for probes, own in ((others, rows), *ones):
            drawn = chance.permutation(own)
            place = np.searchsorted(rows, drawn)
            yield trials_of(
                corrected[np.ix_(probes, place)],
                np.asarray(self.good.vectors[drawn], np.float64),
                self.good.person[probes],
                person,
                len(rows),
                MOST_SAMPLES,
            )


def read_faces(pack: str, kept: Path, captures: Path) -> FacesOfPack:
    """``kept``: templates as benchmarks/face_operating_points.py --kept writes them; ``captures``:
    as training/recognisability/captures.py writes them, of DAMAGE in PARTS."""
    model, scale = model_and_scale(pack)
    people, good = read_good(model, kept)
    banks = [read_bank(captures, part, pack, ("none", *DAMAGE)) for part in PARTS]
    damaged = {name: _damaged(model, people, [bank[name] for bank in banks]) for name in DAMAGE}
    for name, faces in {"good": good, **damaged}.items():
        print(f"# {pack}, {name}: {len(faces.person)} assessable, {faces.unassessable} not")
    return FacesOfPack(people, good, damaged, model, scale)


def model_and_scale(pack: str) -> tuple[Recognisability, SimilarityScale]:
    card = load_catalog().cards_of(pack)["face_embedder"]
    model, points = shipped_recognisability(card.name), card.operating_points
    assert model is not None and points is not None  # noqa: S101, PT018 - both ship
    return model, SimilarityScale(points.points)


def read_good(model: Recognisability, kept: Path) -> tuple[Sequence[str], Faces]:
    """Everybody's name, and the templates that were ``kept``."""
    file = np.load(kept, allow_pickle=False)
    folder = np.array([name.split("/")[0] for name in file["names"].tolist()])
    picture = np.array([Path(name).stem for name in file["names"].tolist()])
    people = sorted({*folder.tolist()})
    person = np.searchsorted(people, folder)
    return people, _faces(model, file["vectors"], file["traits"].T, person, picture)


def _damaged(model: Recognisability, people: Sequence[str], parts: Sequence[Captures]) -> Faces:
    rows = [
        (vector, (length, mirrored), person, pictures[number].stem)
        for captures, pictures in zip(parts, map(pictures_of, PARTS), strict=True)
        for vector, length, mirrored, person, number in zip(
            captures.vectors,
            captures.lengths,
            captures.mirror_cosines,
            np.searchsorted(people, captures.person),
            captures.picture,
            strict=True,
        )
    ]
    vectors, traits, person, picture = (np.array(column) for column in zip(*rows, strict=True))
    return _faces(model, vectors, traits.T, person, picture)


def _faces(
    model: Recognisability,
    vectors: NDArray[np.float32],
    traits: Floats,
    person: Numbers,
    picture: NDArray[np.str_],
) -> Faces:
    known = model.of_all(vectors, *traits)
    told = known >= model.least
    captured = model.captured(vectors[told], known[told])
    return Faces(vectors[told], captured, person[told], picture[told], int((~told).sum()))
