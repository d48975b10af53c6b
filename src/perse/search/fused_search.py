"""Who is a face and a voice together: exactly as fusing both of everybody who has both says.

A fused similarity rises with both. So from the threshold follows what the face must have at least,
and the voice, whatever the other one says; everybody who reaches it reaches both. They are looked
for in the index where fewer strangers do, and fused from what is stored.

A subject with k faces and m voices gives a stranger k times m chances, each at the rate that the
threshold stands for. Whether their errors fall together or not, a search finds a stranger no more
often than all these pairs do.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from typing import Final, Protocol

from perse.domain.decisions import fmr_at_similarity
from perse.domain.identification import (
    AttributedTemplate,
    BestSample,
    FusedCandidate,
    FusedIdentification,
    SearchTerms,
    SearchThreshold,
)
from perse.domain.likeness import Likeness
from perse.domain.references import UserToken
from perse.domain.subjects import CollectionName, EnrolledSubject
from perse.search.sources import Feed, PartSize, Searched

_READ_AT_A_TIME: Final = 1000


class Fusion(Protocol):
    """ModalityFusion, as far as it is needed here."""

    def similarity(self, face: float, voice: float) -> float: ...

    def floors(self, fused: float) -> tuple[float, float]: ...


class Searchable(Protocol):
    """LiveIndex, as far as it is needed here."""

    def size(self, collection: CollectionName | None) -> PartSize: ...

    def reaching(self, probe: Likeness, least: float, terms: SearchTerms) -> list[UserToken]: ...


@dataclass(frozen=True, slots=True)
class Side:
    """One of the two: the probe, and what it is looked for in."""

    probe: Likeness
    searched: Searched
    index: Searchable

    def expected(self, floor: float, terms: SearchTerms) -> float:
        """How many strangers' samples reach it, about."""
        return self.index.size(terms.collection).templates * fmr_at_similarity(floor)

    def best(self, subject: EnrolledSubject) -> BestSample | None:
        """None for somebody without a sample that can be compared."""
        told = []
        for reference in filter(self.searched.holds, subject.references):
            sample = AttributedTemplate(subject.user_token, reference.template, None, reference)
            resemblance = self.probe.resemblance(sample)
            if resemblance.assessable:
                told.append((resemblance.effective, resemblance.similarity, reference.record.name))
        if not told:
            return None
        _, similarity, name = max(told, key=lambda it: it[0])
        return BestSample(similarity, name)


@dataclass(frozen=True, slots=True)
class FusedSearch:
    """Of one tenant's subjects."""

    face: Side
    voice: Side
    feed: Feed
    fusion: Fusion

    def __call__(self, terms: SearchTerms) -> FusedIdentification:
        """Raises IndexLoading."""
        faces, voices = (it.index.size(terms.collection) for it in (self.face, self.voice))
        pairs = min(faces.templates * voices.most, voices.templates * faces.most)
        claims = [it.searched.measured.claims.carried for it in (self.face, self.voice)]
        threshold = claims[0].with_(claims[1]).threshold(terms.fpir, pairs)
        assessable = self.face.probe.assessable and self.voice.probe.assessable
        found = self._above(threshold, terms) if assessable and pairs else []
        told = [replace(it, rank=rank) for rank, it in enumerate(found[: terms.max_candidates], 1)]
        subjects = min(faces.subjects, voices.subjects)
        return FusedIdentification(tuple(told), threshold, subjects, assessable)

    def _above(self, threshold: SearchThreshold, terms: SearchTerms) -> list[FusedCandidate]:
        """The most similar first, those of one similarity by id."""
        least = threshold.similarity
        tokens = self._within_reach(least, terms)
        fused = [it for it in self._fused(tokens, terms) if it.similarity >= least]
        return sorted(fused, key=lambda it: (-it.similarity, it.subject))

    def _within_reach(self, least: float, terms: SearchTerms) -> Sequence[UserToken]:
        """Everybody who could be that similar, and others."""
        sides = zip((self.face, self.voice), self.fusion.floors(least), strict=True)
        side, floor = min(sides, key=lambda it: it[0].expected(min(1.0, it[1]), terms))
        return side.index.reaching(side.probe, floor, terms) if floor <= 1 else []

    def _fused(self, tokens: Sequence[UserToken], terms: SearchTerms) -> Iterator[FusedCandidate]:
        tenant_id = self.face.searched.tenant_id
        for start in range(0, len(tokens), _READ_AT_A_TIME):
            for subject in self.feed.read(tenant_id, tokens[start : start + _READ_AT_A_TIME]):
                if terms.collection is None or terms.collection in subject.collections:
                    face, voice = self.face.best(subject), self.voice.best(subject)
                    if face and voice:
                        similarity = self.fusion.similarity(face.similarity, voice.similarity)
                        yield FusedCandidate(
                            subject.user_token, similarity, 0, subject.external_id, face, voice
                        )
