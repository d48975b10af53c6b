"""A liveness session with its client, over fakes: what is said, and what is kept."""

from __future__ import annotations

import asyncio
import hashlib
from collections.abc import Callable, Coroutine
from contextlib import ExitStack
from dataclasses import replace
from functools import partial
from itertools import pairwise

import jwt
import pytest

from perse.api.admission.frame_pacing import FramePacing
from perse.api.http.conversation import MessageRefused, close_code_of
from perse.api.http.lines import CloseCode, LineClosed
from perse.api.v1.liveness_conversation import converse
from perse.auth.liveness_tokens import Admission
from perse.auth.liveness_verdicts import AUDIENCE
from perse.domain.access import TenantId
from perse.domain.consent import Declaration, Processing
from perse.domain.decisions import PadScore
from perse.domain.liveness_sessions import (
    EndReason,
    LivenessSession,
    OnPass,
    SessionOrder,
    SessionState,
)
from perse.domain.references import Modality, UserToken
from perse.domain.session_continuity import face_lost
from perse.domain.session_frames import FailureReason, Prompt, SessionKind
from perse.domain.session_lockout import LockoutPolicy
from perse.domain.subject_verification import Outcome
from perse.domain.subjects import SubjectDetails
from perse.errors import (
    InvalidFileType,
    InvalidParameter,
    Overloaded,
    PerseError,
    RateLimited,
    Unauthorized,
)
from perse.pipelines.comparison import Picture
from tests.fakes.clients import ObedientClient, frame
from tests.fakes.faces import DARK, EMPTY_SCENE, HIDDEN, picture
from tests.fakes.services import FakeServices, settings


@pytest.fixture
def services() -> FakeServices:
    return FakeServices()


def opened(
    services: FakeServices, order: SessionOrder | None = None
) -> tuple[LivenessSession, Admission]:
    caller = services.first_key.caller
    session = services.liveness.open(caller, order or SessionOrder(), declaration=Declaration.GIVEN)
    token = services.liveness.tokens.issue(session)
    return session, services.liveness.tokens.verify(token, origin=None)


def run(
    services: FakeServices,
    admission: Admission,
    client: ObedientClient,
    pacing: FramePacing | None = None,
) -> None:
    pacing = pacing or FramePacing(workers=2)
    asyncio.run(converse(services.liveness, services.faces, admission, client, pacing))


def held(
    services: FakeServices, order: SessionOrder | None = None, client: ObedientClient | None = None
) -> tuple[LivenessSession, ObedientClient]:
    """A session that is over, and the client that was in it."""
    session, admission = opened(services, order)
    client = client or ObedientClient(services.liveness)
    run(services, admission, client)
    return after(services, session), client


def after(services: FakeServices, session: LivenessSession) -> LivenessSession:
    return services.liveness.store.get(session.tenant_id, session.session_id)


def reasons(session: LivenessSession) -> tuple[str, ...]:
    assert session.outcome is not None
    return session.outcome.reasons


def person(services: FakeServices, identity: int) -> UserToken:
    """A subject with one face."""
    caller, subjects = services.first_key.caller, services.subjects
    token = subjects.create(caller, SubjectDetails()).user_token
    shown = Picture("it", lambda: services.faces.decode(picture(identity)))
    subjects.add_face(caller, token, shown, declaration=Declaration.GIVEN)
    return token


def state(services: FakeServices, session: LivenessSession) -> SessionState:
    return session.state(services.clock())


# --- what is said --------------------------------------------------------------------------------


def test_who_follows_every_prompt_passes(services: FakeServices) -> None:
    session, client = held(services)
    assert (state(services, session), reasons(session)) == (SessionState.PASSED, ())
    asked = [message["prompt"] for message in client.told("prompt")]
    turns = [Prompt.LOOK_LEFT, Prompt.LOOK_RIGHT]
    assert asked == [Prompt.LOOK_AHEAD, *turns, *turns]
    assert [message["number"] for message in client.told("prompt")] == [1, 2, 3, 4, 5]
    assert [message["type"] for message in (client.heard[0], client.heard[-1])] == [
        "ready",
        "finished",
    ]


