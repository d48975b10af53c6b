"""Who of many is this: from the false match rate of a comparison to that of a search.

A search compares a probe with every sample in the gallery. If two people match at FMR, a search for
somebody who is not there finds a candidate at

    FPIR = 1 - (1 - FMR)^N

of N comparisons (ISO/IEC 19795-1), so the threshold for a wanted FPIR rises with the gallery. It is
a threshold of the similarity scale, which stands for an FMR whatever the captures are like: what
two of them owe to damage that they share is taken off before. So one threshold serves every probe,
and a candidate's similarity is what a comparison of the same two captures answers.

The formula takes the comparisons of one search for independent. They are not: samples of one person
agree, and some probes are like many people. Both make errors fall together, into fewer searches:
FPIR is at most N FMR in any case, 5 % more than the formula at a tenth and less below. It knows
nothing of galleries whose people are more alike than those that the points were measured on.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Final, Self

from perse.domain.decisions import SimilarityScale, similarity_at_fmr
from perse.domain.references import BiometricReference, SampleId, Template
from perse.domain.subjects import CollectionName, ExternalId
from perse.errors import InvalidParameter

MOST_CANDIDATES: Final = 100
DEFAULT_FPIR: Final = 1e-2
# Rarer errors nobody has measured: it takes 3e6 searches without one (rule of 3, ISO/IEC 19795-1).
LOWEST_FPIR: Final = 1e-6
_ROUNDING = 1e-9


@dataclass(frozen=True, slots=True)
class AttributedTemplate:
    """A sample in a gallery. ``subject``: the opaque id of whose it is; ``external_id``: that of
    the subject, None where it has none; ``reference``: the template as it is kept, if it is."""

    subject: str
    template: Template
    external_id: ExternalId | None = None
    reference: BiometricReference | None = None

    @property
    def sample(self) -> SampleId | None:
        """Its own id, where it has one."""
        return self.reference.record.name if self.reference else None


@dataclass(frozen=True, slots=True)
class SearchTerms:
    """What a search is asked for: at most so many candidates, and an FPIR, LOWEST_FPIR or more
    and below 1, which sets the threshold. ``collection``: whom to search; None = everybody.
    Raises InvalidParameter."""

    max_candidates: int = 10
    fpir: float = DEFAULT_FPIR
    collection: CollectionName | None = None

    def __post_init__(self) -> None:
        if not 1 <= self.max_candidates <= MOST_CANDIDATES:
            raise InvalidParameter(f"max_candidates lies between 1 and {MOST_CANDIDATES}")
        if not LOWEST_FPIR <= self.fpir < 1:
            raise InvalidParameter(
                f"fpir, the false positive identification rate, is {LOWEST_FPIR:g} or more and "
                "below 1"
            )


@dataclass(frozen=True, slots=True)
class Candidate:
    """``rank``: from 1 on, the most similar first. ``similarity``: 0..1, of the best sample, which
    is ``sample`` where samples have names."""

    subject: str
    similarity: float
    rank: int
    external_id: ExternalId | None = None
    sample: SampleId | None = None


@dataclass(frozen=True, slots=True)
class SearchThreshold:
    """From which ``similarity`` on a subject is a candidate, at FPIR ``fpir`` among ``comparisons``
    samples.

    ``supported``: whether operating points were measured where the threshold lies. If not, it is
    where their line leads, at most 1: nobody has measured how often strangers reach it.
    ``largest_supported``: so many samples the measured points carry at this FPIR.
    """

    similarity: float
    fpir: float
    comparisons: int
    supported: bool
    largest_supported: int


@dataclass(frozen=True, slots=True)
class Identification:
    """``candidates``: possibly none, which is an answer: none in the gallery is similar enough.

    ``subjects``: how many were searched, with ``threshold.comparisons`` samples in all.
    ``assessable``: false where the probe says too little of a person to tell; then there are no
    candidates. ``recognisability``: of the probe, None where it is not known. ``partial``: some of
    the gallery could not be searched; whoever is there may be among the candidates or not.
    """

    candidates: tuple[Candidate, ...]
    threshold: SearchThreshold
    subjects: int
    assessable: bool = True
    recognisability: float | None = None
    partial: bool = False


@dataclass(frozen=True, slots=True)
class BestSample:
    """The one of a subject's samples of a modality that a probe is most similar to."""

    similarity: float
    sample: SampleId


