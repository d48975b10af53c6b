from __future__ import annotations

from dataclasses import replace

import pytest

from perse.domain.consent import Declaration
from perse.domain.references import UserToken
from perse.domain.samples import ModelName
from perse.domain.subject_verification import Outcome, Policy
from perse.domain.subjects import SubjectDetails
from perse.errors import NotFound, RateLimited, ReferenceModelMismatch
from perse.pipelines.comparison import CompareFaces, Picture
from perse.pipelines.enrolment import CapturedReference
from perse.pipelines.probe import Probe
from perse.pipelines.sample_matching import MatchFaces
from perse.pipelines.subject_verification import PreviousFaces
from perse.pipelines.voice import Recording
from tests.fakes.faces import picture
from tests.fakes.services import FakeServices
from tests.fakes.voices import FakeVoices, recording


def seen(services: FakeServices, identity: int) -> Picture:
    return Picture("a picture", lambda: services.faces.decode(picture(identity)))


def test_where_nobody_counts_failures_none_are_counted() -> None:
    services = FakeServices()
    caller, subjects = services.first_key.caller, services.subjects
    token = subjects.create(caller, SubjectDetails()).user_token
    subjects.add_face(caller, token, seen(services, 1), declaration=Declaration.GIVEN)
    verify = replace(subjects.verify, guesses=None)
    for identity, outcome in [*[(2, Outcome.NO_MATCH)] * 12, (1, Outcome.MATCH)]:
        said = verify(caller, token, Probe(picture=seen(services, identity)))
        assert said.decision is outcome


@pytest.mark.parametrize("policy", [None, Policy.ANY, Policy.ALL])
def test_who_has_a_recording_of_the_voice_tries_no_more_faces_than_anybody(
    policy: Policy | None,
) -> None:
    """Faces alone and with the voice, and the voice alone between them, which matches."""
    services = FakeServices()
    caller, subjects = services.first_key.caller, services.subjects
    token = subjects.create(caller, SubjectDetails()).user_token
    subjects.add_face(caller, token, seen(services, 1), declaration=Declaration.GIVEN)
    heard = Recording("a recording", lambda: FakeVoices().decode(recording(1)))
    assert subjects.add_voice is not None
    subjects.add_voice(caller, token, heard, declaration=Declaration.GIVEN)
    verify = replace(subjects.verify, fusion=None)
    free = services.subjects.users.policy.free
    for identity in range(2, 2 + free - 1):
        face = seen(services, identity)
        verify(caller, token, Probe(face, heard if identity % 2 else None), policy=policy)
        said = verify(caller, token, Probe(recording=heard), policy=policy)
        assert said.decision is Outcome.MATCH
    verify(caller, token, Probe(seen(services, 99)), policy=policy)
    with pytest.raises(RateLimited):
        verify(caller, token, Probe(recording=heard), policy=policy)


def of_the_previous_network(services: FakeServices, *, over: bool = False) -> PreviousFaces:
    capture, scale = services.faces.compare.capture, services.faces.compare.scale
    older = replace(services.faces.embedder, model=ModelName("older"))
    compare = CompareFaces(replace(capture, embedder=older), scale)
    match = MatchFaces(compare, replace(services.faces.thresholds, similarity=0.7))
    return PreviousFaces(match, services.subjects.fusion, lambda _: not over)


def with_a_face_of(previous: PreviousFaces, services: FakeServices) -> UserToken:
    """A subject enrolled with the previous network."""
    caller, subjects = services.first_key.caller, services.subjects
    capture = previous.match.compare.capture
    add = replace(
        subjects.add_face,
        capture=lambda sent: CapturedReference(capture(sent).template, {}),
    )
    token = subjects.create(caller, SubjectDetails()).user_token
    add(caller, token, seen(services, 1), declaration=Declaration.GIVEN)
    return token


@pytest.mark.parametrize(("identity", "outcome"), [(1, Outcome.MATCH), (2, Outcome.NO_MATCH)])
def test_whose_faces_are_all_of_the_previous_network_is_compared_by_that(
    identity: int, outcome: Outcome
) -> None:
    services = FakeServices()
    previous = of_the_previous_network(services)
    token = with_a_face_of(previous, services)
    verify = replace(services.subjects.verify, previous=previous)
    caller = services.first_key.caller
    said = verify(caller, token, Probe(picture=seen(services, identity)))
    assert said.decision is outcome
    assert said.face is not None
    assert said.face.threshold == 0.7
    assert said.face.samples.models["face_embedder"] == "older"


def test_a_face_of_the_network_in_use_decides_alone() -> None:
    services = FakeServices()
    previous = of_the_previous_network(services)
    caller, token = services.first_key.caller, with_a_face_of(previous, services)
    subjects = services.subjects
    subjects.add_face(caller, token, seen(services, 1), declaration=Declaration.GIVEN)
    verify = replace(subjects.verify, previous=previous)
    face = verify(caller, token, Probe(picture=seen(services, 1))).face
    assert face is not None
    assert (face.samples.compared, face.samples.other_networks) == (1, 1)
    assert face.samples.models["face_embedder"] == "fake-embedder"


def test_when_the_time_of_the_previous_network_is_over_its_subjects_are_told() -> None:
    services = FakeServices()
    previous = of_the_previous_network(services, over=True)
    token = with_a_face_of(previous, services)
    verify = replace(services.subjects.verify, previous=previous)
    with pytest.raises(ReferenceModelMismatch, match="older, and fake-embedder is in use now"):
        verify(services.first_key.caller, token, Probe(picture=seen(services, 1)))


def test_a_pack_without_voices_hears_none() -> None:
    services = FakeServices()
    caller, subjects = services.first_key.caller, services.subjects
    token = subjects.create(caller, SubjectDetails()).user_token
    heard = Recording("a recording", lambda: FakeVoices().decode(recording(1)))
    with pytest.raises(NotFound, match="compare no voices"):
        replace(subjects.verify, voices=None)(caller, token, Probe(recording=heard))