def test_a_passive_session_asks_for_no_movement(services: FakeServices) -> None:
    session, client = held(services, SessionOrder(kind=SessionKind.PASSIVE))
    assert state(services, session) is SessionState.PASSED
    assert [message["prompt"] for message in client.told("prompt")] == [Prompt.LOOK_AHEAD]


def test_who_does_not_follow_a_prompt_fails_when_time_is_up(services: FakeServices) -> None:
    deaf = ObedientClient(services.liveness, deaf_to=Prompt.LOOK_RIGHT)
    session, client = held(services, client=deaf)
    assert reasons(session) == (FailureReason.PROMPT_NOT_FOLLOWED,)
    assert client.told("prompt")[-1]["prompt"] == Prompt.LOOK_RIGHT
    assert client.heard[-1] == {"type": "finished"}


def test_the_client_hears_no_score_and_not_whether_it_passed(services: FakeServices) -> None:
    good, bad = (
        held(services, client=ObedientClient(services.liveness, deaf_to=deaf))[1]
        for deaf in (None, Prompt.LOOK_RIGHT)
    )
    for client in (good, bad):
        keys = {key for message in client.heard for key in message}
        assert keys == {
            "type",
            "kind",
            "prompts",
            "time_limit_s",
            "frames",
            "prompt",
            "number",
            "of",
            "guidance",
        }
    assert good.heard[-1] == bad.heard[-1]


def test_guidance_is_the_same_whatever_the_face_is_made_of() -> None:
    heard = []
    for pad in (PadScore(0.97), PadScore(0.01)):
        services = FakeServices()
        services.faces.pad = pad
        heard.append(held(services)[1].heard)
    assert heard[0] == heard[1]


def test_guidance_is_sent_when_it_changes(services: FakeServices) -> None:
    instead = {number: frame(number)[:8] + EMPTY_SCENE for number in (2, 3, 4)}
    instead |= {number: frame(number, identity=DARK) for number in (5, 6)}
    _, client = held(services, client=ObedientClient(services.liveness, instead=instead))
    guidance = [message["guidance"] for message in client.told("guidance")]
    assert guidance == ["ok", "no_face", "more_light", "ok"]


def test_a_frame_without_room_is_dropped_and_no_prompt_with_it(services: FakeServices) -> None:
    crowded = ObedientClient(services.liveness, crowded=frozenset(range(3, 60, 2)))
    session, client = held(services, client=crowded)
    assert state(services, session) is SessionState.PASSED
    assert len(client.told("prompt")) == 5
    assert session.outcome is not None
    assert session.outcome.frames < client.sent


def test_who_was_hardly_looked_at_has_not_failed(services: FakeServices) -> None:
    crowded = ObedientClient(services.liveness, crowded=frozenset(range(3, 400)))
    session, client = held(services, client=crowded)
    assert reasons(session) == (EndReason.FAULT,)
    assert client.heard[-1] == {"type": "finished"}
    slow = ObedientClient(services.liveness, deaf_to=Prompt.LOOK_LEFT)
    assert reasons(held(services, client=slow)[0]) == (FailureReason.PROMPT_NOT_FOLLOWED,)


def test_frames_without_room_are_no_silence_of_the_client(services: FakeServices) -> None:
    crowded = frozenset(it for it in range(3, 400) if it % 16 > 3)
    held(services, client=ObedientClient(services.liveness, crowded=crowded))
    looked = services.liveness.judged
    gaps = [after.taken_s - before.taken_s for before, after in pairwise(looked)]
    assert max(gaps) > services.liveness.points.longest_gap_s
    assert not face_lost(looked, services.liveness.points)


def test_silence_of_the_client_is(services: FakeServices) -> None:
    silent = ObedientClient(services.liveness)
    silent.when_sent[12] = lambda: services.liveness.clock.pass_time(seconds=3)
    held(services, client=silent)
    assert face_lost(services.liveness.judged, services.liveness.points)


