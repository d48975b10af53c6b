"""Faces and voices of chimeric people, fused and alone: a part of ``benchmarks.verification``."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from itertools import product

import numpy as np
from numpy.typing import NDArray

from benchmarks.several_samples import RESAMPLES, with_interval
from perse.domain.decisions import similarity_at_fmr
from perse.domain.modality_fusion import ModalityFusion
from training.fusion import faces as of_faces
from training.fusion import voices as of_voices
from training.fusion.fit import Modality
from training.fusion.pairs import SIMILARITIES, Chosen, Floats, Pairs, halves, resampled

FACE_FMR, VOICE_FMR = 1e-4, 1e-2
# Samples of each where several are combined: as many faces as enough people have.
FACES, VOICES = 2, 5
GOOD = "as they are"
_RATES = (1e-2, 1e-3, 1e-4)

Mask = NDArray[np.bool_]
Decision = Callable[["Half"], Mask]


@dataclass(frozen=True, slots=True)
class Half:
    """People whom nothing was fitted on: ``fusion`` is that of the others."""

    fusion: ModalityFusion
    faces: Chosen
    voices: Chosen


@dataclass(frozen=True, slots=True)
class Chimeras:
    """Faces and voices of one condition, joined at random: of each half, as it is and resampled,
    how the mated and the other pairs spread over the bins of similarity."""

    faces: Floats
    voices: Floats
    halves: Sequence[Half]

    def rates(self, decide: Decision, *, mated: bool) -> Floats:
        """How often ``decide`` holds: as counted, then of every resample."""
        place = 0 if mated else 1
        return self._rates(decide, self.faces[:, :, place], self.voices[:, :, place])

    def of_one_only(self, decide: Decision) -> tuple[Floats, Floats]:
        """The same where only the face, and where only the voice is the person's."""
        (face, others_face), (voice, others_voice) = (
            (them[:, :, 0], them[:, :, 1]) for them in (self.faces, self.voices)
        )
        return self._rates(decide, face, others_voice), self._rates(decide, others_face, voice)

    def of_people_alike(self, decide: Decision) -> Floats:
        """Of strangers, if the half that is most alike in face were that in voice."""
        faces, voices = (_upper_half(them[:, :, 1]) for them in (self.faces, self.voices))
        return self._rates(decide, faces, voices) / 2

    def _rates(self, decide: Decision, faces: Floats, voices: Floats) -> Floats:
        rates = [
            ((of_faces @ decide(half)) * of_voices).sum(axis=1)
            for half, of_faces, of_voices in zip(self.halves, faces, voices, strict=True)
        ]
        return np.asarray(np.mean(rates, axis=0))


def _upper_half(shares: Floats) -> Floats:
    """The half of the pairs with the highest similarities, as shares of that half."""
    reached = np.minimum(1.0, 2 * np.cumsum(shares[..., ::-1], axis=-1)[..., ::-1])
    further = np.append(reached[..., 1:], np.zeros_like(reached[..., :1]), axis=-1)
    return np.asarray(reached - further)


def spreads(pairs: Pairs, held: Sequence[Chosen], drawn: Sequence[Floats]) -> Floats:
    """Halves x (1 + resamples) x mated or not x bins."""
    return np.array([[pairs.among(those).shares(it) for it in (None, *drawn)] for those in held])


def face_alone(fmr: float) -> Decision:
    threshold = similarity_at_fmr(fmr)
    reached = threshold <= SIMILARITIES
    return lambda _: np.repeat(reached[:, None], len(reached), axis=1)


def voice_alone(fmr: float) -> Decision:
    return lambda half: face_alone(fmr)(half).T


def fused(fmr: float) -> Decision:
    threshold = similarity_at_fmr(fmr)
    return lambda half: (
        half.fusion.similarities(SIMILARITIES[:, None], SIMILARITIES[None]) >= threshold
    )


def either(half: Half) -> Mask:
    return np.asarray(face_alone(FACE_FMR)(half) | voice_alone(VOICE_FMR)(half))


def both(half: Half) -> Mask:
    return np.asarray(face_alone(FACE_FMR)(half) & voice_alone(VOICE_FMR)(half))


