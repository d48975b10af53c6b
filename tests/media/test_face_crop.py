from __future__ import annotations

import cv2
import numpy as np
import pytest

from perse.domain.geometry import Landmarks
from perse.domain.samples import FaceImage
from perse.media.face_crop import CANON, crop_face, resize_image
from tests.media.faces import POINTS, portrait

SIZE = 96


@pytest.mark.parametrize("name", sorted(POINTS))
@pytest.mark.parametrize("factor", [0.4, 1.0, 3.7])
def test_the_crop_is_the_same_face_at_any_size(name: str, factor: float) -> None:
    image, landmarks = portrait(name)
    # Blurred enough that the small version lacks nothing.
    smooth = cv2.GaussianBlur(image.pixels, (0, 0), landmarks.inter_eye_distance_px() / 10)
    resized = cv2.resize(smooth, None, fx=factor, fy=factor, interpolation=cv2.INTER_LINEAR)
    moved = Landmarks((landmarks.points + 0.5) * np.float32(factor) - np.float32(0.5))
    one = crop_face(FaceImage(np.asarray(smooth, np.uint8)), landmarks, SIZE)
    other = crop_face(FaceImage(np.asarray(resized, np.uint8)), moved, SIZE)
    assert one.shape == other.shape == (SIZE, SIZE, 3)
    assert np.abs(one.astype(int) - other.astype(int)).mean() < 2.0


@pytest.mark.parametrize("scale", [0.2, 1.0, 5.0, 13.0])
def test_landmarks_land_where_they_belong(scale: float) -> None:
    """A dot on each landmark of a face of any size is found at the canon's place."""
    side = round(140 * scale)
    points = (CANON * 96 + 20) * np.float32(scale)
    pixels = np.zeros((side, side, 3), np.uint8)
    for x, y in points:
        cv2.circle(pixels, (round(x), round(y)), max(1, round(3 * scale)), (255, 255, 255), -1)
    crop = crop_face(FaceImage(pixels), Landmarks(points), SIZE)
    mass = crop[:, :, 0].astype(np.float64)
    y, x = np.indices(mass.shape)
    centre = np.array([(mass * x).sum(), (mass * y).sum()]) / mass.sum()
    assert np.abs(centre - (CANON * SIZE).mean(axis=0)).max() < 1.2


def test_fine_stripes_become_grey_and_not_other_stripes() -> None:
    """Shrinking twelvefold without smoothing would alias them into coarse ones."""
    pixels = np.zeros((1300, 1300, 3), np.uint8)
    pixels[:, ::2] = 255
    crop = crop_face(FaceImage(pixels), Landmarks(CANON * np.float32(1200) + 40), SIZE)
    assert crop[10:-10, 10:-10].std() < 6


@pytest.mark.parametrize(
    "points",
    [
        CANON * 300 - 250,
        CANON * 4000 - 1500,
        CANON * 2 + 500,
    ],
)
def test_landmarks_anywhere_never_fail(points: np.ndarray) -> None:
    pixels = np.full((60, 50, 3), 77, np.uint8)
    crop = crop_face(FaceImage(pixels), Landmarks(points.astype(np.float32)), SIZE)
    assert crop.shape == (SIZE, SIZE, 3)
    assert (crop == 77).all()


@pytest.mark.parametrize("shape", [(1320, 1080), (300, 200), (5000, 3), (1, 4000), (256, 256)])
def test_resizing_keeps_the_shape(shape: tuple[int, int]) -> None:
    small = resize_image(FaceImage(np.full((*shape, 3), 9, np.uint8)), 256)
    assert max(small.shape[:2]) <= 256
    assert (small == 9).all()
    if max(shape) <= 256:
        assert small.shape[:2] == shape