def slow(services: FakeServices, *, after: int = 0) -> ObedientClient:
    """Sends five frames a second as others do, but after so many less than one."""
    points = replace(services.liveness.points, least_sent_share=2 / 3, enough_sent_per_s=3.0)
    services.liveness.points = points
    client = ObedientClient(services.liveness)
    wait = partial(services.liveness.clock.pass_time, seconds=1.5)
    client.when_sent = dict.fromkeys(range(after + 1, 400), wait)
    return client


def test_who_sends_too_few_frames_is_not_asked_for_a_second_movement(
    services: FakeServices,
) -> None:
    order = SessionOrder(correlation_id="device 17")
    for _ in range(LockoutPolicy().most + 1):
        session, client = held(services, order, slow(services))
        assert reasons(session) == (EndReason.TOO_SLOW,)
        assert len(client.told("prompt")) == 2
        assert client.heard[-1] == {"type": "finished"}


def test_who_sends_too_few_once_the_order_is_known_has_failed(services: FakeServices) -> None:
    order = SessionOrder(correlation_id="device 17")
    for _ in range(LockoutPolicy().most):
        session, client = held(services, order, slow(services, after=12))
        assert reasons(session) == (FailureReason.SLOWED_DOWN,)
        assert len(client.told("prompt")) == 5
    with pytest.raises(RateLimited):
        opened(services, order)


def test_a_passive_session_waits_for_slow_frames(services: FakeServices) -> None:
    order = SessionOrder(kind=SessionKind.PASSIVE)
    session, _ = held(services, order, slow(services))
    assert state(services, session) is SessionState.PASSED


class Unhurried(FramePacing):
    """However long a frame takes on the machine that tests."""

    def note(self, took_s: float) -> None: ...


def test_a_client_is_told_how_many_frames_can_be_looked_at(services: FakeServices) -> None:
    pacing = Unhurried(workers=2, cost_s=0.001)
    session, admission = opened(services)
    client = ObedientClient(services.liveness)

    async def among_others() -> None:
        with ExitStack() as others:

            def come() -> None:
                for _ in range(400):
                    others.enter_context(pacing.running(session.tenant_id))

            client.when_sent |= {4: come, 8: others.close}
            await converse(services.liveness, services.faces, admission, client, pacing)

    asyncio.run(among_others())
    told = client.told("ready")[0]["frames"]
    assert isinstance(told, dict)
    assert told["per_s"] == 10
    fewer, more = (message["per_s"] for message in client.told("pace"))
    assert (fewer, more) == (pytest.approx(4.5, rel=0.1), 10)
    assert state(services, after(services, session)) is SessionState.PASSED


def test_a_session_that_could_not_be_served_has_not_begun(services: FakeServices) -> None:
    pacing = FramePacing(workers=1, cost_s=0.5)
    session, admission = opened(services)
    client = ObedientClient(services.liveness)

    async def beside_another() -> None:
        with pacing.running(session.tenant_id), pytest.raises(Overloaded):
            await converse(services.liveness, services.faces, admission, client, pacing)

    asyncio.run(beside_another())
    assert (client.heard, pacing.sessions) == ([], 0)
    run(services, admission, client)
    assert state(services, after(services, session)) is SessionState.PASSED


# --- what ends it before its time ----------------------------------------------------------------


def test_who_gives_up_has_failed(services: FakeServices) -> None:
    cancelling = ObedientClient(services.liveness, instead={3: {"type": "cancel"}})
    session, client = held(services, client=cancelling)
    assert reasons(session) == (EndReason.ABANDONED,)
    assert client.heard[-1] == {"type": "finished"}


