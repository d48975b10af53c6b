from __future__ import annotations

import pytest

from perse.domain.face_confirmation import CloseLook, ConfirmationRule
from perse.errors import InvalidParameter
from tests.fakes.face_ports import RULE

NOTHING = CloseLook(0.0)


def at(turns: int, look: CloseLook, elsewhere: CloseLook = NOTHING) -> list[CloseLook]:
    return [look if turn == turns else elsewhere for turn in range(4)]


@pytest.mark.parametrize("turns", range(4))
def test_a_face_stands_where_it_looks_most_like_one(turns: int) -> None:
    looks = at(turns, CloseLook(0.92, 30.0), CloseLook(0.85, -2.0))
    assert RULE.standing(looks) == turns


@pytest.mark.parametrize("turns", range(4))
def test_the_detector_alone_tells_where_there_is_no_landmarker(turns: int) -> None:
    assert RULE.standing(at(turns, CloseLook(0.92), CloseLook(0.85))) == turns


def test_what_is_hardly_better_turned_stays_as_sent() -> None:
    assert RULE.standing(at(2, CloseLook(0.89, 5.0), CloseLook(0.87, 4.5))) == 0


def test_a_landmarker_outweighs_a_detector_that_likes_the_wrong_way_up() -> None:
    assert RULE.standing(at(0, CloseLook(0.6, 33.0), CloseLook(0.86, 2.0))) == 0


@pytest.mark.parametrize("odds", [None, -8.0, 11.9])
def test_what_looks_like_a_face_now_and_then_is_none(odds: float | None) -> None:
    assert RULE.standing(at(0, CloseLook(0.8, odds))) is None


def test_a_burnt_out_face_is_one_by_its_landmarker() -> None:
    assert RULE.standing(at(0, CloseLook(0.6, 20.0))) == 0
    assert RULE.standing(at(0, CloseLook(0.4, 20.0))) is None


@pytest.mark.parametrize(
    ("score", "odds", "clear"),
    [(0.91, None, True), (0.91, 12.0, True), (0.91, 11.9, False), (0.89, 30.0, False)],
)
def test_one_close_look_is_enough_unless_the_landmarker_doubts_it(
    score: float, odds: float | None, clear: bool
) -> None:
    assert RULE.is_clear(CloseLook(score, odds)) is clear


def test_nothing_seen_is_no_face() -> None:
    assert RULE.standing([NOTHING] * 4) is None


@pytest.mark.parametrize(
    ("name", "value"),
    [("sure_look", 0.95), ("least_look", -0.1), ("clear_glance", 1.1), ("turn_margin", -0.1)],
)
def test_limits_that_contradict_one_another_are_refused(name: str, value: float) -> None:
    limits = {field: getattr(RULE, field) for field in RULE.__dataclass_fields__}
    with pytest.raises(InvalidParameter):
        ConfirmationRule(**limits | {name: value})
