from __future__ import annotations

from dataclasses import replace

import pytest

from perse.domain.geometry import Box, HeadPose
from perse.domain.session_continuity import (
    continuity_failures,
    face_lost,
    jumped,
    repeated,
    second_face,
    time_reversed,
)
from perse.domain.session_frames import (
    FailureReason,
    ObservedFrame,
    faces_before_camera,
    without_repeats,
)
from perse.errors import InvalidParameter
from tests.domain.session_films import (
    AHEAD,
    LEFT,
    POINTS,
    STEP_S,
    altered,
    calm_session,
    film,
    frame,
    turning,
)

CALM = calm_session()[1]


def test_a_calm_session_is_continuous() -> None:
    assert continuity_failures(CALM, POINTS) == []


def test_no_frame_comes_twice() -> None:
    assert not repeated(CALM)
    assert repeated(altered(CALM, range(30, 31), digest=CALM[4].digest))


def test_a_camera_read_too_often_repeats_only_its_last_frame() -> None:
    again = altered(CALM, range(5, 6), digest=CALM[4].digest)
    assert repeated(again)
    assert not repeated(without_repeats(again))
    assert len(without_repeats(again)) == len(CALM) - 1


def test_the_clients_clock_goes_on_and_goes_with_ours() -> None:
    assert not time_reversed(CALM, POINTS)
    assert time_reversed(altered(CALM, range(9, 10), client_at_s=CALM[7].client_at_s), POINTS)
    assert time_reversed(altered(CALM, range(9, 10), client_at_s=CALM[8].client_at_s), POINTS)


def seen(at_s: float, silent_s: float, *, faces: int = 1) -> ObservedFrame:
    """A frame that the server looked at; of those before it, it had looked at none."""
    return replace(frame(at_s, faces=faces), silent_s=silent_s)


def test_frames_that_came_and_were_not_looked_at_lose_no_face() -> None:
    assert not face_lost([frame(0), seen(4, 0.4), seen(9, 0.9)], POINTS)


def test_a_client_that_falls_silent_loses_it() -> None:
    assert face_lost([frame(0), seen(4, 1.1), seen(5, 0.3)], POINTS)


def test_frames_that_were_not_looked_at_hide_no_absence() -> None:
    gone = [seen(1, 0.3, faces=0), seen(2.1, 0.3, faces=0)]
    assert face_lost([frame(0), *gone, seen(3, 0.3)], POINTS)
    assert face_lost([frame(0), *gone], POINTS)
    assert not face_lost([frame(0), gone[0], seen(3, 0.3)], POINTS)


def test_silence_beside_an_absence_makes_it_longer() -> None:
    gone = [seen(1, 0.4, faces=0), seen(1.4, 0.3, faces=0)]
    assert face_lost([frame(0), *gone, seen(2, 0.3)], POINTS)


def test_frames_that_arrive_later_and_later_could_have_been_drawn_meanwhile() -> None:
    late = [frame(index * STEP_S + min(index * 0.1, 3.0)) for index in range(len(CALM))]
    taken = [
        altered([it], range(1), client_at_s=index * STEP_S)[0] for index, it in enumerate(late)
    ]
    assert time_reversed(taken, POINTS)


def test_a_client_without_a_clock_is_held_to_ours() -> None:
    assert not time_reversed(altered(CALM, range(len(CALM)), client_at_s=None), POINTS)


def test_a_face_may_be_lost_for_a_moment_only() -> None:
    none = {"faces": 0, "box": None, "pose": None}
    assert not face_lost(altered(CALM, range(20, 24), **none), POINTS)
    assert face_lost(altered(CALM, range(20, 30), **none), POINTS)
    assert face_lost([*CALM[:10], *CALM[22:]], POINTS)
    assert face_lost(altered(CALM, range(len(CALM) - 10, len(CALM)), **none), POINTS)
    assert not face_lost([], POINTS)


def test_a_second_face_is_seen_on_two_frames_in_a_row() -> None:
    assert not second_face(altered(CALM, range(20, 21), faces=2))
    assert second_face(altered(CALM, range(20, 22), faces=2))


def test_passers_by_in_the_background_do_not_take_part() -> None:
    near, far = Box(0, 0, 100, 140), Box(300, 0, 40, 60)
    assert faces_before_camera([]) == 0
    assert faces_before_camera([near, far, far]) == 1
    assert faces_before_camera([near, Box(300, 0, 80, 100)]) == 2


def test_heads_do_not_jump() -> None:
    assert not jumped(CALM, POINTS)
    assert jumped(film(AHEAD, AHEAD, (60.0, 0.0)), POINTS)
    assert not jumped(film(*turning(AHEAD, LEFT, steps=2)), POINTS)
    assert jumped(film(AHEAD, AHEAD, AHEAD, heights=[200, 200, 330]), POINTS)
    assert jumped(altered(CALM, range(20, 60), box=Box(10, 10, 160, 200)), POINTS)


def test_a_gap_gives_time_to_move() -> None:
    there = frame(1.0, 60.0)
    assert not jumped([frame(0.0), there], POINTS)


@pytest.mark.parametrize(
    "values",
    [{"at_s": float("nan")}, {"client_at_s": float("inf")}, {"faces": 1}, {"box": Box(0, 0, 1, 1)}],
)
def test_a_frame_that_contradicts_itself_cannot_be(values: dict[str, object]) -> None:
    with pytest.raises(InvalidParameter):
        ObservedFrame(**{"at_s": 0.0, "digest": b"", **values})  # type: ignore[arg-type]


def test_every_failure_is_told_by_its_own_name() -> None:
    spoilt = altered(CALM, range(20, 22), faces=2, pose=HeadPose(80, 0, 0))
    assert continuity_failures(spoilt, POINTS) == [FailureReason.SECOND_FACE, FailureReason.JUMP]