@pytest.mark.parametrize(
    ("after", "reason"),
    [(3, EndReason.DECLINED), (9, EndReason.DECLINED), (14, EndReason.ABANDONED)],
)
def test_who_cannot_do_the_first_movement_has_not_failed_before_seeing_more(
    services: FakeServices, after: int, reason: EndReason
) -> None:
    order = SessionOrder(correlation_id="device 17")
    for _ in range(LockoutPolicy().most):
        unable = ObedientClient(services.liveness, instead={after: {"type": "unable"}})
        session, client = held(services, order, unable)
        assert reasons(session) == (reason,)
        assert client.heard[-1] == {"type": "finished"}
        assert len(client.told("prompt")) == {3: 1, 9: 2, 14: 4}[after]
    if reason is EndReason.DECLINED:
        assert state(services, held(services, order)[0]) is SessionState.PASSED
        return
    with pytest.raises(RateLimited):
        opened(services, order)


@pytest.mark.parametrize("frames", [0, 1, 5])
def test_a_lost_connection_ends_the_session(services: FakeServices, frames: int) -> None:
    session, admission = opened(services)
    with pytest.raises(LineClosed):
        run(services, admission, ObedientClient(services.liveness, leaves_after=frames))
    assert reasons(after(services, session)) == (EndReason.ABANDONED,)
    with pytest.raises(Unauthorized):
        run(services, admission, ObedientClient(services.liveness))


@pytest.mark.parametrize(
    ("message", "error"),
    [
        ({"type": "hello"}, InvalidParameter),
        (b"1234567", InvalidParameter),
        (frame(1)[:8], InvalidParameter),
        (b"\x7f\xf8" + bytes(6) + picture(7), InvalidParameter),
        (frame(1)[:8] + b"no picture", InvalidFileType),
    ],
    ids=["words", "short", "empty", "no time", "no picture"],
)
def test_what_is_no_message_of_the_protocol_ends_it(
    services: FakeServices, message: bytes | dict[str, object], error: type[PerseError]
) -> None:
    session, admission = opened(services)
    with pytest.raises(error):
        run(services, admission, ObedientClient(services.liveness, instead={2: message}))
    assert reasons(after(services, session)) == (EndReason.ABANDONED,)


def test_words_that_are_none_of_the_protocol_are_called_that(services: FakeServices) -> None:
    _, admission = opened(services)
    with pytest.raises(MessageRefused) as refused:
        run(services, admission, ObedientClient(services.liveness, instead={2: {"type": "hello"}}))
    assert close_code_of(refused.value) == CloseCode.UNSUITABLE


def test_a_fault_of_ours_is_not_the_clients(services: FakeServices) -> None:
    def breaks() -> None:
        raise RuntimeError("a network broke")

    session, admission = opened(services)
    services.faces.before = breaks
    with pytest.raises(RuntimeError):
        run(services, admission, ObedientClient(services.liveness))
    assert reasons(after(services, session)) == (EndReason.FAULT,)


def test_a_session_that_is_revoked_while_it_runs_comes_to_nothing(services: FakeServices) -> None:
    token = person(services, 7)
    order = SessionOrder(user_token=token, on_pass=OnPass.ENROL)
    session, admission = opened(services, order)
    client, store = ObedientClient(services.liveness), services.liveness.store
    services.liveness.before_judging = lambda: store.remove(
        session.tenant_id, session.session_id, at=services.clock()
    )
    run(services, admission, client)
    assert client.heard[-1] == {"type": "finished"}
    assert len(services.subjects.samples.records(session.tenant_id, token, Modality.FACE)) == 1


def test_a_session_is_not_revoked_while_its_face_is_enrolled(services: FakeServices) -> None:
    token = person(services, 7)
    session, admission = opened(services, SessionOrder(user_token=token, on_pass=OnPass.ENROL))
    store, refused = services.liveness.store, list[PerseError]()

    def revoke() -> None:
        try:
            store.remove(session.tenant_id, session.session_id, at=services.clock())
        except Overloaded as error:
            refused.append(error)

    services.liveness.before_using = revoke
    run(services, admission, ObedientClient(services.liveness))
    assert len(refused) == 1
    assert state(services, after(services, session)) is SessionState.PASSED
    assert len(services.subjects.samples.records(session.tenant_id, token, Modality.FACE)) == 2


