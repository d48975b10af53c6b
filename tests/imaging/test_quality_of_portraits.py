"""The metrics answer to what is done to an honest picture, and to nothing else."""

from __future__ import annotations

from collections.abc import Sequence
from itertools import pairwise

import cv2
import numpy as np
import pytest
from PIL import Image

from perse.domain.colour_cast import cheek_cast
from perse.domain.geometry import Landmarks
from perse.domain.light import linear
from perse.domain.quality import (
    FACE_SIZE_PX,
    IMAGE_SIZE_PX,
    FaceMetrics,
    ImageMetrics,
)
from perse.domain.samples import FaceImage, Pixels
from perse.imaging.quality import cheek_colour, face_metrics, image_metrics
from perse.media.face_crop import crop_face, resize_image
from perse.media.image_decoder import decode_image
from tests.media.faces import POINTS, portrait
from tests.media.pictures import encoded, oriented

NAMES = sorted(POINTS)


def of_face(pixels: Pixels, landmarks: Landmarks, *, grey: bool = False) -> FaceMetrics:
    return face_metrics(
        crop_face(FaceImage(pixels), landmarks, FACE_SIZE_PX), grey=grey, rotation=0.0
    )


def of_image(image: FaceImage) -> ImageMetrics:
    return image_metrics(resize_image(image, IMAGE_SIZE_PX), grey=image.grey)


def with_light(pixels: Pixels, factor: float | Sequence[float]) -> Pixels:
    """As if there had been ``factor`` times the light, in all channels or in each."""
    factors = np.broadcast_to(np.asarray(factor, np.float64), 3)
    light = np.clip(linear(np.arange(256)[:, np.newaxis] / 255) * factors, 0, 1)
    value = np.where(light <= 0.0031308, 12.92 * light, 1.055 * light ** (1 / 2.4) - 0.055)
    table = np.round(value * 255).astype(np.uint8)
    return np.asarray(cv2.LUT(pixels, table[np.newaxis]), np.uint8)


def blurred(pixels: Pixels, sigma: float) -> Pixels:
    return np.asarray(cv2.GaussianBlur(pixels, (0, 0), sigma), np.uint8)


def rises(values: Sequence[float]) -> bool:
    return all(later >= earlier for earlier, later in pairwise(values)) and values[-1] > values[0]


@pytest.mark.parametrize("name", NAMES)
def test_honest_portraits_pass(name: str) -> None:
    image, landmarks = portrait(name)
    metrics = of_face(image.pixels, landmarks)
    assert metrics.underexposure < 0.5
    assert metrics.overexposure < 0.03
    assert metrics.sharpness > 0.7
    assert metrics.colour < 0.5
    assert min(metrics.components.values()) >= 51


@pytest.mark.parametrize("name", NAMES)
def test_less_light(name: str) -> None:
    image, landmarks = portrait(name)
    faces = [
        of_face(with_light(image.pixels, factor), landmarks)
        for factor in (1, 0.7, 0.5, 0.3, 0.15, 0.07, 0.03)
    ]
    assert rises([face.underexposure for face in faces])
    assert faces[-1].underexposure > 0.95
    # The same detail is there, darker: sharpness may not move much before the pixels run out.
    assert abs(faces[3].sharpness - faces[0].sharpness) < 0.1


@pytest.mark.parametrize("name", NAMES)
def test_more_light(name: str) -> None:
    image, landmarks = portrait(name)
    shares = [
        of_face(with_light(image.pixels, factor), landmarks).overexposure
        for factor in (1, 1.5, 2, 3, 5, 8)
    ]
    assert rises(shares)
    assert shares[-1] > 0.03


@pytest.mark.parametrize("name", NAMES)
def test_blur(name: str) -> None:
    image, landmarks = portrait(name)
    eyes = landmarks.inter_eye_distance_px()
    values = [of_face(image.pixels, landmarks).sharpness] + [
        of_face(blurred(image.pixels, eyes * share), landmarks).sharpness
        for share in (0.02, 0.04, 0.06, 0.08, 0.12)
    ]
    assert rises([-value for value in values])
    assert values[-2] < 0.3


