"""What a face, a voice and both together decide."""

from __future__ import annotations

from dataclasses import replace
from itertools import product

import pytest

from perse.domain.decisions import PadScore
from perse.domain.references import BiometricReference, Modality, SampleId
from perse.domain.samples import ModelName
from perse.domain.subject_verification import (
    EnrolledSamples,
    Evidence,
    FaceEvidence,
    FusedEvidence,
    Outcome,
    Policy,
    SamplesCompared,
    SubjectVerification,
    VoiceEvidence,
    decide,
    outcome_of,
)
from perse.domain.throttling import Guess
from perse.domain.voices import CapturedVoice
from perse.errors import ReferenceModelMismatch, SampleNotFound
from tests.fakes.faces import THRESHOLDS, face
from tests.fakes.voices import GOOD
from tests.fakes.voices import THRESHOLDS as VOICE_THRESHOLDS
from tests.storage.samples import reference, template

SAMPLES = SamplesCompared(0.9, True, 0.9, SampleId("s"), 1, 0, None, {})
LOW, TOP = 0.3, 1.0
OUTCOMES = {"match": Outcome.MATCH, "no": Outcome.NO_MATCH, "?": Outcome.NOT_ASSESSABLE}


def told(similarity: float | None) -> SamplesCompared:
    """None: it cannot be."""
    if similarity is None:
        return replace(SAMPLES, similarity=0.0, best=0.0, best_sample=None, obstacle="Come closer.")
    return replace(SAMPLES, similarity=similarity, best=similarity)


def seen(similarity: float | None = TOP, *, pad: float | None = 0.9) -> FaceEvidence:
    score = None if pad is None else PadScore(pad)
    return FaceEvidence(told(similarity), face(pad=score), THRESHOLDS)


def heard(similarity: float | None = TOP) -> VoiceEvidence:
    return VoiceEvidence(told(similarity), CapturedVoice(template(), GOOD), VOICE_THRESHOLDS)


def fused(similarity: float | None = None) -> FusedEvidence:
    return FusedEvidence(similarity, True, 0.8)


@pytest.mark.parametrize(
    ("evidence", "outcome"),
    [
        (seen(0.8), Outcome.MATCH),
        (seen(0.79), Outcome.NO_MATCH),
        (seen(None), Outcome.NOT_ASSESSABLE),
        (seen(TOP, pad=0.69), Outcome.NO_MATCH),
        (seen(TOP, pad=None), Outcome.MATCH),
        (heard(0.6), Outcome.MATCH),
        (heard(0.59), Outcome.NO_MATCH),
        (heard(None), Outcome.NOT_ASSESSABLE),
    ],
)
@pytest.mark.parametrize("policy", Policy)
def test_one_modality_decides_by_its_own_threshold(
    evidence: Evidence, outcome: Outcome, policy: Policy
) -> None:
    rule = "face" if isinstance(evidence, FaceEvidence) else "voice"
    assert outcome_of(evidence) is outcome
    assert decide([evidence], policy, None) == (outcome, rule)


def of(word: str) -> float | None:
    return {"match": TOP, "no": LOW, "?": None}[word]


@pytest.mark.parametrize(("one", "other"), list(product(OUTCOMES, OUTCOMES)))
def test_any_and_all(one: str, other: str) -> None:
    both: list[Evidence] = [seen(of(one)), heard(of(other))]
    words = {one, other}
    any_of = "match" if "match" in words else "no" if "no" in words else "?"
    all_of = "no" if "no" in words else "?" if "?" in words else "match"
    assert decide(both, Policy.ANY, None) == (OUTCOMES[any_of], "any")
    assert decide(both, Policy.ALL, fused(TOP)) == (OUTCOMES[all_of], "all")


def test_the_fused_similarity_decides_where_there_is_one() -> None:
    both: list[Evidence] = [seen(LOW), heard(LOW)]
    assert decide(both, Policy.FUSED, fused(0.8)) == (Outcome.MATCH, "fused")
    assert decide(both, Policy.FUSED, fused(0.79)) == (Outcome.NO_MATCH, "fused")


@pytest.mark.parametrize(
    ("face_similarity", "voice_similarity", "outcome", "rule"),
    [
        (None, TOP, Outcome.NOT_ASSESSABLE, "voice"),
        (None, 0.6, Outcome.NOT_ASSESSABLE, "voice"),
        (None, 0.59, Outcome.NO_MATCH, "voice"),
        (0.8, None, Outcome.MATCH, "face"),
        (0.79, None, Outcome.NO_MATCH, "face"),
        (None, None, Outcome.NOT_ASSESSABLE, "fused"),
    ],
)
def test_what_is_left_has_to_reach_the_fused_threshold_and_be_measured_so_far(
    face_similarity: float | None, voice_similarity: float | None, outcome: Outcome, rule: str
) -> None:
    both: list[Evidence] = [seen(face_similarity), heard(voice_similarity)]
    assert decide(both, Policy.FUSED, fused()) == (outcome, rule)


