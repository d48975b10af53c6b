"""Damage that two pictures share does not make strangers one person."""

from __future__ import annotations

from collections.abc import Iterator
from itertools import combinations
from pathlib import Path

import pytest

from perse import Engine, open_engine
from perse.domain.samples import Pixels
from perse.errors import NoFaceDetected
from perse.evaluation.treatments import TREATMENTS, blurred
from perse.media.image_decoder import decode_image

PORTRAITS = Path(__file__).parents[1] / "samples" / "portraits"
PACKS = ["standard", pytest.param("compact", marks=pytest.mark.shared)]
STRANGERS = ("obama_2012", "biden_2010", "collins_1992", "hopper_1984")


@pytest.fixture(scope="module", params=PACKS)
def engine(request: pytest.FixtureRequest, pack_folders: dict[str, Path]) -> Iterator[Engine]:
    with open_engine(request.param, data_dir=pack_folders[request.param], offline=True) as opened:
        yield opened


def portrait(name: str) -> Pixels:
    return decode_image((PORTRAITS / f"{name}.jpg").read_bytes()).pixels


def treated(engine: Engine, name: str, treatment: str) -> Pixels:
    pixels = portrait(name)
    face = engine.detect(pixels).faces[0].face
    return TREATMENTS[treatment](pixels, face.landmarks.points)


@pytest.mark.parametrize("treatment", TREATMENTS)
def test_strangers_treated_alike_do_not_match(engine: Engine, treatment: str) -> None:
    templates = []
    for name in STRANGERS:
        try:
            templates.append(engine.face_template(treated(engine, name, treatment)))
        except NoFaceDetected:
            continue
    for one, other in combinations(templates, 2):
        assert engine.compare_templates(one, other).similarity < engine.thresholds.similarity


def test_good_portraits_are_recognisable_and_say_so(engine: Engine) -> None:
    least = engine.thresholds.recognisability
    assert least is not None
    for name in STRANGERS:
        (face,) = engine.detect(PORTRAITS / f"{name}.jpg").faces
        assert face.recognisability is not None
        assert face.recognisability > 0.8 > least


def test_a_face_out_of_focus_cannot_be_told(engine: Engine) -> None:
    sharp = portrait("obama_2012")
    face = engine.detect(sharp).faces[0].face
    blur = blurred(0.06 * face.box.height)(sharp, face.landmarks.points)
    comparison = engine.compare(PORTRAITS / "obama_2009.jpg", blur)
    assert not comparison.assessable
    assert comparison.similarity == 0
    found = engine.detect(blur).faces[0].recognisability
    least = engine.thresholds.recognisability
    assert found is not None
    assert least is not None
    assert found < least
    assert found == pytest.approx(comparison.resemblance.lower_recognisability, abs=1e-6)


def test_sunglasses_do_not_hide_a_person_from_a_good_picture(engine: Engine) -> None:
    shaded = treated(engine, "obama_2012", "sunglasses")
    comparison = engine.compare(PORTRAITS / "obama_2009.jpg", shaded)
    assert comparison.assessable


def test_two_templates_give_what_two_pictures_give(engine: Engine) -> None:
    pictures = [PORTRAITS / f"{name}.jpg" for name in ("obama_2009", "obama_2012")]
    templates = [engine.face_template(picture) for picture in pictures]
    assert engine.compare_templates(*templates) == engine.compare(*pictures).resemblance
