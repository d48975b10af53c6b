from __future__ import annotations

import cv2
import numpy as np
from numpy.typing import NDArray

from perse.domain.geometry import Box, DetectedFace, Landmarks
from perse.domain.samples import FaceImage, Pixels
from perse.imaging.parallax import FaceTracker

EYES_NOSE_MOUTH = np.array([[270, 200], [350, 200], [310, 245], [278, 290], [342, 290]], np.float32)
Matrix = NDArray[np.float64]


def texture(seed: int = 0) -> Pixels:
    """Blots of all sizes, as faces and sheets have them."""
    rng = np.random.default_rng(seed)
    blots = sum(
        amplitude
        * cv2.GaussianBlur(rng.standard_normal((480, 640)).astype(np.float32), (0, 0), sigma)
        for sigma, amplitude in ((2, 100), (5, 250), (15, 600))
    )
    grey = np.clip(128 + np.asarray(blots), 0, 255).astype(np.uint8)
    return np.repeat(grey[..., None], 3, axis=2)


def moved(picture: Pixels, by: Matrix) -> tuple[FaceImage, DetectedFace]:
    image = cv2.warpAffine(picture, by[:2], (640, 480), borderMode=cv2.BORDER_REFLECT)
    points = EYES_NOSE_MOUTH @ by[:2, :2].T.astype(np.float32) + by[:2, 2].astype(np.float32)
    face = DetectedFace(Box(240, 130, 140, 190), Landmarks(points.astype(np.float32)), 0.9)
    return FaceImage(np.asarray(image, np.uint8)), face


def by(turn: float = 0, scale: float = 1, x: float = 0, y: float = 0) -> Matrix:
    matrix = cv2.getRotationMatrix2D((310, 240), turn, scale)
    return np.asarray(matrix + np.array([[0, 0, x], [0, 0, y]]), np.float64)


def test_points_are_found_where_the_picture_went() -> None:
    follow, picture = FaceTracker(), texture()
    start = follow(*moved(picture, by()))
    after = follow(*moved(picture, by(turn=7, scale=1.15, x=20, y=-12)))
    assert start is not None
    assert after is not None
    assert after.base == start.base
    assert after.followed > 0.9
    goes = by(turn=7, scale=1.15, x=20, y=-12)
    expected = start.points @ goes[:, :2].T + goes[:, 2]
    off = np.linalg.norm(after.points - expected, axis=1)
    assert np.nanmedian(off) < 0.25
    assert np.nanquantile(off, 0.9) < 0.6


def test_points_that_were_lost_stay_lost() -> None:
    follow, picture = FaceTracker(), texture()
    follow(*moved(picture, by()))
    covered = picture.copy()
    covered[:, :300] = texture(9)[:, :300]
    half = follow(*moved(covered, by()))
    again = follow(*moved(picture, by()))
    assert half is not None
    assert again is not None
    if half.base == again.base:
        assert np.isnan(again.points[np.isnan(half.points)]).all()
    assert again.followed > 0.3


def test_another_picture_has_points_of_its_own() -> None:
    follow = FaceTracker()
    one = follow(*moved(texture(1), by()))
    other = follow(*moved(texture(2), by()))
    assert one is not None
    assert other is not None
    assert other.base == one.base + 1
    assert other.followed == 1


def test_a_plain_wall_has_nothing_to_follow() -> None:
    follow = FaceTracker()
    wall = np.full((480, 640, 3), 128, np.uint8)
    for _ in range(2):
        tracks = follow(*moved(wall, by()))
        assert tracks is not None
        assert tracks.followed == 0


def test_a_frame_without_a_face_has_no_tracks_and_the_next_one_goes_on() -> None:
    follow, picture = FaceTracker(), texture()
    start = follow(*moved(picture, by()))
    assert follow(FaceImage(picture), None) is None
    after = follow(*moved(picture, by(x=4)))
    assert start is not None
    assert after is not None
    assert after.base == start.base
