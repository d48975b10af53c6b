"""Error rates of open-set identification, ISO/IEC 19795-1, with what the data can carry."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from perse.domain.decisions import fmr_key
from perse.domain.identification import SearchClaims
from perse.evaluation.comparison_rates import failure_to_acquire, failures_of
from perse.evaluation.error_rates import two_digits
from perse.evaluation.results import NamedPair, Provenance
from perse.evaluation.samples import Samples
from perse.evaluation.search_results import (
    IdentificationResult,
    RateAtRank,
    RatesAtFpir,
    SearchRates,
    ServedSearches,
)
from perse.evaluation.searches import Searches, search_all
from perse.evaluation.shares import share_of

FPIRS = (1e-1, 1e-2, 1e-3, 1e-4)
RANKS = (1, 2, 5, 10, 20)
_WORST = 20
_RULE_OF_THREE = 3.0
_RESAMPLED = (
    "For the intervals the people searched for are drawn anew; the gallery stays as it is, so they "
    "do not tell how rates differ between galleries."
)


@dataclass(frozen=True, slots=True)
class SearchQuestion:
    """``fpir``: what ``identify`` is asked for. ``claims``: of the network, None where nobody
    measured it. ``candidates``: how many are asked for."""

    provenance: Provenance
    fpir: float
    claims: SearchClaims | None
    candidates: int = 10
    left_out: int = 0


def rate_searches(
    samples: Samples, question: SearchQuestion
) -> tuple[IdentificationResult, Searches]:
    """Raises InvalidParameter when nobody can be searched for."""
    judge = _Judge(samples, search_all(samples), question)
    searches = judge.searches
    fpirs = sorted({*FPIRS, question.fpir}, reverse=True)
    result = IdentificationResult(
        provenance=question.provenance,
        people=len({file.person for file in samples.files}),
        files=len(samples.files),
        left_out=question.left_out,
        failure_to_acquire=failure_to_acquire(samples),
        failures=failures_of(samples),
        gallery_people=judge.people,
        gallery_files=len(searches.person),
        mated_searches=len(searches.mated_searches),
        non_mated_searches=len(searches.person),
        smallest_supported_fpir=judge.smallest_fpir,
        candidates=question.candidates,
        ranks=tuple(judge.at_rank(rank) for rank in RANKS if rank < judge.people),
        points=tuple(judge.point(fpir) for fpir in fpirs),
        served=(served := judge.served()),
        worst_false_candidates=judge.worst(served.rates.threshold if served else -1.0),
        notes=(_RESAMPLED,),
    )
    return result, searches


@dataclass(frozen=True, slots=True)
class _Judge:
    samples: Samples
    searches: Searches
    question: SearchQuestion

    @property
    def people(self) -> int:
        return int(self.searches.person.max()) + 1

    @property
    def smallest_fpir(self) -> float:
        """By the rule of three; the searches for one person agree, so people are counted."""
        return min(1.0, _RULE_OF_THREE / self.people)

    def at(self, threshold: float) -> SearchRates:
        searches, most = self.searches, self.question.candidates
        claims, rows = self.question.claims, searches.mated_searches
        false = searches.non_mated >= np.float32(threshold)
        return SearchRates(
            threshold,
            claims.scale.similarity(threshold) if claims else None,
            share_of(false, self._names(np.arange(len(searches.person)))),
            share_of(~searches.found(threshold, 1), self._names(rows)),
            share_of(~searches.found(threshold, most), self._names(rows)),
        )

    def at_rank(self, rank: int) -> RateAtRank:
        rows = self.searches.mated_searches
        return RateAtRank(rank, share_of(self.searches.rank[rows] > rank, self._names(rows)))

    def point(self, fpir: float) -> RatesAtFpir:
        if fpir < self.smallest_fpir:
            told = two_digits(self.smallest_fpir)
            refusal = f"searches for {self.people:,} people support FPIR {told}, not "
            return RatesAtFpir(fpir, refusal + fmr_key(fpir), None)
        return RatesAtFpir(fpir, "", self.at(self.searches.threshold_for_fpir(fpir)))

    def served(self) -> ServedSearches | None:
        claims = self.question.claims
        if claims is None:
            return None
        found = claims.threshold(self.question.fpir, len(self.searches.person))
        rates = self.at(claims.scale.cosine(found.similarity))
        return ServedSearches(found.fpir, found.supported, found.largest_supported, rates)

    def worst(self, threshold: float) -> tuple[NamedPair, ...]:
        """Each pair of files once."""
        searches, named = self.searches, dict[frozenset[int], NamedPair]()
        for row in np.argsort(-searches.non_mated, kind="stable")[: 2 * _WORST].tolist():
            score, other = float(searches.non_mated[row]), int(searches.nearest[row])
            if score >= np.float32(threshold):
                pair = NamedPair(self._file(row), self._file(other), round(score, 4))
                named.setdefault(frozenset((row, other)), pair)
        return tuple(named.values())[:_WORST]

    def _names(self, rows: NDArray[np.intp]) -> list[str]:
        return [str(person) for person in self.searches.person[rows].tolist()]

    def _file(self, row: int) -> str:
        return self.samples.files[self.samples.usable[row]].name
