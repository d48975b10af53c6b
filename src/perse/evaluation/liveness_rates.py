"""Error rates of presentation attack detection, ISO/IEC 30107-3.

A presentation counts as bona fide when its PAD score >= the threshold. APCER: share of the attacks
of one species taken for bona fide; the worst species is the figure. BPCER: share of bona fide
presentations taken for attacks. ACER: mean of the worst APCER and BPCER. Presentations without a
face are non-responses, counted apart (APNRR, BPNRR). All 0..1.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from perse.errors import InvalidParameter
from perse.evaluation.acquisition import Acquired
from perse.evaluation.comparison_rates import failures_of
from perse.evaluation.error_rates import PairScores, Scores
from perse.evaluation.groups import Group
from perse.evaluation.presentations import Presentations
from perse.evaluation.results import (
    LivenessResult,
    NamedScore,
    PadGroupRates,
    PadRates,
    PadRatesAtBpcer,
    Provenance,
    Rate,
    SpeciesRates,
)
from perse.evaluation.samples import Samples
from perse.evaluation.shares import share_of

BPCER_TARGETS = (0.1, 0.05, 0.02, 0.01)
_WORST = 20


@dataclass(frozen=True, slots=True)
class PadQuestion:
    """``bpcer``: what the decision threshold aims at. ``served``: the threshold in use now."""

    provenance: Provenance
    bpcer: float
    served: float | None = None
    notes: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True, eq=False)
class PadScores:
    """PAD scores with names and people; ``species`` None = bona fide."""

    scores: Scores
    names: tuple[str, ...]
    people: tuple[str, ...]
    species: tuple[str | None, ...]

    @classmethod
    def of(cls, presentations: Presentations, samples: Samples) -> PadScores:
        """Raises InvalidParameter when no score was had, or none of bona fide or of attacks."""
        scored = [
            (outcome.pad, file.name, file.person, species)
            for file, outcome, species in zip(
                presentations.files, samples.outcomes, presentations.species, strict=True
            )
            if isinstance(outcome, Acquired) and outcome.pad is not None
        ]
        kinds = {species is None for *_, species in scored}
        if kinds != {True, False}:
            raise InvalidParameter(
                "no PAD score could be had of bona fide pictures, or none of attacks: see the "
                "failures, and check with `perse doctor` that the pack has an attack detector"
            )
        pads, names, people, species = zip(*scored, strict=True)
        return cls(np.array(pads, np.float32), names, people, species)

    def where(self, species: str | None) -> NDArray[np.bool_]:
        return np.array([kind == species for kind in self.species])

    @property
    def attack_species(self) -> list[str]:
        return sorted({kind for kind in self.species if kind is not None})

    def threshold_for_bpcer(self, bpcer: float) -> float:
        """The highest threshold that refuses at most that share of bona fide presentations.

        Raises InvalidParameter when so few cannot show such a rate.
        """
        bona_fide = np.sort(self.scores[self.where(None)])
        if bpcer < 3 / bona_fide.size:
            raise InvalidParameter(
                f"{bona_fide.size:,} bona fide presentations support BPCER "
                f"{3 / bona_fide.size * 100:.2g} %, not {bpcer * 100:g} %"
            )
        return float(bona_fide[int(np.floor(bpcer * bona_fide.size + 1e-9))])

    def rates(self, threshold: float) -> PadRates:
        """Every rate at ``threshold``."""
        live = self.scores >= np.float32(threshold)
        species = tuple(
            SpeciesRates(name, self._share(live, self.where(name))) for name in self.attack_species
        )
        worst = max(species, key=lambda found: found.apcer.share)
        bpcer = self._share(~live, self.where(None))
        acer = (worst.apcer.share + bpcer.share) / 2
        return PadRates(threshold, bpcer, worst.species, worst.apcer, acer, species)

    def _share(self, errors: NDArray[np.bool_], which: NDArray[np.bool_]) -> Rate:
        people = [person for person, chosen in zip(self.people, which, strict=True) if chosen]
        return share_of(errors[which], people)

    def pooled(self) -> PairScores:
        """Bona fide as mated, attacks of all species as non-mated: for curves."""
        bona_fide = self.where(None)
        return PairScores.of(self.scores[bona_fide], self.scores[~bona_fide])

    def of_species(self, species: str) -> PairScores:
        return PairScores.of(self.scores[self.where(None)], self.scores[self.where(species)])


def rate_liveness(
    presentations: Presentations, samples: Samples, question: PadQuestion, groups: list[Group]
) -> tuple[LivenessResult, PadScores]:
    """Raises InvalidParameter when scores of one kind are missing altogether."""
    scores = PadScores.of(presentations, samples)
    points = tuple(
        _point(scores, bpcer) for bpcer in sorted({*BPCER_TARGETS, question.bpcer}, reverse=True)
    )
    carried = [point for point in points if point.rates and point.bpcer >= question.bpcer]
    served = scores.rates(question.served) if question.served is not None else None
    chosen = served or (carried[-1].rates if carried else None)
    threshold = chosen.threshold if chosen else None
    result = LivenessResult(
        provenance=question.provenance,
        people=len(set(scores.people)),
        files=len(samples.files),
        left_out=len(presentations.left_out),
        bona_fide=int(scores.where(None).sum()),
        attacks=int((~scores.where(None)).sum()),
        bona_fide_non_response=_non_response(presentations, samples, bona_fide=True),
        attack_non_response=_non_response(presentations, samples, bona_fide=False),
        failures=failures_of(samples),
        equal_error_rates={
            name: scores.of_species(name).equal_error_rate() for name in scores.attack_species
        },
        served=served,
        points=points,
        decision=chosen,
        groups=tuple(_group(presentations, scores, group, threshold) for group in groups),
        worst_attacks=_worst(scores, threshold, bona_fide=False),
        worst_bona_fide=_worst(scores, threshold, bona_fide=True),
        notes=question.notes,
    )
    return result, scores


def _point(scores: PadScores, bpcer: float) -> PadRatesAtBpcer:
    try:
        return PadRatesAtBpcer(bpcer, "", scores.rates(scores.threshold_for_bpcer(bpcer)))
    except InvalidParameter as refused:
        return PadRatesAtBpcer(bpcer, refused.message, None)


def _non_response(presentations: Presentations, samples: Samples, *, bona_fide: bool) -> Rate:
    of_kind = [
        (not isinstance(outcome, Acquired), file.person)
        for file, outcome, species in zip(
            samples.files, samples.outcomes, presentations.species, strict=True
        )
        if (species is None) == bona_fide
    ]
    return share_of(np.array([silent for silent, _ in of_kind]), [who for _, who in of_kind])


def _group(
    presentations: Presentations, scores: PadScores, group: Group, threshold: float | None
) -> PadGroupRates:
    members = {
        file.name for file, member in zip(presentations.files, group.members, strict=True) if member
    }
    inside = np.array([name in members for name in scores.names])
    people = [person for person, chosen in zip(scores.people, inside, strict=True) if chosen]
    return PadGroupRates(
        group.attribute,
        group.value,
        len(set(people)),
        _group_share(scores, inside & ~scores.where(None), threshold, attacks=True),
        _group_share(scores, inside & scores.where(None), threshold, attacks=False),
    )


def _group_share(
    scores: PadScores, which: NDArray[np.bool_], threshold: float | None, *, attacks: bool
) -> Rate | None:
    if threshold is None or not which.any():
        return None
    live = scores.scores[which] >= np.float32(threshold)
    people = [person for person, chosen in zip(scores.people, which, strict=True) if chosen]
    return share_of(live if attacks else ~live, people)


def _worst(
    scores: PadScores, threshold: float | None, *, bona_fide: bool
) -> tuple[NamedScore, ...]:
    """The highest-scoring attacks taken for bona fide, or the lowest-scoring bona fide refused."""
    if threshold is None:
        return ()
    live = scores.scores >= np.float32(threshold)
    wrong = np.flatnonzero((scores.where(None) == bona_fide) & (live != bona_fide))
    order = wrong[np.argsort(scores.scores[wrong] * (1 if bona_fide else -1), kind="stable")]
    return tuple(
        NamedScore(scores.names[k], round(float(scores.scores[k]), 4)) for k in order[:_WORST]
    )
