"""Large JPEGs are read at less than their resolution until somebody looks closely."""

from __future__ import annotations

import io

import cv2
import numpy as np
import pytest
from PIL import Image

from perse.domain.geometry import Box, Landmarks
from perse.domain.samples import FaceImage, Pixels
from perse.errors import InvalidFileType
from perse.media.face_crop import CANON, crop_face, resize_image
from perse.media.image_decoder import decode_image
from perse.networks.face_rectangle import face_rectangle
from tests.media.faces import portrait

WIDTH, HEIGHT = 2400, 2000
SIDEWAYS = 6


def scene(width: int = WIDTH, height: int = HEIGHT) -> Pixels:
    y, x = np.indices((height, width), np.float32)
    waves = np.stack((np.sin(x / 90 + y / 170), np.cos(y / 110), np.sin(x / 130)), axis=-1)
    return np.asarray(127.5 + 120 * waves, np.uint8)


def jpeg(pixels: Pixels, *, progressive: bool = False, orientation: int = 1) -> bytes:
    file, exif = io.BytesIO(), Image.Exif()
    exif[0x0112] = orientation
    Image.fromarray(pixels).save(file, "JPEG", quality=92, progressive=progressive, exif=exif)
    return file.getvalue()


def gap(one: Pixels, other: Pixels) -> int:
    return int(np.abs(one.astype(int) - other.astype(int)).max())


def mean_gap(one: Pixels, other: Pixels) -> float:
    return float(np.abs(one.astype(int) - other.astype(int)).mean())


def test_a_large_picture_has_its_own_size_and_on_demand_its_own_pixels() -> None:
    picture = jpeg(scene())
    image = decode_image(picture)
    assert (image.reduced, image.width_px, image.height_px) == (1, WIDTH, HEIGHT)
    whole = cv2.imdecode(np.frombuffer(picture, np.uint8), cv2.IMREAD_COLOR_RGB)
    assert gap(image.pixels, np.asarray(whole, np.uint8)) <= 1


def test_the_larger_the_picture_the_less_is_read() -> None:
    assert decode_image(jpeg(scene(4800, 4000))).reduced == 2


@pytest.mark.parametrize(
    "picture",
    [
        jpeg(scene(2000, 2000)),
        jpeg(scene(WIDTH + 1, HEIGHT)),
        jpeg(scene(), progressive=True),
    ],
    ids=["not so large", "cannot be halved", "progressive"],
)
def test_other_pictures_are_read_at_once(picture: bytes) -> None:
    assert decode_image(picture).reduced == 0


def test_a_large_picture_stands_upright_however_closely_one_looks() -> None:
    image = decode_image(jpeg(scene(), orientation=SIDEWAYS))
    assert (image.width_px, image.height_px) == (HEIGHT, WIDTH)
    small = resize_image(image, 240)
    assert image.pixels.shape == (WIDTH, HEIGHT, 3)
    assert gap(small, resize_image(FaceImage(image.pixels), 240)) <= 2


def test_a_large_picture_without_colour_is_grey() -> None:
    assert decode_image(jpeg(np.repeat(scene()[..., :1], 3, axis=2))).grey


def test_a_large_file_that_is_cut_off_is_refused_at_once() -> None:
    with pytest.raises(InvalidFileType):
        decode_image(jpeg(scene())[:-5000])


def unread() -> Pixels:
    raise AssertionError("nobody needs that much")


def test_what_is_shown_small_is_cut_from_what_was_read() -> None:
    large, _ = portrait("obama_2012.jpg")
    whole = cv2.resize(large.pixels, (WIDTH, HEIGHT), interpolation=cv2.INTER_CUBIC)
    half = cv2.resize(whole, (WIDTH // 2, HEIGHT // 2), interpolation=cv2.INTER_AREA)
    image = FaceImage.read_at_less(np.asarray(half, np.uint8), 1, unread, grey=False)
    other = FaceImage(np.asarray(whole, np.uint8))
    landmarks = Landmarks((CANON * 700 + (640, 400)).astype(np.float32))
    crop, expected = (crop_face(it, landmarks, 96) for it in (image, other))
    assert 4 * mean_gap(crop, expected) < mean_gap(crop[:, 1:], expected[:, :-1])
    box = Box(700, 500, 500, 600)
    seen, expected = (face_rectangle(it, box, scale=2.0, size_px=128) for it in (image, other))
    assert 4 * mean_gap(seen, expected) < mean_gap(seen[:, 1:], expected[:, :-1])


def test_what_is_shown_large_is_cut_from_the_whole_picture() -> None:
    whole = scene()
    image = FaceImage.read_at_less(
        np.zeros((HEIGHT // 2, WIDTH // 2, 3), np.uint8), 1, lambda: whole, grey=False
    )
    box = Box(700, 500, 60, 60)
    seen, expected = (
        face_rectangle(it, box, scale=2.0, size_px=128) for it in (image, FaceImage(whole))
    )
    assert (seen == expected).all()


def test_what_is_shown_as_next_to_nothing_is_cut_all_the_same() -> None:
    image = decode_image(jpeg(scene()))
    far = Landmarks((CANON * 1e6 - 5e5).astype(np.float32))
    assert crop_face(image, far, 96).shape == (96, 96, 3)
