"""Every operation, by both clients, against a real server over fake networks."""

from __future__ import annotations

from datetime import UTC, datetime
from pathlib import Path

import pytest

from perse.domain.access import TenantId
from perse_client import KEEP, errors
from perse_client.operations.measures import Answer
from tests.client.conftest import Ask
from tests.fakes.faces import DARK, EMPTY_SCENE, picture
from tests.fakes.voices import SILENCE, recording
from tests.served import Served

NOBODY = "00000000-0000-4000-8000-000000000000"


def test_faces_are_detected(ask: Ask) -> None:
    found = ask("detect_faces", picture(), consent=True)
    assert found.total_faces == len(found.faces) == 1
    face = found.faces[0]
    assert face.bounding_box == (30, 21, 50, 75)
    assert face.bounding_box.width == 50
    assert face.landmarks.nose.y == 65
    assert face.verdicts["rotation"].passed
    assert face.liveness_score > found.default_thresholds.liveness
    assert face.liveness_obstacle is None


def test_no_face_is_an_answer(ask: Ask) -> None:
    assert ask("detect_faces", EMPTY_SCENE).faces == ()


def test_faces_are_compared(ask: Ask) -> None:
    assert ask("compare_faces", picture(1), picture(1)).is_match
    stranger = ask("compare_faces", picture(1), picture(2))
    assert not stranger.is_match
    assert stranger.thresholds["1e-4"] == stranger.default_thresholds.similarity


def test_voices_are_compared(ask: Ask) -> None:
    compared = ask("compare_voices", recording(1), recording(1))
    assert compared.is_match
    assert [it.voice_metrics.bandwidth for it in compared.recordings] == [8000, 3500]
    assert not ask("compare_voices", recording(1), recording(2)).is_match


def test_a_recording_is_inspected(ask: Ask) -> None:
    seen = ask("inspect_recording", recording(1, seconds=3), consent=True)
    assert seen.similarity_assessable
    assert seen.speech_segments == ((0, 3),)
    assert seen.speech_segments[0].end_s == seen.voice_metrics.net_speech == 3
    assert seen.agreement > seen.default_thresholds.agreement
    assert seen.crowding is None
    assert ask("inspect_recording", SILENCE).speech_segments == ()


def test_what_the_key_may_do_is_told(ask: Ask, tenant: tuple[TenantId, str]) -> None:
    told = ask("get_access")
    assert told.tenant_id == tenant[0]
    assert {"faces", "operate"} < set(told.permissions)
    assert told.limits.image_bytes == 1_000_000
    assert told.limits.calls_per_s is None


def test_the_installation_is_described(ask: Ask) -> None:
    status = ask("get_status")
    assert status.ready
    assert status.answers["200"] > 0
    assert {it.name for it in status.networks} >= {"yunet_2023mar", "sface"}
    assert status.load.busy <= status.load.workers == 2
    assert [it.state for it in status.findings] == ["ok"]


def test_what_was_done_with_a_subject_and_what_is_held_of_it(ask: Ask) -> None:
    subject = ask("create_subject", external_id="account-4711").id
    ask("add_face", subject, picture(), consent=True)
    told = ask("show_ledger", subject, limit=1, check_chain=True)
    assert told.chain.whole
    assert told.next_cursor is not None
    entries = ask("iter_ledger", subject, page_size=1)
    assert [it.operation for it in entries] == ["subject_create", "face_enrol"]
    held = ask("export_subject", subject).subjects[0]
    assert held["external_id"] == "account-4711"
    assert held["samples"][0]["template"]["values"]
    exports = [it for it in ask("iter_audit", page_size=1) if it.target == subject]
    assert [(it.act, it.actor.kind, it.outcome) for it in exports] == [
        ("subject_export", "key", "done")
    ]
    assert ask("show_audit", since="2999-12-31").entries == ()


def test_what_the_tenant_used_is_told(ask: Ask) -> None:
    people = next(it for it in ask("get_usage").usage if it.quota == "people")
    assert (people.most, people.resets_at) == (None, None)


def test_the_whole_life_of_a_user(ask: Ask) -> None:
    enrolled = ask("enrol_user", picture(1), consent=True)
    assert enrolled.created_at.tzinfo is not None
    assert enrolled.quality["sharpness"] == pytest.approx(0.81)
    token = enrolled.user_token
    assert ask("compare_with_user", token, picture(1)).is_match
    assert ask("update_user", token, picture(2)).user_token == token
    assert not ask("compare_with_user", token, picture(1)).is_match
    assert ask("list_users").user_tokens == (token,)
    assert ask("delete_user", token).receipt
    with pytest.raises(errors.UserTokenNotFound) as gone:
        ask("delete_user", token)
    assert (gone.value.status, gone.value.code) == (422, "user_token_not_found")


