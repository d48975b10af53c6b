"""Voices for the fits of fusion: as the server's scale says of pairs, never with a cohort that one
of the two speakers belongs to."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import partial
from pathlib import Path

import numpy as np

from perse.bootstrap.voices import spread_correction
from perse.domain.decisions import SimilarityScale
from perse.domain.stranger_spread import RecordedMany, SpreadCorrection
from perse.weights.catalogue import load_catalog
from training.fusion.pairs import Floats, Numbers, Pairs
from training.fusion.samples import Trials, trials_of
from training.voice.conditions import held_out
from training.voice.fit_campplus import lessons_of
from training.voice.kept import KeptVoices
from training.voice.trials import (
    CLIP_S,
    Cohort,
    Voices,
    clips,
    open_voice_networks,
    read_recordings,
    templates,
    voices_of,
)

LEARNED = ("white noise, 10 dB", "room, 0.9 s", "GSM", "Opus, 24 kbit/s")
HELD_OUT = ("telephone", "pink noise, 10 dB", "babble, 10 dB", "room, 0.6 s")
MOST_SAMPLES = 9
_CHANGED = (1, 5)


@dataclass(frozen=True, slots=True, eq=False)
class VoicesOfPack:
    """``clips``: of ten recordings a person; ``damaged``: some of them under each condition."""

    people: Sequence[str]
    clips: Voices
    damaged: Mapping[str, Voices]
    cohort: Cohort
    correction: SpreadCorrection
    scale: SimilarityScale

    def pairs(self) -> Pairs:
        """Every two clips once."""
        return self._pairs(self.clips, once=True)

    def damaged_pairs(self, name: str) -> Pairs:
        """A damaged clip with clips as they are, but for the one that it was."""
        return self._pairs(self.damaged[name], once=False)

    def _pairs(self, first: Voices, *, once: bool) -> Pairs:
        parts = []
        for one, other, ours, theirs, cosines in self._blocks(first):
            sources = ours.sources[:, None], theirs.sources[None, :]
            wanted = sources[0] < sources[1] if once else sources[0] != sources[1]
            told = self.scale.similarities(cosines[wanted])
            parts.append(Pairs(told, np.full(told.size, one), np.full(told.size, other)))
        return Pairs.all_of(parts)

    def trials(self) -> Trials:
        """Every clip against one, two ... clips of everybody, in an order drawn for each; of one's
        own out of the others."""
        chance, parts = np.random.default_rng(3), []
        for one, other, ours, theirs, cosines in self._blocks(self.clips):
            vectors = templates(theirs, self.cohort.without(self.people[one], self.people[other]))
            for row in range(len(cosines)):
                kept = np.flatnonzero(theirs.sources != ours.sources[row])
                drawn = chance.permutation(kept)
                parts.append(
                    trials_of(
                        cosines[row : row + 1, drawn],
                        vectors[drawn].astype(np.float64),
                        np.array([one]),
                        other,
                        len(theirs.sources),
                        MOST_SAMPLES,
                    )
                )
        return Trials.all_of(parts)

    def _blocks(self, first: Voices) -> Iterator[tuple[int, int, Voices, Voices, Floats]]:
        """Of every two persons: their numbers, their voices, and the corrected cosines."""
        ours, theirs = self._by_person(first), self._by_person(self.clips)
        for one, some in ours.items():
            for other, others in theirs.items():
                common = self.cohort.without(self.people[one], self.people[other])
                heard = templates(some, common) @ templates(others, common).T
                corrected = self.correction.corrected(
                    heard.astype(np.float64),
                    RecordedMany(some.net_s[:, None], some.bandwidth_hz[:, None]),
                    RecordedMany(others.net_s[None, :], others.bandwidth_hz[None, :]),
                )
                yield one, other, some, others, np.asarray(corrected, np.float64)

    def _by_person(self, voices: Voices) -> dict[int, Voices]:
        person: Numbers = np.searchsorted(self.people, voices.speakers)
        return {int(it): voices.of(person == it) for it in np.unique(person)}


def read_voices(recordings: Path, weights: Path, kept: KeptVoices) -> VoicesOfPack:
    """What is not ``kept`` yet is computed."""
    networks = open_voice_networks(weights)
    short = clips(read_recordings(recordings), networks, CLIP_S)
    lessons = lessons_of(short, networks, kept)
    changes = held_out([recording.sample for recording in short])
    numbers = [number for number in range(len(short)) if number % 10 in _CHANGED]
    unknown = {
        name: kept.of(name, partial(voices_of, short, networks, changes[name], numbers=numbers))
        for name in HELD_OUT
    }
    known = {name: lessons.conditions[name] for name in LEARNED}
    card = load_catalog().card("campplus")
    assert card.operating_points is not None  # noqa: S101 - it ships
    return VoicesOfPack(
        sorted({*lessons.lengths[0].speakers.tolist()}),
        lessons.lengths[0],
        {**known, **unknown},
        lessons.cohort(),
        spread_correction(card),
        SimilarityScale(card.operating_points.points),
    )
