"""A network whose templates can be searched, and what a search of them answers."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from perse.domain.identification import Candidate, Identification, SearchClaims, SearchThreshold
from perse.domain.references import Template
from perse.domain.resemblance import ResemblanceScale
from perse.domain.samples import ModelName
from perse.search.ranking import Ranked


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
