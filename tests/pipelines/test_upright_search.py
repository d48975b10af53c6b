"""The search for faces of any way up, on pictures that hold one bright spot for each face.

A spot's green says at which quarter turn its face stands in the picture as sent.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field

import numpy as np
import pytest

from perse.domain.face_confirmation import CloseLook
from perse.domain.geometry import Box, DetectedFace, Framing
from perse.domain.orientation import quarter_turns_of
from perse.domain.samples import FaceImage, ModelName
from perse.pipelines.face_search import MultiScaleDetector
from perse.pipelines.upright_search import MOST_LOOKED_AT, UprightSearch
from tests.fakes.face_ports import RULE, face_at
from tests.pipelines.test_face_search import PLAN

SIZE_PX = 100
NO_FACE = 9


@dataclass(frozen=True)
class Spot:
    """A face, or what looks like one: where, and at which quarter turn it stands."""

    x: int
    y: int
    turns: int


def picture(*spots: Spot) -> FaceImage:
    pixels = np.zeros((600, 800, 3), np.uint8)
    for spot in spots:
        pixels[spot.y, spot.x] = (255, 10 + spot.turns, 0)
    return FaceImage(pixels)


@dataclass
class TurningEye:
    """Finder and second look in one. ``blind``: sees no face on its side, as small ones are;
    ``misled``: takes every face of the picture as sent for one on its right side."""

    clear: bool = False
    blind: bool = False
    misled: bool = False
    finds: int = 0
    looks: list[Box] = field(default_factory=list)
    model: ModelName = ModelName("eye")

    def find(self, image: FaceImage, framing: Framing) -> Sequence[DetectedFace]:
        self.finds += 1
        return [
            face_at(x, y, SIZE_PX, score=0.95 if turns == 0 and self.clear else 0.8)
            for x, y, turns in self._spots(image)
            if not (self.blind and turns % 2)
        ]

    def look(self, image: FaceImage, box: Box, quarter_turns: int) -> CloseLook:
        self.looks.append(box)
        if self.misled and self.righted_by(image) == 0:
            return CloseLook(0.88 if quarter_turns == 1 else 0.5)
        for x, y, turns in self._spots(image):
            if box.left < x < box.right and box.top < y < box.bottom:
                return CloseLook(0.93 if turns == quarter_turns else 0.7)
        return CloseLook(0.0)

    def _spots(self, image: FaceImage) -> list[tuple[int, int, int]]:
        """Each spot with the turn that it still has in this picture."""
        rows, columns = np.nonzero(image.pixels[..., 0])
        stands = image.pixels[rows, columns, 1].astype(int) - 10
        done = self.righted_by(image)
        return [
            (int(x), int(y), (turn - done) % 4 if turn != NO_FACE else NO_FACE)
            for x, y, turn in zip(columns, rows, stands, strict=True)
        ]

    def righted_by(self, image: FaceImage) -> int:
        """By how many quarter turns: the mark in a corner tells."""
        corners = [image.pixels[y, x, 2] for x, y in ((0, 0), (0, -1), (-1, -1), (-1, 0))]
        return next((turn for turn, value in enumerate(corners) if value), 0)


def marked(image: FaceImage) -> FaceImage:
    """With a mark in the corner that is the upper left one of the picture as sent."""
    image.pixels[0, 0, 2] = 1
    return image


def searched(image: FaceImage, eye: TurningEye) -> Sequence[DetectedFace]:
    search = UprightSearch(MultiScaleDetector(eye, PLAN), eye, RULE)
    assert search.model == "eye"
    return search.detect(marked(image))


def test_a_clear_face_costs_one_look() -> None:
    eye = TurningEye(clear=True)
    assert len(searched(picture(Spot(300, 300, 0)), eye)) == 1
    assert (eye.finds, eye.looks) == (1, [])


def test_an_unclear_upright_face_costs_one_second_look() -> None:
    eye = TurningEye()
    assert len(searched(picture(Spot(300, 300, 0)), eye)) == 1
    assert (eye.finds, len(eye.looks)) == (1, 1)


@pytest.mark.parametrize("clear", [True, False])
@pytest.mark.parametrize("blind", [True, False])
@pytest.mark.parametrize("turns", [1, 2, 3])
def test_a_turned_face_is_found_where_it_is_and_as_it_stands(
    turns: int, blind: bool, clear: bool
) -> None:
    faces = searched(picture(Spot(300, 200, turns)), TurningEye(clear=clear, blind=blind))
    assert len(faces) == 1
    assert quarter_turns_of(faces[0].landmarks) == turns
    np.testing.assert_allclose(faces[0].landmarks.points[2], (300, 200), atol=1)
    assert faces[0].box.left < 300 < faces[0].box.right


def test_faces_of_several_ways_up_are_found_each_once() -> None:
    spots = [Spot(100, 300, 0), Spot(300, 300, 1), Spot(500, 300, 2), Spot(700, 300, 3)]
    faces = searched(picture(*spots), TurningEye(clear=True))
    standing = {round(f.landmarks.points[2, 0]): quarter_turns_of(f.landmarks) for f in faces}
    assert [standing[x] for x in sorted(standing)] == [0, 1, 2, 3]


def test_what_looks_like_a_face_is_none() -> None:
    assert searched(picture(Spot(300, 300, NO_FACE)), TurningEye()) == []


def test_a_false_face_does_not_hide_a_turned_one() -> None:
    image = picture(Spot(100, 300, NO_FACE), Spot(500, 300, 1))
    faces = searched(image, TurningEye(clear=True, blind=True))
    assert [quarter_turns_of(face.landmarks) for face in faces] == [1]


def test_an_empty_picture_is_turned_each_way_at_a_glance() -> None:
    eye = TurningEye()
    assert searched(picture(), eye) == []
    assert eye.finds == 2 + len(PLAN.close(800, 600)) + 3 * 2


def test_a_crowd_is_looked_at_again_up_to_a_number() -> None:
    spots = [Spot(60 + 95 * column, 60 + 115 * row, 0) for column in range(8) for row in range(5)]
    eye = TurningEye()
    assert len(searched(picture(*spots), eye)) == len(spots)
    assert len(eye.looks) == MOST_LOOKED_AT


def test_a_turned_crowd_stands_turned_as_a_whole() -> None:
    spots = [Spot(60 + 95 * column, 60 + 115 * row, 2) for column in range(8) for row in range(5)]
    faces = searched(picture(*spots), TurningEye())
    assert {quarter_turns_of(face.landmarks) for face in faces} == {2}


@pytest.mark.parametrize("turns", [1, 2, 3])
def test_a_wrong_guess_of_the_turn_loses_no_face(turns: int) -> None:
    faces = searched(picture(Spot(300, 200, turns)), TurningEye(misled=True))
    assert [quarter_turns_of(face.landmarks) for face in faces] == [turns]