def test_users_are_iterated_page_by_page(ask: Ask) -> None:
    tokens = [ask("enrol_user", picture(it)).user_token for it in range(1, 6)]
    for page_size in (1, 2, 5, 10):
        assert ask("iter_users", page_size=page_size) == tokens


def test_the_whole_life_of_a_subject(ask: Ask) -> None:
    ask("put_collection", "staff")
    made = ask("create_subject", external_id="a-1", collections=["staff"])
    assert (made.external_id, made.collections, made.version) == ("a-1", ("staff",), 1)
    assert ask("get_subject", made.id).version == 1
    ask("change_subject", made.id, external_id="a-2", if_version=1)
    with pytest.raises(errors.ChangedMeanwhile):
        ask("delete_subject", made.id, if_version=1)
    changed = ask("change_subject", made.id, external_id=None, collections=KEEP)
    assert (changed.external_id, changed.collections, changed.version) == (None, ("staff",), 3)
    assert ask("change_subject", made.id, collections=()).collections == ()
    assert ask("delete_subject", made.id, if_version=4).receipt
    with pytest.raises(errors.SubjectNotFound):
        ask("get_subject", made.id)


def test_subjects_are_iterated_and_found(ask: Ask) -> None:
    ask("put_collection", "staff")
    ids = [ask("create_subject", external_id=f"a-{it}").id for it in range(4)]
    ask("change_subject", ids[2], collections=["staff"])
    assert [it.id for it in ask("iter_subjects", page_size=2)] == ids
    assert [it.id for it in ask("iter_subjects", collection="staff")] == ids[2:3]
    (found,) = ask("list_subjects", external_id="a-1").subjects
    assert found.id == ids[1]
    page = ask("list_subjects", limit=3)
    assert [it.id for it in ask("list_subjects", cursor=page.next_cursor).subjects] == ids[3:]


def test_samples_are_added_listed_and_destroyed(ask: Ask) -> None:
    subject = ask("create_subject").id
    face = ask("add_face", subject, picture(1), consent=True)
    assert face.displaced_receipt is None
    assert datetime.now(UTC) >= face.created_at
    voice = ask("add_voice", subject, recording(1), consent=True)
    assert voice.net_speech_total < voice.net_speech_wanted
    assert voice.guidance
    assert [it.id for it in ask("list_faces", subject).faces] == [face.id]
    voices = ask("list_voices", subject)
    assert [it.id for it in voices.voices] == [voice.id]
    assert not voices.net_speech_enough
    assert ask("delete_face", subject, face.id).receipt
    assert ask("delete_voice", subject, voice.id).receipt
    with pytest.raises(errors.SampleNotFound):
        ask("verify_subject", subject, image=picture(1))


def test_the_same_person_under_another_name_is_reported_or_refused(
    ask: Ask, served: Served, tenant: tuple[TenantId, str]
) -> None:
    (first,) = served.services.searching.enrol(tenant[0], 1)
    second = ask("create_subject").id
    added = ask("add_face", second, picture(1), on_duplicate="report", fpir=0.1)
    assert [it.subject_id for it in added.duplicates.candidates] == [first]
    with pytest.raises(errors.AlreadyExists):
        ask("add_face", second, picture(1), on_duplicate="refuse")
    assert ask("add_face", second, picture(2)).duplicates is None


def test_somebody_is_found_among_many(
    ask: Ask, served: Served, tenant: tuple[TenantId, str]
) -> None:
    _, bob, _ = served.services.searching.enrol(tenant[0], 1, 2, 3)
    found = ask("identify", image=picture(2), fpir=0.1, max_candidates=1, consent=True)
    (candidate,) = found.face.candidates
    assert (candidate.rank, candidate.subject_id) == (1, bob)
    assert candidate.similarity >= found.face.threshold.similarity
    assert (found.face.threshold.comparisons, found.voice) == (3, None)
    with pytest.raises(errors.CollectionNotFound):
        ask("identify", image=picture(2), collection="nobody")
    heard = ask("identify", audio=recording(2))
    assert heard.voice.recording.voice_metrics.net_speech == 1
    assert (heard.face, heard.fused) == (None, None)
    (both,) = served.services.searching.enrol_both(tenant[0], 4)
    fused = ask("identify", image=picture(4), audio=recording(4)).fused
    assert [it.subject_id for it in fused.candidates] == [both]
    assert fused.candidates[0].voice.similarity < fused.candidates[0].similarity


