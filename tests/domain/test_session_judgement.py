from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from perse.domain.decisions import PadScore
from perse.domain.geometry import Landmarks
from perse.domain.pose import rotation_matrix
from perse.domain.references import Template
from perse.domain.samples import ModelName
from perse.domain.session_frames import (
    FailureReason,
    GivenPrompt,
    ObservedFrame,
    SessionJudgement,
    SessionKind,
    Tracks,
)
from perse.domain.session_identity import lowest_cosine, session_pad
from perse.domain.session_judgement import SessionRules, judge
from perse.weights.liveness_sessions import shipped_head
from tests.domain.session_films import AHEAD, POINTS, altered, calm_session, film

RULES = SessionRules(POINTS, shipped_head())
ONE = np.array([1.0, 0.0, 0.0], np.float32)
ANOTHER = np.array([0.1, 0.995, 0.0], np.float32)
PLACES = np.random.default_rng(5).uniform((-0.7, -0.6), (0.7, 1.3), (80, 2))


def template(vector: np.ndarray[tuple[int], np.dtype[np.float32]]) -> Template:
    return Template.of(vector, ModelName("drawn"))


def with_face(frame: ObservedFrame, *, flat: bool = False) -> ObservedFrame:
    """All that the networks would have measured of a calm and live face."""
    assert frame.pose is not None
    depth = np.zeros(len(PLACES)) if flat else RULES.head.depth_at(PLACES)
    turn = rotation_matrix(frame.pose)
    seen = (np.column_stack((PLACES, depth)) @ turn.T)[:, :2] * 70 + (320, 200)
    anchors = (RULES.head.anchors @ turn.T)[:, :2] * 70 + (320, 200)
    return replace(
        frame,
        landmarks=Landmarks(anchors.astype(np.float32)),
        pad=PadScore(0.9),
        template=template(ONE),
        recognisability=0.9,
        tracks=Tracks(0, seen.astype(np.float32)),
    )


def session(*, flat: bool = False) -> tuple[list[GivenPrompt], list[ObservedFrame]]:
    prompts, frames = calm_session()
    return prompts, [with_face(it, flat=flat) for it in frames]


def judged(frames: list[ObservedFrame]) -> SessionJudgement:
    return judge(SessionKind.HEAD_TURNS, calm_session()[0], frames, RULES)


def test_a_calm_person_passes_and_every_score_is_told() -> None:
    told = judged(session()[1])
    assert told.passed
    assert told.reasons == ()
    assert told.scores.pad == pytest.approx(0.9)
    assert told.scores.same_face == pytest.approx(1.0)
    assert told.scores.relief == pytest.approx(1.0, abs=0.1)
    assert told.scores.unbent_relief == pytest.approx(1.0, abs=0.3)
    assert told.scores.longest_answer_s is not None


def test_a_sheet_that_somehow_answers_has_no_depth() -> None:
    assert judged(session(flat=True)[1]).reasons == (FailureReason.NO_DEPTH,)


def test_a_turn_that_could_not_be_followed_shows_no_depth() -> None:
    frames = altered(session()[1], range(4, 60), tracks=None)
    assert judged(frames).reasons == (FailureReason.DEPTH_NOT_SEEN,)


def test_a_face_that_becomes_another_ones_fails() -> None:
    frames = altered(session()[1], range(30, 40), template=template(ANOTHER), recognisability=0.8)
    assert judged(frames).reasons == (FailureReason.FACE_CHANGED,)


def test_a_face_of_which_too_little_is_seen_is_nobodys() -> None:
    frames = altered(session()[1], range(100), recognisability=0.1)
    assert judged(frames).reasons == (FailureReason.FACE_NOT_RECOGNISABLE,)


def test_frames_without_templates_can_be_anybodys() -> None:
    frames = altered(session()[1], range(1, 100), template=None)
    assert judged(frames).reasons == (FailureReason.TOO_FEW_FRAMES,)
    assert lowest_cosine(frames) is None


def test_what_looks_like_a_print_fails_but_one_bad_frame_does_not() -> None:
    frames = session()[1]
    assert judged(altered(frames, range(8), pad=PadScore(0.0))).passed
    attack = altered(frames, range(5, 40), pad=PadScore(0.1))
    assert judged(attack).reasons == (FailureReason.PRESENTATION_ATTACK,)


@pytest.mark.parametrize(
    ("kind", "least", "reasons"),
    [
        (SessionKind.HEAD_TURNS, None, ()),
        (SessionKind.HEAD_TURNS, 0.5, (FailureReason.TOO_FEW_FRAMES,)),
        (SessionKind.PASSIVE, None, (FailureReason.TOO_FEW_FRAMES,)),
        (SessionKind.PASSIVE, 0.5, (FailureReason.TOO_FEW_FRAMES,)),
    ],
)
def test_without_a_score_only_a_head_that_turns_passes_and_only_where_nothing_gives_one(
    kind: SessionKind, least: float | None, reasons: tuple[FailureReason, ...]
) -> None:
    prompts, frames = session()
    frames = altered(frames, range(100), pad=None)
    assert session_pad(frames) is None
    rules = replace(RULES, points=replace(POINTS, pad=least))
    asked = prompts if kind is SessionKind.HEAD_TURNS else prompts[:1]
    assert judge(kind, asked, frames, rules).reasons == reasons


def test_several_faults_are_all_told_once() -> None:
    frames = altered(session()[1], range(30, 33), faces=2)
    frames = altered(frames, range(5, 60), pad=PadScore(0.0))
    assert set(judged(frames).reasons) == {
        FailureReason.SECOND_FACE,
        FailureReason.PRESENTATION_ATTACK,
    }


def test_what_came_before_somebody_looked_ahead_counts_for_nothing() -> None:
    prompts, frames = session()
    late = [GivenPrompt(it.prompt, it.at_s + 2.0) for it in prompts]
    arriving = [replace(it, faces=0, box=None, pose=None) for it in film(*[AHEAD] * 12)]
    shifted = [
        replace(it, at_s=it.at_s + 2.0, client_at_s=it.at_s + 1002.0, digest=it.digest + b"late")
        for it in frames
    ]
    first = GivenPrompt(late[0].prompt, 0.0)
    told = judge(SessionKind.HEAD_TURNS, [first, *late[1:]], [*arriving, *shifted], RULES)
    assert told.passed


def test_a_picture_that_stands_still_answers_nothing() -> None:
    prompts, frames = session()
    still = [replace(it, digest=b"still") for it in frames[:3]]
    told = judge(SessionKind.PASSIVE, prompts[:1], still, RULES)
    assert FailureReason.PROMPT_NOT_FOLLOWED in told.reasons


def test_nothing_at_all_fails() -> None:
    reasons = judged([]).reasons
    assert FailureReason.TOO_FEW_FRAMES in reasons
    assert FailureReason.PROMPT_NOT_FOLLOWED in reasons


def test_a_passive_session_asks_for_no_depth() -> None:
    prompts, frames = session(flat=True)
    told = judge(SessionKind.PASSIVE, prompts[:1], frames[:16], RULES)
    assert told.passed
    assert told.scores.relief is None
