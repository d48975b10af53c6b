from __future__ import annotations

from dataclasses import replace

import pytest

from perse.domain.consent import Declaration
from perse.domain.subject_verification import Outcome, Policy
from perse.domain.subjects import SubjectDetails
from perse.errors import NotFound, RateLimited
from perse.pipelines.comparison import Picture
from perse.pipelines.probe import Probe
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


def test_a_pack_without_voices_hears_none() -> None:
    services = FakeServices()
    caller, subjects = services.first_key.caller, services.subjects
    token = subjects.create(caller, SubjectDetails()).user_token
    heard = Recording("a recording", lambda: FakeVoices().decode(recording(1)))
    with pytest.raises(NotFound, match="compare no voices"):
        replace(subjects.verify, voices=None)(caller, token, Probe(recording=heard))