@dataclass(frozen=True, slots=True)
class FusedCandidate:
    """``similarity``: 0..1, of the best face and the best voice together."""

    subject: str
    similarity: float
    rank: int
    external_id: ExternalId | None
    face: BestSample
    voice: BestSample


@dataclass(frozen=True, slots=True)
class FusedIdentification:
    """Of a face and a voice of one person, among those who have samples of both.

    ``subjects``: at most so many have. ``threshold.comparisons``: at most so many pairs of a face
    and a voice of one subject there are; each can reach the threshold. ``assessable``: false where
    one of the two probes says too little of a person; then there are no candidates. ``partial``: as
    in ``Identification``.
    """

    candidates: tuple[FusedCandidate, ...]
    threshold: SearchThreshold
    subjects: int
    assessable: bool = True
    partial: bool = False


@dataclass(frozen=True, slots=True)
class CarriedRates:
    """The data behind operating points carry the false match rates between these two."""

    highest_fmr: float
    lowest_fmr: float

    def with_(self, other: Self) -> Self:
        """Of two modalities taken together: as rare ones as the one carries that carries more."""
        highest = min(self.highest_fmr, other.highest_fmr)
        return type(self)(highest, min(self.lowest_fmr, other.lowest_fmr))

    def threshold(self, fpir: float, comparisons: int) -> SearchThreshold:
        """For that FPIR, 0..1 exclusive, in searches of so many samples."""
        fmr = min(needed_fmr(fpir, max(1, comparisons)), self.highest_fmr)
        return SearchThreshold(
            similarity_at_fmr(fmr),
            fpir,
            comparisons,
            fmr >= self.lowest_fmr * (1 - _ROUNDING),
            self.largest_gallery(fpir),
        )

    def largest_gallery(self, fpir: float) -> int:
        """In how many samples may be searched at that FPIR; 0 where one is too many."""
        _check(fpir)
        if self.lowest_fmr >= 1:
            return 0
        return int(math.log1p(-fpir) / math.log1p(-self.lowest_fmr) * (1 + _ROUNDING))


@dataclass(frozen=True, slots=True)
class SearchClaims:
    """What a network's operating points say of searches. ``lowest_fmr``: the data behind the points
    carry no lower rate than this."""

    scale: SimilarityScale
    lowest_fmr: float

    @property
    def carried(self) -> CarriedRates:
        points = self.scale.points
        return CarriedRates(points[0].fmr, max(self.lowest_fmr, points[-1].fmr))

    def threshold(self, fpir: float, comparisons: int) -> SearchThreshold:
        """For that FPIR, 0..1 exclusive, in searches of so many samples."""
        return self.carried.threshold(fpir, comparisons)

    def largest_gallery(self, fpir: float) -> int:
        """In how many samples may be searched at that FPIR; 0 where one is too many."""
        return self.carried.largest_gallery(fpir)


def needed_fmr(fpir: float, comparisons: int) -> float:
    """The FMR at which so many comparisons with strangers give a match in the share ``fpir`` of the
    searches. Raises InvalidParameter unless 0 < fpir < 1."""
    _check(fpir)
    return -math.expm1(math.log1p(-fpir) / comparisons)


def expected_fpir(fmr: float, comparisons: int) -> float:
    """The inverse: the FPIR of searches with so many comparisons at ``fmr``, 0..1."""
    return 1.0 if fmr >= 1 else -math.expm1(comparisons * math.log1p(-fmr))


def _check(fpir: float) -> None:
    if not 0 < fpir < 1:
        raise InvalidParameter("a false positive identification rate lies between 0 and 1")