@pytest.mark.parametrize(
    ("similarity", "outcome"), [(0.7, Outcome.MATCH), (0.69, Outcome.NO_MATCH)]
)
def test_a_voice_carries_a_threshold_that_was_measured(similarity: float, outcome: Outcome) -> None:
    both: list[Evidence] = [seen(None), heard(similarity)]
    at = replace(fused(), threshold=0.7)
    assert decide(both, Policy.FUSED, at) == (outcome, "voice")


@pytest.mark.parametrize("similarity", [TOP, None])
def test_no_voice_makes_up_for_a_face_that_is_not_live(similarity: float | None) -> None:
    both: list[Evidence] = [seen(similarity, pad=0.1), heard(TOP)]
    outcome, _ = decide(both, Policy.FUSED, fused(None if similarity is None else TOP))
    assert outcome is Outcome.NO_MATCH


@pytest.mark.parametrize(
    ("face_similarity", "voice_similarity", "policy", "failed", "matched"),
    [
        (TOP, TOP, Policy.ALL, "", "face voice"),
        (LOW, TOP, Policy.ALL, "face", "voice"),
        # else a known voice would let faces be tried without end
        (LOW, TOP, Policy.ANY, "face", "voice"),
        (LOW, LOW, Policy.ALL, "face voice", ""),
        (LOW, None, Policy.ALL, "face", ""),  # and so would a recording of nobody
        (LOW, None, Policy.FUSED, "face", ""),
        (TOP, None, Policy.ALL, None, None),
        (TOP, None, Policy.ANY, "", "face"),
        (None, None, Policy.ANY, None, None),
        (None, None, Policy.FUSED, None, None),
    ],
)
def test_a_modality_that_was_told_and_does_not_match_is_a_wrong_guess(
    face_similarity: float | None,
    voice_similarity: float | None,
    policy: Policy,
    failed: str | None,
    matched: str | None,
) -> None:
    face_told, voice_told = seen(face_similarity), heard(voice_similarity)
    sum_of_both = fused()
    decision, rule = decide([face_told, voice_told], policy, sum_of_both)
    verified = SubjectVerification(face_told, voice_told, sum_of_both, policy, decision, rule)
    assert verified.guess == guess(failed, matched)


def guess(failed: str | None, matched: str | None) -> Guess | None:
    if failed is None or matched is None:
        return None
    return Guess(*(frozenset(map(Modality, names.split())) for names in (failed, matched)))


@pytest.mark.parametrize(
    ("voice_similarity", "similarity", "failed", "matched"),
    [
        (LOW, 0.8, "", "face"),
        (LOW, 0.79, "voice", "face"),
        (TOP, 0.79, "face voice", ""),
    ],
)
def test_where_face_and_voice_are_fused_their_sum_is_what_was_guessed(
    voice_similarity: float, similarity: float, failed: str, matched: str
) -> None:
    one, other, both = seen(TOP), heard(voice_similarity), fused(similarity)
    decision, rule = decide([one, other], Policy.FUSED, both)
    verified = SubjectVerification(one, other, both, Policy.FUSED, decision, rule)
    assert verified.guess == guess(failed, matched)


def kept(model: str, modality: Modality = Modality.FACE) -> BiometricReference:
    made = reference(model=model)
    return replace(made, record=replace(made.record, modality=modality))


def test_samples_of_the_network_in_use_are_compared_and_the_others_counted() -> None:
    references = [kept("net"), kept("old"), kept("net", Modality.VOICE), kept("net")]
    enrolled = EnrolledSamples.among(references, Modality.FACE, ModelName("net"))
    assert (enrolled.references, enrolled.other_networks) == ([references[0], references[3]], 1)


def test_where_there_is_nothing_to_compare_with_it_is_said_why() -> None:
    with pytest.raises(ReferenceModelMismatch, match="older, other, and net is in use now"):
        EnrolledSamples.among([kept("other"), kept("older")], Modality.FACE, ModelName("net"))
    with pytest.raises(SampleNotFound, match="no voice"):
        EnrolledSamples.among([kept("net")], Modality.VOICE, ModelName("net"))
