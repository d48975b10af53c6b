"""Real networks on real portraits: what a user of the library or the command line meets."""

from __future__ import annotations

import io
import json
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest
from PIL import Image
from typer.testing import CliRunner

from perse import Engine, open_engine
from perse.cli.application import app
from perse.errors import InvalidFileType, InvalidParameter, NoFaceDetected

SAMPLES = Path(__file__).parents[1] / "samples"
PORTRAITS = SAMPLES / "portraits"
ORIENTATIONS = range(1, 9)
# What turns the upright picture into the one stored with an EXIF orientation.
STORED_AS = {
    1: None,
    2: Image.Transpose.FLIP_LEFT_RIGHT,
    3: Image.Transpose.ROTATE_180,
    4: Image.Transpose.FLIP_TOP_BOTTOM,
    5: Image.Transpose.TRANSPOSE,
    6: Image.Transpose.ROTATE_90,
    7: Image.Transpose.TRANSVERSE,
    8: Image.Transpose.ROTATE_270,
}
PACKS = ["standard", pytest.param("compact", marks=pytest.mark.shared)]


@pytest.fixture(scope="module", params=PACKS)
def engine(request: pytest.FixtureRequest, pack_folders: dict[str, Path]) -> Iterator[Engine]:
    with open_engine(request.param, data_dir=pack_folders[request.param], offline=True) as opened:
        yield opened


def portrait(name: str) -> Image.Image:
    return Image.open(PORTRAITS / f"{name}.jpg").convert("RGB")


def as_png(picture: Image.Image) -> bytes:
    file = io.BytesIO()
    picture.save(file, "PNG", compress_level=1)
    return file.getvalue()


def as_jpeg(picture: Image.Image, **options: object) -> bytes:
    file = io.BytesIO()
    picture.save(file, "JPEG", quality=92, **options)
    return file.getvalue()


@pytest.mark.parametrize("path", sorted(PORTRAITS.glob("*.jpg")), ids=lambda path: path.stem)
def test_a_portrait_has_one_face_whose_eyes_are_above_its_mouth(engine: Engine, path: Path) -> None:
    faces = engine.detect(path).faces
    assert len(faces) == 1
    right_eye, left_eye, nose, mouth_right, mouth_left = faces[0].face.landmarks.points
    assert right_eye[0] < nose[0] < left_eye[0]
    assert max(right_eye[1], left_eye[1]) < nose[1] < min(mouth_right[1], mouth_left[1])


@pytest.mark.parametrize("path", sorted((SAMPLES / "no_face").glob("*.jpg")), ids=lambda p: p.stem)
def test_a_wall_a_cat_and_a_cup_have_no_face(engine: Engine, path: Path) -> None:
    assert engine.detect(path).faces == ()


@pytest.mark.parametrize(
    ("one", "other"), [("obama_2009", "obama_2012"), ("obama_2010", "obama_2012")]
)
def test_years_apart_is_the_same_person(engine: Engine, one: str, other: str) -> None:
    comparison = engine.compare(PORTRAITS / f"{one}.jpg", PORTRAITS / f"{other}.jpg")
    assert comparison.similarity >= engine.thresholds.similarity


@pytest.mark.parametrize(
    ("one", "other"),
    [("obama_2012", "biden_2010"), ("collins_1992", "hopper_1984"), ("biden_2010", "hopper_1984")],
)
def test_two_people_are_not_one(engine: Engine, one: str, other: str) -> None:
    comparison = engine.compare(PORTRAITS / f"{one}.jpg", PORTRAITS / f"{other}.jpg")
    assert comparison.similarity < engine.thresholds.similarity


@pytest.mark.parametrize("orientation", ORIENTATIONS)
def test_a_phone_picture_in_any_orientation_gives_the_same_face(
    engine: Engine, orientation: int
) -> None:
    upright = portrait("obama_2012")
    method = STORED_AS[orientation]
    stored = upright.transpose(method) if method is not None else upright
    exif = Image.Exif()
    exif[0x0112] = orientation
    turned = engine.detect(as_jpeg(stored, exif=exif)).faces[0]
    plain = engine.detect(as_jpeg(upright)).faces[0]
    np.testing.assert_allclose(turned.face.landmarks.points, plain.face.landmarks.points, atol=2)
    assert turned.metrics.rotation == pytest.approx(plain.metrics.rotation, abs=1)


