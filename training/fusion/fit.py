"""Fit how samples of one person, and how face and voice, are taken together.

    python -m training.fusion.fit --faces build/fusion --voices ../shared/data/voice_dev --weights W

prints src/perse/weights/shipped/fusion.toml. ``--faces``: a folder with ``PACK.npz``, templates as
``benchmarks/face_operating_points.py --pack PACK --kept`` writes them, and with ``captures``, as
``training/recognisability/captures.py`` writes them of "mated" and "fit_mated". W: weights.
``docs/verification.md`` has the commands.
"""

from __future__ import annotations

import argparse
import datetime
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from perse.domain.decisions import SimilarityScale, similarity_at_fmr
from perse.domain.modality_fusion import Evidence
from training.fusion import faces as of_faces
from training.fusion import voices as of_voices
from training.fusion.faces import FacesOfPack, read_faces
from training.fusion.pairs import SIMILARITIES, Chosen, Floats, Pairs
from training.fusion.samples import Trials, fitted_share
from training.fusion.voices import VoicesOfPack, read_voices
from training.voice.kept import KeptVoices

PACKS = ("standard", "compact")
FACE_FMR, VOICE_FMR = 1e-4, 1e-2
FACE_COUNTS, VOICE_COUNTS = (2, 3), (2, 3, 5, 9)
# One capture in ten shows nothing of its person: a caution, not a measurement.
LOST = 0.1
_STEEPNESS: Floats = np.arange(20.0, 81.0)
_MIDDLE: Floats = np.round(np.arange(0.5, 0.801, 0.005), 3)


def fitted_evidence(good: Floats, damaged: Sequence[Floats], highest: float) -> Evidence:
    """What tells mated pairs from strangers best (least cross-entropy, both as likely).

    ``good``, ``damaged``: mated pairs by bin of similarity; the damaged ones count as much as the
    good ones. Strangers are as the scale states them.
    """
    mated = good if not damaged else (good + np.mean(damaged, axis=0)) / 2
    strangers = _stated()
    mated = (1 - LOST) * mated + LOST * strangers

    def loss(evidence: Evidence) -> float:
        ratio = evidence.log_ratio(SIMILARITIES)
        missed, passed = np.logaddexp(0, -ratio), np.logaddexp(0, ratio)
        return float(mated @ missed + strangers @ passed)

    candidates = (
        Evidence(float(steepness), float(middle), highest, LOST)
        for steepness in _STEEPNESS
        for middle in _MIDDLE
        if middle < highest
    )
    return min(candidates, key=loss)


def _stated() -> Floats:
    """How many strangers fall into each bin of similarity, as the scale states it."""
    edges = np.append(SIMILARITIES - SIMILARITIES[0], 1.0)
    reached = np.minimum(1.0, 10 ** (10 * (0.4 - edges)))
    shares: Floats = -np.diff(reached)
    shares[-1] += reached[-1]
    return shares


def highest_of(scale: SimilarityScale) -> float:
    """The similarity of the smallest rate that was measured."""
    return round(similarity_at_fmr(scale.points[-1].fmr), 6)


@dataclass(frozen=True, slots=True)
class Modality:
    """What is fitted on: captures as they are, some of them damaged, and several samples."""

    good: Pairs
    damaged: dict[str, Pairs]
    trials: Trials
    scale: SimilarityScale
    people: int
    fmr: float
    counts: Sequence[int]

    def share(self, among: Chosen | None = None) -> float:
        """See ``fitted_share``."""
        trials = self.trials if among is None else self.trials.among(among)
        cosine = self.scale.cosine(similarity_at_fmr(self.fmr))
        return fitted_share(trials, cosine, self.fmr, self.counts)

    def evidence(self, learned: Sequence[str], among: Chosen | None = None) -> Evidence:
        """See ``fitted_evidence``; ``learned``: which kinds of damage."""

        def mated(pairs: Pairs) -> Floats:
            return (pairs if among is None else pairs.among(among)).shares()[0]

        damaged = [mated(self.damaged[name]) for name in learned]
        return fitted_evidence(mated(self.good), damaged, highest_of(self.scale))


def face_modality(faces: FacesOfPack) -> Modality:
    return _modality(faces, len(faces.people), FACE_FMR, FACE_COUNTS)


def voice_modality(voices: VoicesOfPack) -> Modality:
    return _modality(voices, len(voices.people), VOICE_FMR, VOICE_COUNTS)


def _modality(
    data: FacesOfPack | VoicesOfPack, people: int, fmr: float, counts: Sequence[int]
) -> Modality:
    damaged = {name: data.damaged_pairs(name) for name in data.damaged}
    return Modality(data.pairs(), damaged, data.trials(), data.scale, people, fmr, counts)


def fusion_arguments(description: str | None) -> argparse.Namespace:
    parser = argparse.ArgumentParser(
        description=description, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--faces", type=Path, default=Path("build/fusion"))
    parser.add_argument("--voices", type=Path, required=True)
    parser.add_argument("--weights", type=Path, required=True)
    parser.add_argument("--kept", type=Path, default=Path("build/voices"))
    return parser.parse_args()


def read_modalities(given: argparse.Namespace) -> tuple[dict[str, Modality], Modality]:
    """Faces by pack, and voices."""
    voices = voice_modality(read_voices(given.voices, given.weights, KeptVoices(given.kept)))
    read: Callable[[str], FacesOfPack] = lambda pack: read_faces(  # noqa: E731
        pack, given.faces / f"{pack}.npz", given.faces / "captures"
    )
    return {pack: face_modality(read(pack)) for pack in PACKS}, voices


def main() -> None:
    faces, voices = read_modalities(fusion_arguments(__doc__))
    shares = {"sface": faces["standard"].share(), "mobilefacenet": faces["compact"].share()}
    shares["campplus"] = voices.share()
    print("# Printed by training/fusion/fit.py; docs/verification.md")
    print(f"date = {datetime.date.today()}\n\n[samples]")
    for name, share in shares.items():
        print(f"{name} = {share}")
    told = {
        "face": faces["standard"].evidence(of_faces.LEARNED),
        "voice": voices.evidence(of_voices.LEARNED),
    }
    for name, evidence in told.items():
        print(f"\n[{name}]\nsteepness = {evidence.steepness}\nmiddle = {evidence.middle}")
        print(f"lost = {evidence.lost}")


if __name__ == "__main__":
    main()
