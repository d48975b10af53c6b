"""A network whose templates can be searched, and what a search of them answers."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from perse.domain.identification import Candidate, Identification, SearchClaims, SearchThreshold
from perse.domain.likeness import Likeness
from perse.domain.resemblance import ResemblanceScale
from perse.domain.samples import ModelName
from perse.search.ranking import Ranked


@dataclass(frozen=True, slots=True)
class Measured:
    """``model``: the network; ``claims``: what is known of searches of its templates."""

    model: ModelName
    claims: SearchClaims


@dataclass(frozen=True, slots=True)
class MeasuredFaces(Measured):
    """``scale``: how its templates are compared."""

    scale: ResemblanceScale


def identification(
    probe: Likeness, ranked: Sequence[Ranked], threshold: SearchThreshold, subjects: int
) -> Identification:
    """The answer to a search among so many ``subjects``."""
    candidates = (
        Candidate(it.subject, it.similarity, rank, it.best.external_id, it.best.sample)
        for rank, it in enumerate(ranked, 1)
    )
    return Identification(
        tuple(candidates), threshold, subjects, probe.assessable, probe.recognisability
    )