def test_who_ends_a_session_second_enrols_nobody(services: FakeServices) -> None:
    token = person(services, 7)
    session, admission = opened(services, SessionOrder(user_token=token, on_pass=OnPass.ENROL))
    store = services.liveness.store
    services.liveness.before_judging = lambda: store.claim(session.session_id, at=services.clock())
    run(services, admission, ObedientClient(services.liveness))
    assert state(services, after(services, session)) is SessionState.STARTED
    assert len(services.subjects.samples.records(session.tenant_id, token, Modality.FACE)) == 1


@pytest.mark.parametrize("spoil", ["revoke", "forbid"])
@pytest.mark.parametrize("on_pass", OnPass)
def test_a_key_that_may_not_any_more_uses_no_face(
    services: FakeServices, spoil: str, on_pass: OnPass
) -> None:
    token, keys = person(services, 7), services.keys
    session, admission = opened(services, SessionOrder(user_token=token, on_pass=on_pass))
    services.liveness.before_judging = lambda: (
        keys.revoke("first") if spoil == "revoke" else keys.forbid("first", on_pass.needed)
    )
    run(services, admission, ObedientClient(services.liveness))
    failed = EndReason.NOT_ENROLLED if on_pass is OnPass.ENROL else EndReason.NOT_COMPARED
    assert reasons(after(services, session)) == (failed,)
    assert len(services.subjects.samples.records(session.tenant_id, token, Modality.FACE)) == 1


def test_an_end_that_there_is_no_room_for_is_tried_again(services: FakeServices) -> None:
    session, client = held(services, client=ObedientClient(services.liveness, refusals=3))
    assert state(services, session) is SessionState.PASSED
    assert client.refusals == 0


def test_an_end_without_room_for_too_long_is_a_fault_of_ours(services: FakeServices) -> None:
    order = SessionOrder(correlation_id="device 17")
    for _ in range(2 * LockoutPolicy().most):
        session, admission = opened(services, order)
        with pytest.raises(Overloaded):
            run(services, admission, ObedientClient(services.liveness, refusals=1000))
        assert after(services, session).came_to(services.clock()) is not None


def test_a_network_that_breaks_at_the_end_is_a_fault_of_ours(services: FakeServices) -> None:
    def breaks() -> None:
        raise RuntimeError("a network broke")

    order = SessionOrder(user_token=person(services, 7), on_pass=OnPass.VERIFY)
    session, admission = opened(services, order)
    services.liveness.before_using = breaks
    with pytest.raises(RuntimeError):
        run(services, admission, ObedientClient(services.liveness))
    assert reasons(after(services, session)) == (EndReason.FAULT,)


# --- who gets in ---------------------------------------------------------------------------------


def test_a_session_is_run_once(services: FakeServices) -> None:
    session, admission = opened(services)
    run(services, admission, ObedientClient(services.liveness))
    before = after(services, session)
    with pytest.raises(Unauthorized):
        run(services, admission, ObedientClient(services.liveness))
    assert after(services, session) == before


def test_who_comes_second_disturbs_nobody(services: FakeServices) -> None:
    session, admission = opened(services)

    def conversation() -> Coroutine[object, object, None]:
        client = ObedientClient(services.liveness)
        pacing = FramePacing(workers=2)
        return converse(services.liveness, services.faces, admission, client, pacing)

    async def both() -> None:
        running = asyncio.create_task(conversation())
        await asyncio.sleep(0)
        with pytest.raises(Unauthorized):
            await conversation()
        await running

    asyncio.run(both())
    assert state(services, after(services, session)) is SessionState.PASSED


UNFIT: dict[str, Callable[[FakeServices, LivenessSession], object]] = {
    "revoked": lambda it, session: it.liveness.store.remove(
        session.tenant_id, session.session_id, at=it.clock()
    ),
    "expired": lambda it, session: it.clock.pass_time(seconds=session.order.ttl_s),
    "of a revoked key": lambda it, _: it.keys.revoke("first"),
}