def test_a_subject_is_verified_by_face_and_voice(ask: Ask) -> None:
    subject = ask("create_subject").id
    ask("add_face", subject, picture(1))
    ask("add_voice", subject, recording(1))
    both = ask("verify_subject", subject, image=picture(1), audio=recording(1), policy="all")
    assert both.is_match
    assert (both.rule, both.policy) == ("all", "all")
    assert both.face.liveness_score > both.face.liveness_threshold
    assert both.voice.recording.voice_metrics.net_speech == 1
    alone = ask("verify_subject", subject, image=picture(2), consent=True)
    assert (alone.decision, alone.rule, alone.voice, alone.fused) == (
        "no_match",
        "face",
        None,
        None,
    )


def test_collections_are_made_listed_and_removed(ask: Ask) -> None:
    assert ask("put_collection", "staff").subjects == 0
    ask("create_subject", collections=["staff"])
    assert ask("get_collection", "staff").subjects == 1
    assert [it.name for it in ask("list_collections").collections] == ["staff"]
    assert type(ask("delete_collection", "staff")) is Answer
    with pytest.raises(errors.CollectionNotFound):
        ask("get_collection", "staff")


def test_the_server_tells_how_it_is(ask: Ask, served: Served) -> None:
    ask("log_in")
    assert ask("check_live").live
    assert ask("check_ready").ready
    assert ask("get_version").pack == served.services.pack
    assert "perse_" in ask("get_metrics")
    assert ask("get_public_keys").keys[0]["kty"] == "OKP"


REFUSED = {
    errors.InvalidFileType: ("detect_faces", b"text"),
    errors.FileTooLarge: ("detect_faces", picture(1, size=3_000_000)),
    errors.EmptyFile: ("detect_faces", b""),
    errors.NoFaceDetected: ("enrol_user", EMPTY_SCENE),
    errors.ImageUnderexposed: ("enrol_user", picture(DARK)),
    errors.NoSpeechDetected: ("compare_voices", SILENCE, recording()),
    errors.InvalidParameter: ("get_collection", "no name"),
    errors.SubjectNotFound: ("list_faces", NOBODY),
}


@pytest.mark.parametrize("error", REFUSED, ids=lambda error: error.__name__)
def test_a_refusal_is_raised_as_what_it_is(ask: Ask, error: type[errors.PerseError]) -> None:
    with pytest.raises(error) as raised:
        ask(*REFUSED[error])
    assert type(raised.value) is error
    assert raised.value.message == str(raised.value)
    assert raised.value.request_id


def test_consent_that_is_denied_is_heard(ask: Ask) -> None:
    with pytest.raises(errors.EnduserConsentRequired):
        ask("detect_faces", picture(), consent=False)


def test_a_key_that_is_no_good_is_told(
    ask: Ask, served: Served, request: pytest.FixtureRequest
) -> None:
    served.services.keys.revoke(request.node.name)
    with pytest.raises(errors.Unauthorized):
        ask("log_in")


def test_a_request_that_makes_something_may_come_twice(ask: Ask, served: Served) -> None:
    once = ask("create_subject", external_id="a-1", idempotency_key="registration-4711")
    assert (
        ask("create_subject", external_id="a-1", idempotency_key="registration-4711").id == once.id
    )
    first = ask("enrol_user", picture(1), idempotency_key="x")
    assert ask("enrol_user", picture(1), idempotency_key="x").user_token == first.user_token
    assert ask("enrol_user", picture(1)).user_token != first.user_token


def test_pictures_come_from_paths_and_open_files(ask: Ask, tmp_path: Path) -> None:
    file = tmp_path / "selfie.jpg"
    file.write_bytes(picture(1, size=700_000))
    with file.open("rb") as opened:
        opened.read(100)
        assert ask("compare_faces", file, opened).is_match


def test_a_liveness_session_is_opened_looked_at_and_revoked(ask: Ask) -> None:
    subject = ask("create_subject").id
    opened = ask("open_liveness_session", subject_id=subject, on_pass="enrol", consent=True)
    assert opened.capture_url.endswith(opened.client_token)
    known = ask("get_liveness_session", opened.session_id)
    assert (known.state, known.on_pass, known.kind) == ("created", "enrol", "head_turns")
    assert not known.is_over
    assert not known.is_passed
    assert known.verdict is None
    ask("revoke_liveness_session", opened.session_id)
    with pytest.raises(errors.SessionNotFound):
        ask("get_liveness_session", opened.session_id)
