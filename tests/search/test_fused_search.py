"""A face and a voice looked for together: simulated people whose strangers err as scales say."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import closing
from dataclasses import dataclass, field
from statistics import NormalDist

import numpy as np
import pytest

from perse.domain.decisions import OperatingPoint, SimilarityScale
from perse.domain.identification import FusedIdentification, SearchClaims, SearchTerms
from perse.domain.likeness import FaceLikeness
from perse.domain.modality_fusion import Evidence, ModalityFusion
from perse.domain.references import Modality, Template, UserToken
from perse.domain.resemblance import ResemblanceScale
from perse.domain.samples import ModelName
from perse.domain.subjects import CollectionName
from perse.search.live_search import LiveSearch
from perse.search.measured import Measured
from tests.fakes.subject_feed import ACME, FakeFeed

VALUES = 64
RATES = {Modality.FACE: (1e-2, 1e-3, 1e-4, 1e-5), Modality.VOICE: (1e-1, 1e-2, 1e-3)}
FUSION = ModalityFusion(
    Evidence(steepness=32, middle=0.625, highest=0.9, lost=0.1),
    Evidence(steepness=42, middle=0.57, highest=0.7, lost=0.1),
)
FACE, VOICE = Modality.FACE, Modality.VOICE
STAFF = CollectionName("staff")


def _scale(modality: Modality) -> ResemblanceScale:
    """Cosines of directions drawn at random spread by 1 / sqrt(values), and a little less far."""
    points = [
        OperatingPoint(fmr, NormalDist().inv_cdf(1 - fmr) / VALUES**0.5) for fmr in RATES[modality]
    ]
    return ResemblanceScale(SimilarityScale(points))


SCALES = {it: _scale(it) for it in Modality}
MEASURED = {
    it: Measured(ModelName(it), SearchClaims(SCALES[it].points, RATES[it][-1])) for it in Modality
}


@dataclass
class People:
    """Everybody is a direction in each modality, and captures differ from it by chance."""

    search: LiveSearch
    feed: FakeFeed
    random: np.random.Generator = field(default_factory=lambda: np.random.default_rng(5))
    persons: dict[UserToken, dict[Modality, np.ndarray]] = field(default_factory=dict)

    def stranger(self) -> dict[Modality, np.ndarray]:
        return {it: self._direction() for it in Modality}

    def captured(self, person: dict[Modality, np.ndarray], modality: Modality) -> Template:
        mixed = person[modality] + 1.1 * self._direction()
        return Template.of(mixed.astype(np.float32), ModelName(modality))

    def enrol(self, *, faces: int = 1, voices: int = 1, collection: str = "") -> UserToken:
        person = self.stranger()
        token = self.feed.put(
            *(self.captured(person, FACE) for _ in range(faces)),
            voices=[self.captured(person, VOICE) for _ in range(voices)],
            collections=[collection] if collection else [],
        )
        self.persons[token] = person
        return token

    def probes(self, person: dict[Modality, np.ndarray]) -> dict[Modality, FaceLikeness]:
        return {it: FaceLikeness(self.captured(person, it), SCALES[it]) for it in Modality}

    def fused(
        self, probes: dict[Modality, FaceLikeness], terms: SearchTerms
    ) -> FusedIdentification:
        return self.search.identify_fused(ACME, probes, FUSION, terms)

    def found_by(
        self, modality: Modality, probes: dict[Modality, FaceLikeness], terms: SearchTerms
    ) -> set[str]:
        found = self.search.identify(ACME, modality, probes[modality], terms)
        return {it.subject for it in found.candidates}

    def _direction(self) -> np.ndarray:
        drawn = self.random.standard_normal(VALUES)
        return drawn / np.linalg.norm(drawn)


@pytest.fixture
def people() -> Iterator[People]:
    feed = FakeFeed()
    with closing(LiveSearch(feed, MEASURED, 10**9)) as search:
        yield People(search, feed)


def by_hand(
    people: People, probes: dict[Modality, FaceLikeness], least: float
) -> list[tuple[str, float]]:
    """Everybody's best face and best voice fused."""
    fused = []
    for subject in people.feed.held.values():
        best = dict.fromkeys(Modality, 0.0)
        for kept in subject.references:
            modality = kept.record.modality
            cosine = probes[modality].template.cosine(kept.template)
            best[modality] = max(best[modality], SCALES[modality].points.similarity(cosine))
        fused.append((str(subject.user_token), FUSION.similarity(best[FACE], best[VOICE])))
    return sorted((it for it in fused if it[1] >= least), key=lambda it: (-it[1], it[0]))


