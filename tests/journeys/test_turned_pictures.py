"""A picture that lies on its side or stands on its head is the same person's."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from perse import Engine, open_engine
from perse.domain.faces import AssessedFace
from perse.errors import NoFaceDetected
from tests.drawn_faces import smiley

SAMPLES = Path(__file__).parents[1] / "samples"
PORTRAITS = sorted((SAMPLES / "portraits").glob("*.jpg"))
PACKS = ["standard", pytest.param("compact", marks=pytest.mark.shared)]
TURNS = {1: 90.0, 2: 180.0, 3: -90.0}


@pytest.fixture(scope="module", params=PACKS)
def engine(request: pytest.FixtureRequest, pack_folders: dict[str, Path]) -> Iterator[Engine]:
    with open_engine(request.param, data_dir=pack_folders[request.param], offline=True) as opened:
        yield opened


def turned(path: Path, quarter_turns: int) -> np.ndarray:
    """Clockwise."""
    with Image.open(path) as picture:
        pixels = np.asarray(picture.convert("RGB"))
    return np.ascontiguousarray(np.rot90(pixels, -quarter_turns))


def turned_points(face: AssessedFace, quarter_turns: int, size: tuple[int, int]) -> np.ndarray:
    """Where the landmarks of an upright picture of ``size`` lie when it is turned clockwise."""
    (width, height), (x, y) = size, face.face.landmarks.points.T
    places = ((x, y), (height - 1 - y, x), (width - 1 - x, height - 1 - y), (y, width - 1 - x))
    return np.stack(places[quarter_turns], axis=1)


def one_face(engine: Engine, pixels: np.ndarray) -> AssessedFace:
    faces = engine.detect(pixels).faces
    assert len(faces) == 1
    return faces[0]


@pytest.mark.parametrize("quarter_turns", TURNS)
@pytest.mark.parametrize("path", PORTRAITS, ids=lambda path: path.stem)
def test_a_turned_picture_holds_the_same_face(
    engine: Engine, path: Path, quarter_turns: int
) -> None:
    upright, lying = (
        one_face(engine, turned(path, 0)),
        one_face(engine, turned(path, quarter_turns)),
    )
    height, width = turned(path, 0).shape[:2]
    expected = turned_points(upright, quarter_turns, (width, height))
    np.testing.assert_allclose(lying.face.landmarks.points, expected, atol=1)
    gap = (lying.pose.roll - upright.pose.roll - TURNS[quarter_turns] + 180) % 360 - 180
    assert abs(gap) < 5
    assert lying.metrics.rotation > 60
    assert lying.metrics.sharpness == pytest.approx(upright.metrics.sharpness, abs=0.05)
    assert lying.pad is not None
    assert upright.pad is not None
    assert lying.pad.value == pytest.approx(upright.pad.value, abs=0.01)


@pytest.mark.parametrize("quarter_turns", TURNS)
@pytest.mark.parametrize(
    ("name", "other"), [("obama_2012", "obama_2009"), ("obama_2010", "obama_2012")]
)
def test_a_turned_picture_matches_another_of_the_same_person(
    engine: Engine, name: str, other: str, quarter_turns: int
) -> None:
    lying = turned(SAMPLES / "portraits" / f"{name}.jpg", quarter_turns)
    comparison = engine.compare(lying, SAMPLES / "portraits" / f"{other}.jpg")
    assert comparison.similarity >= engine.thresholds.similarity


@pytest.mark.parametrize(("one_turn", "other_turn"), [(1, 1), (2, 2), (3, 3), (1, 2)])
def test_strangers_upside_down_are_strangers(
    engine: Engine, one_turn: int, other_turn: int
) -> None:
    one, other = PORTRAITS[0], PORTRAITS[-1]
    comparison = engine.compare(turned(one, one_turn), turned(other, other_turn))
    assert comparison.similarity < engine.thresholds.similarity


@pytest.mark.parametrize("quarter_turns", range(4))
@pytest.mark.parametrize("path", sorted((SAMPLES / "no_face").glob("*.jpg")), ids=lambda p: p.stem)
def test_what_is_no_face_is_none_from_any_side(
    engine: Engine, path: Path, quarter_turns: int
) -> None:
    assert engine.detect(turned(path, quarter_turns)).faces == ()


@pytest.mark.parametrize("quarter_turns", range(4))
def test_a_drawn_face_is_neither_found_nor_compared(engine: Engine, quarter_turns: int) -> None:
    drawn = np.ascontiguousarray(np.rot90(smiley(), quarter_turns))
    assert engine.detect(drawn).faces == ()
    with pytest.raises(NoFaceDetected):
        engine.compare(PORTRAITS[0], drawn)