@pytest.mark.parametrize("spoil", UNFIT.values(), ids=list(UNFIT))
def test_a_session_that_may_not_run_does_not(
    services: FakeServices, spoil: Callable[[FakeServices, LivenessSession], object]
) -> None:
    session, admission = opened(services)
    spoil(services, session)
    client = ObedientClient(services.liveness)
    with pytest.raises(Unauthorized):
        run(services, admission, client)
    assert client.heard == []


def test_a_session_of_another_tenant_is_not_run(services: FakeServices) -> None:
    session, admission = opened(services)
    with pytest.raises(Unauthorized):
        run(
            services,
            replace(admission, tenant_id=TenantId("another")),
            ObedientClient(services.liveness),
        )
    assert state(services, after(services, session)) is SessionState.CREATED


# --- what is done with the best frame ------------------------------------------------------------


def test_the_best_frame_is_compared_with_the_subject(services: FakeServices) -> None:
    order = SessionOrder(user_token=person(services, 7), on_pass=OnPass.VERIFY)
    session, _ = held(services, order)
    assert state(services, session) is SessionState.PASSED
    assert session.outcome is not None
    assert session.outcome.compared is not None
    assert session.outcome.compared.decision is Outcome.MATCH
    assert session.outcome.compared.similarity > 0.9


def test_somebody_else_who_is_there_does_not_pass(services: FakeServices) -> None:
    order = SessionOrder(user_token=person(services, 8), on_pass=OnPass.VERIFY)
    session, _ = held(services, order)
    assert reasons(session) == (EndReason.NO_MATCH,)
    assert session.outcome is not None
    assert session.outcome.compared is not None
    assert session.outcome.compared.similarity < 0.6


@pytest.mark.parametrize("kind", SessionKind)
@pytest.mark.parametrize("on_pass", OnPass)
@pytest.mark.parametrize("shown_first", [(1,), (1, 2, 3)], ids=["once", "frozen"])
def test_whoever_was_shown_before_the_session_began_is_nobody(
    services: FakeServices, kind: SessionKind, on_pass: OnPass, shown_first: tuple[int, ...]
) -> None:
    victim = person(services, 8)
    still, away = frame(1, identity=8), len(shown_first) + 1
    instead = dict.fromkeys(shown_first, still) | {away: frame(away)[:8] + EMPTY_SCENE}
    order = SessionOrder(kind=kind, user_token=victim, on_pass=on_pass)
    attacker = ObedientClient(services.liveness, instead=instead)
    session, client = held(services, order, attacker)
    assert client.sent > away
    assert session.outcome is not None
    shown = hashlib.sha256(still[8:]).hexdigest()
    assert session.outcome.best_frame_sha256 not in {None, shown}
    if on_pass is OnPass.VERIFY:
        assert reasons(session) == (EndReason.NO_MATCH,)


def test_a_picture_whose_face_was_measured_when_it_came_again_is_not_the_best(
    services: FakeServices,
) -> None:
    still = frame(4, identity=8)
    attacker = ObedientClient(services.liveness, identity=DARK, instead={4: still, 5: still})
    session, _ = held(services, SessionOrder(kind=SessionKind.PASSIVE), attacker)
    assert session.outcome is not None
    shown = hashlib.sha256(still[8:]).hexdigest()
    assert session.outcome.best_frame_sha256 not in {None, shown}


def test_a_face_that_shows_too_little_of_a_person_does_not_pass(services: FakeServices) -> None:
    order = SessionOrder(user_token=person(services, 7), on_pass=OnPass.VERIFY)
    hidden = ObedientClient(services.liveness, identity=HIDDEN)
    session, _ = held(services, order, hidden)
    assert reasons(session) == (EndReason.NOT_ASSESSABLE,)