@pytest.mark.parametrize("angle", [0, 45, 90, 135])
def test_motion_in_any_direction(angle: int) -> None:
    image, landmarks = portrait("obama_2012.jpg")
    length = int(landmarks.inter_eye_distance_px() * 0.4) | 1
    stroke = np.zeros((length, length), np.float32)
    stroke[length // 2] = 1
    turn = cv2.getRotationMatrix2D((length // 2, length // 2), angle, 1)
    kernel = cv2.warpAffine(stroke, turn, (length, length))
    moved = np.asarray(cv2.filter2D(image.pixels, -1, kernel / kernel.sum()), np.uint8)
    assert of_face(moved, landmarks).sharpness < 0.3


def test_blur_of_the_whole_picture() -> None:
    image, _ = portrait("obama_2012.jpg")
    values = [of_image(image).sharpness] + [
        of_image(FaceImage(blurred(image.pixels, sigma))).sharpness for sigma in (3, 6, 9, 14)
    ]
    assert rises([-value for value in values])
    assert values[0] > 0.7
    assert values[-1] < 0.3


@pytest.mark.parametrize("cast", [(1, 1.6, 1), (0.5, 1, 1.6), (1, 1, 3)])
def test_coloured_light(cast: tuple[float, ...]) -> None:
    image, landmarks = portrait("collins_1992.jpg")
    honest, coloured = (
        of_face(pixels, landmarks) for pixels in (image.pixels, with_light(image.pixels, cast))
    )
    assert honest.colour == 0
    assert coloured.colour > 0.5
    strengths = [
        with_light(image.pixels, [1 + (c - 1) * s for c in cast]) for s in (0, 0.3, 0.6, 1)
    ]
    assert rises([of_face(pixels, landmarks).colour for pixels in strengths])


def test_a_picture_in_one_colour() -> None:
    image, _ = portrait("collins_1992.jpg")
    orange = FaceImage(with_light(image.pixels, (3, 0.7, 0.02)))
    assert of_image(image).colour == 0
    assert of_image(orange).colour > 0.5


def test_a_grey_picture_has_lost_its_colour() -> None:
    image, landmarks = portrait("collins_1992.jpg")
    grey = decode_image(encoded(Image.fromarray(image.pixels).convert("L"), "PNG"))
    metrics = of_face(grey.pixels, landmarks, grey=grey.grey)
    assert (metrics.colour, metrics.cast) == (1.0, None)
    assert (of_image(grey).colour, of_image(grey).cast) == (1.0, None)
    honest = of_face(image.pixels, landmarks)
    assert metrics.sharpness == pytest.approx(honest.sharpness, abs=0.03)
    assert metrics.underexposure == pytest.approx(honest.underexposure, abs=0.03)


@pytest.mark.parametrize("name", NAMES)
@pytest.mark.parametrize("factor", [0.75, 1.6, 3.0])
def test_size_changes_nothing(name: str, factor: float) -> None:
    """Down to a face of 35 px between the eyes, below which detail is really lost."""
    image, landmarks = portrait(name)
    factor = max(factor, 38 / landmarks.inter_eye_distance_px())
    kind = cv2.INTER_AREA if factor < 1 else cv2.INTER_CUBIC
    grown = cv2.resize(image.pixels, None, fx=factor, fy=factor, interpolation=kind)
    resized = np.asarray(grown, np.uint8)
    moved = Landmarks((landmarks.points + 0.5) * np.float32(factor) - np.float32(0.5))
    one, other = of_face(image.pixels, landmarks), of_face(resized, moved)
    assert other.underexposure == pytest.approx(one.underexposure, abs=0.03)
    assert other.overexposure == pytest.approx(one.overexposure, abs=0.01)
    assert other.colour == pytest.approx(one.colour, abs=0.05)
    assert other.sharpness == pytest.approx(one.sharpness, abs=0.1)


@pytest.mark.parametrize("orientation", range(1, 9))
def test_the_way_a_camera_was_held_changes_nothing(orientation: int) -> None:
    """Stored turned, with the tag that turns it back."""
    image, landmarks = portrait("hopper_1984.jpg")
    transposed = {
        1: None,
        2: Image.Transpose.FLIP_LEFT_RIGHT,
        3: Image.Transpose.ROTATE_180,
        4: Image.Transpose.FLIP_TOP_BOTTOM,
        5: Image.Transpose.TRANSPOSE,
        6: Image.Transpose.ROTATE_90,
        7: Image.Transpose.TRANSVERSE,
        8: Image.Transpose.ROTATE_270,
    }[orientation]
    stored = Image.fromarray(image.pixels)
    stored = stored if transposed is None else stored.transpose(transposed)
    upright = decode_image(encoded(stored, "PNG", exif=oriented(orientation)))
    assert of_image(upright) == of_image(image)
    assert of_face(upright.pixels, landmarks) == of_face(image.pixels, landmarks)


@pytest.mark.parametrize("name", NAMES)
@pytest.mark.parametrize("lightness", [50, 42, 37])
def test_skin_alone_is_not_underexposed(name: str, lightness: int) -> None:
    """The same faces with cheeks of CIELAB L* as dark as dark skins are in good light."""
    image, landmarks = portrait(name)
    crop = crop_face(image, landmarks, FACE_SIZE_PX)
    darker = with_light(crop, _factor_for(crop, lightness))
    metrics = face_metrics(darker, grey=False, rotation=0.0)
    assert metrics.underexposure < 0.85
    assert metrics.sharpness > 0.5


def _factor_for(crop: Pixels, lightness: float) -> float:
    """So much less light that the cheeks get this L*."""
    cheek = linear(crop[52:66, 24:36].reshape(-1, 3).mean(axis=0) / 255)
    luminance = float(cheek @ (0.2126, 0.7152, 0.0722))
    return float(((lightness + 16) / 116) ** 3 / luminance)


def test_a_200_by_248_portrait_in_the_sun() -> None:
    """A face of about 80 px must pass the gate of enrolment."""
    image, landmarks = portrait("obama_2012.jpg")
    left, top, right, bottom = 300, 40, 300 + 590, 40 + 731
    scale = 200 / (right - left)
    part = with_light(image.pixels[top:bottom, left:right], 1.3)
    small = np.asarray(cv2.resize(part, (200, 248), interpolation=cv2.INTER_AREA), np.uint8)
    points = (landmarks.points - (left, top)).astype(np.float32) * np.float32(scale)
    metrics = of_face(small, Landmarks(points))
    assert metrics.overexposure < 0.03
    assert metrics.underexposure < 0.85
    assert metrics.sharpness > 0.5


def test_nothing_to_see_is_neither_sharp_nor_an_error() -> None:
    blank = np.full((FACE_SIZE_PX, FACE_SIZE_PX, 3), 128, np.uint8)
    metrics = face_metrics(blank, grey=False, rotation=12.0)
    assert (metrics.sharpness, metrics.underexposure, metrics.rotation) == (0.0, 0.0, 12.0)
    assert image_metrics(blank[:1, :1], grey=False).sharpness == 0.0
    assert cheek_cast(cheek_colour(blank)) == pytest.approx(np.hypot(5, 5), abs=0.01)
    black = image_metrics(np.zeros((300, 7, 3), np.uint8), grey=True)
    assert (black.underexposure, black.sharpness, black.colour) == (1.0, 0.0, 1.0)