@pytest.mark.parametrize("width_px", [200, 1600])
def test_the_same_picture_at_another_size_is_the_same_face(engine: Engine, width_px: int) -> None:
    picture = portrait("collins_1992")
    resized = picture.resize((width_px, round(picture.height * width_px / picture.width)))
    comparison = engine.compare(as_png(resized), as_png(picture))
    assert comparison.similarity >= engine.thresholds.similarity


def test_a_selfie_whose_face_fills_the_frame_is_found(engine: Engine) -> None:
    box = engine.detect(PORTRAITS / "obama_2012.jpg").faces[0].face.box
    tight = portrait("obama_2012").crop(
        (round(box.left), round(box.top), round(box.right), round(box.bottom))
    )
    assert len(engine.detect(as_png(tight)).faces) == 1


def test_faces_of_a_crowd_are_all_found(engine: Engine) -> None:
    canvas = Image.new("RGB", (1200, 800), (120, 140, 160))
    head = portrait("collins_1992").crop((130, 20, 330, 230)).resize((60, 63))
    places = [(80 + 220 * column, 90 + 180 * row) for column in range(5) for row in range(4)]
    for place in places:
        canvas.paste(head, place)
    assert len(engine.detect(as_png(canvas)).faces) == len(places)


def test_the_template_is_a_unit_vector_with_its_networks_name(engine: Engine) -> None:
    template = engine.face_template(PORTRAITS / "biden_2010.jpg")
    assert np.linalg.norm(template.vector) == pytest.approx(1, abs=1e-5)
    assert template.model in {"mobilefacenet", "sface"}


def test_bytes_a_path_and_an_array_are_the_same_picture(engine: Engine) -> None:
    path = PORTRAITS / "hopper_1984.jpg"
    pixels = engine.load(path).pixels
    by_bytes, by_text, by_array = (
        engine.face_template(given).vector for given in (path.read_bytes(), str(path), pixels)
    )
    np.testing.assert_array_equal(by_bytes, by_text)
    np.testing.assert_array_equal(by_bytes, by_array)


def test_which_picture_has_no_face_is_said(engine: Engine) -> None:
    with pytest.raises(NoFaceDetected, match="second picture"):
        engine.compare(PORTRAITS / "biden_2010.jpg", SAMPLES / "no_face" / "cat.jpg")


def test_what_is_no_picture_is_refused(engine: Engine) -> None:
    with pytest.raises(InvalidFileType):
        engine.detect(b"PK\x03\x04 a zip named .jpg")
    with pytest.raises(InvalidParameter, match="cannot be read"):
        engine.detect("not/there.jpg")


def test_the_command_line_prints_the_keys_of_the_wire(pack_folders: dict[str, Path]) -> None:
    folder = str(pack_folders["standard"])
    result = CliRunner().invoke(
        app,
        ["detect", str(PORTRAITS / "biden_2010.jpg"), "--json", "--data-dir", folder],
        env={"PERSE_OFFLINE": "true"},
    )
    assert result.exit_code == 0, result.output
    answer = json.loads(result.stdout)
    assert answer["total_faces"] == 1
    assert set(answer["faces"][0]["landmarks"]) == {
        "right_eye",
        "left_eye",
        "nose",
        "mouth_right",
        "mouth_left",
    }


def test_the_command_line_draws_what_it_found(
    pack_folders: dict[str, Path], tmp_path: Path
) -> None:
    drawn = tmp_path / "drawn.png"
    source = PORTRAITS / "biden_2010.jpg"
    result = CliRunner().invoke(
        app,
        ["detect", str(source), "--draw", str(drawn), "--data-dir", str(pack_folders["standard"])],
        env={"PERSE_OFFLINE": "true"},
    )
    assert result.exit_code == 0, result.output
    changed = np.asarray(Image.open(drawn).convert("RGB")) != np.asarray(Image.open(source))
    assert 0 < changed.any(axis=2).mean() < 0.2
