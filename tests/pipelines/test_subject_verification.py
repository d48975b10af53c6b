from __future__ import annotations

from dataclasses import replace

import pytest

from perse.domain.consent import Declaration
from perse.domain.subject_verification import Outcome
from perse.domain.subjects import SubjectDetails
from perse.errors import NotFound
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


def test_a_pack_without_voices_hears_none() -> None:
    services = FakeServices()
    caller, subjects = services.first_key.caller, services.subjects
    token = subjects.create(caller, SubjectDetails()).user_token
    heard = Recording("a recording", lambda: FakeVoices().decode(recording(1)))
    with pytest.raises(NotFound, match="compare no voices"):
        replace(subjects.verify, voices=None)(caller, token, Probe(recording=heard))
