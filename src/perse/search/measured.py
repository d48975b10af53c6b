"""A network whose templates can be searched, and what a search of them answers."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

from perse.domain.identification import Candidate, Identification, SearchClaims, SearchThreshold
from perse.domain.references import Template
from perse.domain.resemblance import ResemblanceScale
from perse.domain.samples import ModelName
from perse.errors import InvalidParameter
from perse.search.ranking import Ranked

MOST_CANDIDATES: Final = 100
DEFAULT_FPIR: Final = 1e-2


@dataclass(frozen=True, slots=True)
class Measured:
    """``model``: the network; ``scale`` and ``claims``: what is known of it."""

    model: ModelName
    scale: ResemblanceScale
    claims: SearchClaims

    def identification(
        self,
        probe: Template,
        ranked: Sequence[Ranked],
        threshold: SearchThreshold,
        subjects: int,
    ) -> Identification:
        """The answer to a search among so many ``subjects``."""
        candidates = (
            Candidate(it.subject, it.similarity, rank, it.best.external_id, it.best.sample)
            for rank, it in enumerate(ranked, 1)
        )
        return Identification(
            tuple(candidates),
            threshold,
            subjects,
            self.scale.tells_of(probe),
            self.scale.recognisability(probe),
        )


def check_candidates(most: int) -> None:
    """Raises InvalidParameter."""
    if not 1 <= most <= MOST_CANDIDATES:
        raise InvalidParameter(f"max_candidates lies between 1 and {MOST_CANDIDATES}")