def report_fusion(pack: str, faces: Modality, voices: Modality, *, taught_on: Modality) -> None:
    """``taught_on``: the faces that the evidence is fitted on, whatever pack it serves."""
    split = list(_fused_halves(taught_on, voices))
    print(f"\nface and voice, {pack}: {faces.people} faces x {voices.people} voices")
    for half in split:
        print(f"  fitted: {half.fusion.face}, {half.fusion.voice}")
    held = [half.faces for half in split], [half.voices for half in split]
    spread_faces = _by_condition(faces, of_faces.HELD_OUT, held[0], seed=9)
    spread_voices = _by_condition(voices, of_voices.HELD_OUT, held[1], seed=10)
    _report_policies(Chimeras(spread_faces[GOOD], spread_voices[GOOD], split))
    several = _of_samples(faces, FACES, held[0], 9), _of_samples(voices, VOICES, held[1], 10)
    print(f"  with {FACES} samples of the face and {VOICES} of the voice, combined:")
    _report_policies(Chimeras(*several, split))
    for face, voice in product(spread_faces, spread_voices):
        chimeras = Chimeras(spread_faces[face], spread_voices[voice], split)
        _report_condition(f"face {face}, voice {voice}", chimeras)


def _by_condition(
    modality: Modality, damage: Sequence[str], held: Sequence[Chosen], *, seed: int
) -> dict[str, Floats]:
    drawn = list(resampled(modality.people, RESAMPLES, seed))
    pairs = {
        GOOD: modality.good,
        **{it: modality.damaged[it] for it in damage},
    }
    return {name: spreads(it, held, drawn) for name, it in pairs.items()}


def _of_samples(modality: Modality, count: int, held: Sequence[Chosen], seed: int) -> Floats:
    trials = modality.trials.only(modality.trials.count == count)
    similarity = modality.scale.similarities(trials.combined(modality.share()))
    pairs = Pairs(similarity, trials.probe, trials.subject)
    return spreads(pairs, held, list(resampled(modality.people, RESAMPLES, seed)))


def _fused_halves(faces: Modality, voices: Modality) -> Iterator[Half]:
    one, other = zip(halves(faces.people), halves(voices.people), strict=True)
    for taught, held in ((one, other), (other, one)):
        yield Half(
            ModalityFusion(
                faces.evidence(of_faces.LEARNED, taught[0]),
                voices.evidence(of_voices.LEARNED, taught[1]),
            ),
            *held,
        )


def _report_policies(chimeras: Chimeras) -> None:
    policies = {
        "face alone, 1e-4": face_alone(FACE_FMR),
        "voice alone, 1e-2": voice_alone(VOICE_FMR),
        "any": either,
        "all": both,
        **{f"fused, {fmr:g}": fused(fmr) for fmr in _RATES},
    }
    for name, decide in policies.items():
        fmr = chimeras.rates(decide, mated=False)
        fnmr = 1 - chimeras.rates(decide, mated=True)
        face, voice = chimeras.of_one_only(decide)
        print(
            f"  {name:17} FMR {with_interval(fmr[0], fmr[1:])}, if likeness goes together "
            f"{chimeras.of_people_alike(decide)[0]:.1e}; FNMR {with_interval(fnmr[0], fnmr[1:])};"
            f" matches only by face {face[0]:.2%}, only by voice {voice[0]:.2%}"
        )


def _report_condition(name: str, chimeras: Chimeras) -> None:
    """Fused against the better of the two alone at the same stated rate."""
    print(f"  {name}")
    for fmr in (1e-3, 1e-4):
        face, voice, together = (
            1 - chimeras.rates(rule, mated=True)
            for rule in (face_alone(fmr), voice_alone(fmr), fused(fmr))
        )
        more = together - (face if face[0] <= voice[0] else voice)
        low, high = np.nanquantile(more[1:], (0.025, 0.975))
        strangers = chimeras.rates(fused(fmr), mated=False)[0]
        print(
            f"    {fmr:g}: FNMR face {face[0]:.2%}, voice {voice[0]:.2%}, fused {together[0]:.2%},"
            f" {more[0]:+.2%} ({low:+.2%} .. {high:+.2%}) to the better alone; "
            f"fused FMR {strangers:.1e}"
        )