def test_a_fused_search_finds_whom_neither_finds_alone_at_the_same_rate(people: People) -> None:
    for number in range(80):
        people.enrol(faces=1 + number % 2)
    terms, found = SearchTerms(fpir=0.01), {"face": 0, "voice": 0, "fused": 0, "fused alone": 0}
    for token, person in people.persons.items():
        probes = people.probes(person)
        by_face, by_voice = (token in people.found_by(it, probes, terms) for it in (FACE, VOICE))
        fused = token in {it.subject for it in people.fused(probes, terms).candidates}
        found["face"] += by_face
        found["voice"] += by_voice
        found["fused"] += fused
        found["fused alone"] += fused and not by_face and not by_voice
    assert found["fused alone"] > 10
    assert found["fused"] > max(found["face"], found["voice"]) + 10


def test_strangers_find_somebody_no_more_often_than_the_rate_says(people: People) -> None:
    for number in range(40):
        people.enrol(faces=1 + number % 2, voices=1 + number % 2)
    fpir, count = 0.1, 250
    terms = SearchTerms(fpir=fpir)
    answers = [people.fused(people.probes(people.stranger()), terms) for _ in range(count)]
    assert all(it.threshold.supported for it in answers)
    rate = sum(bool(it.candidates) for it in answers) / count
    assert rate < fpir + 3 * (fpir * (1 - fpir) / count) ** 0.5


def test_it_is_what_fusing_everybodys_best_samples_says(people: People) -> None:
    for number in range(40):
        people.enrol(faces=1 + number % 3, voices=1 + number % 2)
    terms = SearchTerms(100, 0.5)
    for person in [*list(people.persons.values())[:10], *(people.stranger() for _ in range(10))]:
        probes = people.probes(person)
        answer = people.fused(probes, terms)
        told = [(it.subject, it.similarity) for it in answer.candidates]
        assert told == by_hand(people, probes, answer.threshold.similarity)
        assert [it.rank for it in answer.candidates] == list(range(1, len(told) + 1))


def test_the_threshold_counts_every_pair_of_a_face_and_a_voice_that_there_may_be(
    people: People,
) -> None:
    for _ in range(10):
        people.enrol(faces=2, voices=3)
    people.enrol(faces=1, voices=0)
    answer = people.fused(people.probes(people.stranger()), SearchTerms(fpir=0.1))
    assert (answer.threshold.comparisons, answer.subjects) == (60, 10)
    assert answer.threshold.similarity == pytest.approx(0.4 + 0.1 * np.log10(60 / 0.10536), 1e-3)


def test_who_has_only_one_of_the_two_is_in_the_search_of_that_one_alone(people: People) -> None:
    faced = people.enrol(voices=0)
    people.enrol()
    probes, terms = people.probes(people.persons[faced]), SearchTerms(fpir=0.1)
    assert people.found_by(FACE, probes, terms) == {faced}
    assert people.fused(probes, terms).candidates == ()


def test_a_collection_alone_is_searched_and_counted(people: People) -> None:
    outside, inside = people.enrol(), people.enrol(collection="staff")
    terms = SearchTerms(fpir=0.5, collection=STAFF)
    answers = {it: people.fused(people.probes(people.persons[it]), terms) for it in people.persons}
    assert answers[outside].candidates == ()
    assert [it.subject for it in answers[inside].candidates] == [inside]
    assert answers[inside].threshold.comparisons == 1


def test_who_goes_while_a_search_runs_is_not_found(people: People) -> None:
    ann = people.enrol()
    probes, terms = people.probes(people.persons[ann]), SearchTerms(fpir=0.5)
    (candidate,) = people.fused(probes, terms).candidates
    samples = [it.record.name for it in people.feed.held[ACME, ann].references]
    assert [candidate.face.sample, candidate.voice.sample] == samples
    people.feed.hooks.extend([lambda: None, lambda: people.feed.remove(ann)])
    assert people.fused(probes, terms).candidates == ()
