from __future__ import annotations

from perse.domain.geometry import Box
from perse.domain.session_frames import FailureReason, GivenPrompt, Prompt
from perse.domain.session_prompts import answer_times_s, answered, baseline, prompt_failures
from tests.domain.session_films import (
    AHEAD,
    LEFT,
    POINTS,
    RIGHT,
    STEP_S,
    UP,
    altered,
    calm_session,
    film,
    turning,
)

NOT_FOLLOWED = [FailureReason.PROMPT_NOT_FOLLOWED]


def test_a_calm_person_answers_every_prompt() -> None:
    prompts, frames = calm_session()
    assert prompt_failures(prompts, frames, POINTS) == []
    assert all(time < 3 for time in answer_times_s(prompts, frames, POINTS))
    assert len(answer_times_s(prompts, frames, POINTS)) == len(prompts)


def test_the_same_turn_does_not_answer_another_prompt() -> None:
    frames = film(*turning(AHEAD, AHEAD, LEFT, LEFT))
    assert answered(GivenPrompt(Prompt.LOOK_LEFT, 0.4), frames, POINTS)
    for prompt in (Prompt.LOOK_RIGHT, Prompt.LOOK_UP, Prompt.COME_CLOSER):
        assert answered(GivenPrompt(prompt, 0.4), frames, POINTS) is None


def test_a_prompt_is_not_answered_by_what_came_before_it() -> None:
    frames = film(*turning(AHEAD, AHEAD, LEFT, LEFT, AHEAD, AHEAD))
    assert answered(GivenPrompt(Prompt.LOOK_LEFT, 0.4), frames, POINTS)
    assert answered(GivenPrompt(Prompt.LOOK_LEFT, 22 * STEP_S), frames, POINTS) is None


def test_turns_are_told_from_where_the_head_was_at_first() -> None:
    """A phone below the chin sees everybody look up."""
    frames = film(*turning((5, 14), (5, 14), (5, 16)))
    assert answered(GivenPrompt(Prompt.LOOK_UP, 0.4), frames, POINTS) is None
    frames = film(*turning((5, 14), (5, 14), (5, 26), (5, 26)))
    assert answered(GivenPrompt(Prompt.LOOK_UP, 0.4), frames, POINTS)


def test_nothing_is_answered_before_somebody_looked_ahead() -> None:
    frames = film(*turning(LEFT, LEFT, LEFT))
    assert baseline(frames, POINTS) is None
    assert answered(GivenPrompt(Prompt.LOOK_LEFT, 0.0), frames, POINTS) is None
    assert prompt_failures([GivenPrompt(Prompt.LOOK_AHEAD, 0.0)], frames, POINTS) == NOT_FOLLOWED


def test_one_misread_frame_is_no_answer() -> None:
    frames = film(*[AHEAD] * 6, LEFT, *[AHEAD] * 6)
    assert answered(GivenPrompt(Prompt.LOOK_LEFT, 0.4), frames, POINTS) is None


def test_coming_closer_is_a_larger_face() -> None:
    heights = [200.0] * 4 + [200.0 + 10 * step for step in range(8)]
    frames = film(*[AHEAD] * 12, heights=heights)
    assert answered(GivenPrompt(Prompt.COME_CLOSER, 0.4), frames, POINTS)
    frames = film(*[AHEAD] * 12, heights=[200.0 + 4 * step for step in range(12)])
    assert answered(GivenPrompt(Prompt.COME_CLOSER, 0.4), frames, POINTS) is None


def test_a_face_that_comes_so_near_that_it_is_cut_is_nearer_by_its_width() -> None:
    frames = film(*[AHEAD] * 12)
    near = altered(frames, range(6, 12), box=Box(200, 0, 210, 210))
    assert answered(GivenPrompt(Prompt.COME_CLOSER, 0.4), near, POINTS)
    assert answered(GivenPrompt(Prompt.COME_CLOSER, 0.4), frames, POINTS) is None


def test_an_answer_sooner_than_anybody_reads_was_foreseen() -> None:
    frames = film(*turning(AHEAD, AHEAD, LEFT, LEFT))
    prompts = [GivenPrompt(Prompt.LOOK_AHEAD, 0.0), GivenPrompt(Prompt.LOOK_LEFT, 11 * STEP_S)]
    assert prompt_failures(prompts, frames, POINTS) == [FailureReason.PROMPT_FORESEEN]


def test_an_answer_that_takes_too_long_is_none() -> None:
    frames = film(*turning(AHEAD, *[AHEAD] * 12, LEFT, LEFT))
    prompts = [GivenPrompt(Prompt.LOOK_AHEAD, 0.0), GivenPrompt(Prompt.LOOK_LEFT, 0.5)]
    assert prompt_failures(prompts, frames, POINTS) == NOT_FOLLOWED


def test_a_film_of_other_prompts_fails_even_when_its_turn_comes_later() -> None:
    """As a replayed session does, in which every movement comes some time."""
    frames = film(*turning(AHEAD, AHEAD, RIGHT, RIGHT, AHEAD, LEFT, LEFT))
    prompts = [GivenPrompt(Prompt.LOOK_AHEAD, 0.0), GivenPrompt(Prompt.LOOK_LEFT, 0.4)]
    assert answered(prompts[1], frames, POINTS)
    assert prompt_failures(prompts, frames, POINTS) == NOT_FOLLOWED


def test_the_way_back_from_the_prompt_before_is_no_wrong_movement() -> None:
    frames = film(*turning(AHEAD, AHEAD, LEFT, LEFT, AHEAD, UP, UP))
    prompts = [
        GivenPrompt(Prompt.LOOK_AHEAD, 0.0),
        GivenPrompt(Prompt.LOOK_LEFT, 0.4),
        GivenPrompt(Prompt.LOOK_UP, 16 * STEP_S),
    ]
    assert prompt_failures(prompts, frames, POINTS) == []


def test_a_face_that_was_lost_interrupts_the_answer() -> None:
    frames = film(*[AHEAD] * 5)
    assert baseline(frames[:2], POINTS) is None
    assert baseline(frames, POINTS) is not None