def test_a_failed_session_tells_nothing_of_the_subject(services: FakeServices) -> None:
    order = SessionOrder(user_token=person(services, 7), on_pass=OnPass.VERIFY)
    deaf = ObedientClient(services.liveness, deaf_to=Prompt.LOOK_LEFT)
    session, _ = held(services, order, deaf)
    assert session.outcome is not None
    assert session.outcome.compared is None
    assert Processing.LIVENESS_VERIFY not in {it.operation for it in services.ledger.entries}


def test_the_best_frame_is_enrolled_and_the_ledger_says_whence(services: FakeServices) -> None:
    caller = services.first_key.caller
    token = services.subjects.create(caller, SubjectDetails()).user_token
    session, _ = held(services, SessionOrder(user_token=token, on_pass=OnPass.ENROL))
    (kept,) = services.subjects.samples.records(caller.tenant_id, token, Modality.FACE)
    assert session.outcome is not None
    assert (state(services, session), session.outcome.sample_id) == (
        SessionState.PASSED,
        kept.name,
    )
    noted = [
        (it.operation, it.user_token, it.declaration, it.key_id)
        for it in services.ledger.entries[-3:]
    ]
    assert noted == [
        (operation, token, Declaration.GIVEN, caller.key_id)
        for operation in (
            Processing.LIVENESS_OPEN,
            Processing.LIVENESS_CHECK,
            Processing.LIVENESS_ENROL,
        )
    ]


def test_every_entry_of_a_session_tells_the_purpose() -> None:
    services = FakeServices(settings(consent_purpose="account recovery"))
    order = SessionOrder(user_token=person(services, 7), on_pass=OnPass.VERIFY)
    held(services, order)
    noted = [(it.operation, it.purpose) for it in services.ledger.entries[-3:]]
    assert noted == [
        (operation, "account recovery")
        for operation in (
            Processing.LIVENESS_OPEN,
            Processing.LIVENESS_CHECK,
            Processing.LIVENESS_VERIFY,
        )
    ]


def test_a_face_that_may_not_be_enrolled_fails_the_session(services: FakeServices) -> None:
    caller = services.first_key.caller
    token = services.subjects.create(caller, SubjectDetails()).user_token
    hidden = ObedientClient(services.liveness, identity=HIDDEN)
    session, _ = held(services, SessionOrder(user_token=token, on_pass=OnPass.ENROL), hidden)
    assert reasons(session) == (EndReason.NOT_ENROLLED,)
    assert services.subjects.samples.records(caller.tenant_id, token, Modality.FACE) == []


def test_a_failed_session_enrols_nobody(services: FakeServices) -> None:
    caller = services.first_key.caller
    token = services.subjects.create(caller, SubjectDetails()).user_token
    deaf = ObedientClient(services.liveness, deaf_to=Prompt.LOOK_LEFT)
    held(services, SessionOrder(user_token=token, on_pass=OnPass.ENROL), deaf)
    assert services.subjects.samples.records(caller.tenant_id, token, Modality.FACE) == []


# --- what is signed ------------------------------------------------------------------------------


def test_the_verdict_says_what_was_decided(services: FakeServices) -> None:
    token = person(services, 7)
    order = SessionOrder(user_token=token, on_pass=OnPass.VERIFY, correlation_id="device-17")
    session, _ = held(services, order)
    assert session.verdict is not None
    keys = jwt.PyJWKSet.from_dict(services.authenticator.public_jwks())
    key = keys[jwt.get_unverified_header(session.verdict)["kid"]]
    said = jwt.decode(
        session.verdict,
        key,
        algorithms=["EdDSA"],
        audience=AUDIENCE,
        issuer="perse",
        options={"verify_iat": False},
    )
    outcome = session.outcome
    assert outcome is not None
    assert (said["sub"], said["verdict"], said["kind"]) == (
        session.session_id,
        "passed",
        "head_turns",
    )
    assert said["thresholds"] == outcome.thresholds
    assert said["models"] == outcome.models
    assert said["best_frame_sha256"] == outcome.best_frame_sha256
    assert said["verification"]["decision"] == "match"
    text = str(said)
    assert token not in text
    assert "device-17" not in text
