"""Pictures made worse, each in one documented way, to see what that does to recognition.

A treatment takes an upright RGB picture and the five landmarks of its face and gives the damaged
picture, the same one every time. Lengths are in pixels of the picture; the faces of the pictures
that these were chosen on are about 110 px high.
"""

from __future__ import annotations

import zlib
from collections.abc import Callable, Mapping
from types import MappingProxyType
from typing import Any, Final

import cv2
import numpy as np
from numpy.typing import NDArray

from perse.domain.geometry import Points
from perse.domain.samples import Pixels

Treatment = Callable[[Pixels, Points], Pixels]
Colour = tuple[int, int, int]

_MASK: Final = (180, 205, 225)
_GLASS: Final = (20, 20, 22)
_GREY: Final = (128, 128, 128)


def untreated(pixels: Pixels, _landmarks: Points) -> Pixels:
    """The picture as it is."""
    return pixels


def turned(quarters: int) -> Treatment:
    """Turned to the left by so many right angles."""
    return lambda pixels, _: np.ascontiguousarray(np.rot90(pixels, quarters))


def negative(pixels: Pixels, _landmarks: Points) -> Pixels:
    """Dark for light and light for dark."""
    return np.subtract(np.uint8(255), pixels)


def blurred(sigma_px: float) -> Treatment:
    """Out of focus: a Gaussian of that deviation."""
    return lambda pixels, _: _pixels(cv2.GaussianBlur(pixels, (0, 0), sigma_px))


def moved(length_px: int, degrees: float) -> Treatment:
    """Smeared by a camera that moved that far in that direction."""

    def treat(pixels: Pixels, _landmarks: Points) -> Pixels:
        kernel = np.zeros((length_px, length_px), np.float32)
        kernel[length_px // 2] = 1
        middle = ((length_px - 1) / 2, (length_px - 1) / 2)
        turn = cv2.getRotationMatrix2D(middle, degrees, 1)
        kernel = np.asarray(cv2.warpAffine(kernel, turn, (length_px, length_px)), np.float32)
        return _pixels(cv2.filter2D(pixels, -1, kernel / kernel.sum()))

    return treat


def shrunk(side_px: int, *, smooth: bool = True) -> Treatment:
    """Shrunk to a square of that side, and enlarged again."""
    enlarging = cv2.INTER_LINEAR if smooth else cv2.INTER_NEAREST

    def treat(pixels: Pixels, _landmarks: Points) -> Pixels:
        small = cv2.resize(pixels, (side_px, side_px), interpolation=cv2.INTER_AREA)
        return _pixels(cv2.resize(small, _size(pixels), interpolation=enlarging))

    return treat


def scaled(width: float, height: float) -> Treatment:
    """Squeezed or stretched: sides times these factors."""

    def treat(pixels: Pixels, _landmarks: Points) -> Pixels:
        size = int(pixels.shape[1] * width), int(pixels.shape[0] * height)
        return _pixels(cv2.resize(pixels, size, interpolation=cv2.INTER_AREA))

    return treat


def lit(factor: float, *, noise: float = 0.0) -> Treatment:
    """Light times ``factor``, cut at white, with noise of that deviation (0..255) on top."""
    return lambda pixels, _: _rounded(pixels * np.float64(factor) + _noise(pixels, noise))


def noisy(deviation: float) -> Treatment:
    """Noise of that deviation (0..255) in every channel."""
    return lit(1.0, noise=deviation)


def speckled(share: float) -> Treatment:
    """That share of the pixels black or white."""

    def treat(pixels: Pixels, _landmarks: Points) -> Pixels:
        chance = _random(pixels).random(pixels.shape[:2])
        result = pixels.copy()
        result[chance < share / 2] = 0
        result[chance > 1 - share / 2] = 255
        return result

    return treat


def toned(contrast: float, brightness: float = 128.0) -> Treatment:
    """Contrast times that factor around that brightness."""
    return lambda pixels, _: _rounded(brightness + (pixels - np.float64(brightness)) * contrast)


def curved(gamma: float) -> Treatment:
    """Tones raised to that power: above 1 darker, below lighter."""
    tones = _rounded(255 * np.linspace(0, 1, 256) ** gamma)
    return lambda pixels, _: tones[pixels]


def coloured(red: float, green: float, blue: float) -> Treatment:
    """Each channel times its factor, as under a coloured lamp."""
    return lambda pixels, _: _rounded(pixels * np.array((red, green, blue)))


def in_tones(count: int) -> Treatment:
    """So many tones to a channel."""
    return lambda pixels, _: _rounded((pixels // (256 // count)) * (255 / (count - 1)))


def compressed(quality: int) -> Treatment:
    """Saved as a JPEG of that quality, 0..100."""

    def treat(pixels: Pixels, _landmarks: Points) -> Pixels:
        _, content = cv2.imencode(".jpg", pixels[..., ::-1], [cv2.IMWRITE_JPEG_QUALITY, quality])
        again = _pixels(cv2.imdecode(content, cv2.IMREAD_COLOR))
        return np.ascontiguousarray(again[..., ::-1])

    return treat


def shaded(pixels: Pixels, landmarks: Points) -> Pixels:
    """One half of the face in deep shadow."""
    across = (np.arange(pixels.shape[1]) - landmarks[2, 0]) / 6.0
    return _rounded(pixels * (0.06 + 0.94 / (1 + np.exp(-across)))[None, :, None])


def masked(pixels: Pixels, landmarks: Points) -> Pixels:
    """A mask drawn over nose and mouth."""
    outline = (
        (-1.0, 0.45), (0, 0.35), (1.0, 0.45), (0.9, 1.2), (0.45, 1.65), (-0.45, 1.65), (-0.9, 1.2),
    )  # fmt: skip
    eyes, right, down = _frame(landmarks)
    corners = np.array([eyes + right * x + down * y for x, y in outline])
    return _pixels(cv2.fillPoly(pixels.copy(), [np.rint(corners).astype(np.int32)], _MASK))


def in_sunglasses(pixels: Pixels, landmarks: Points) -> Pixels:
    """Sunglasses drawn over the eyes."""
    _, right, _ = _frame(landmarks)
    apart = float(np.linalg.norm(right))
    turn = float(np.degrees(np.arctan2(right[1], right[0])))
    result = pixels.copy()
    for eye in landmarks[:2].tolist():
        cv2.ellipse(result, ((eye[0], eye[1]), (0.82 * apart, 0.6 * apart), turn), _GLASS, -1)
    ends = [tuple(map(int, eye)) for eye in landmarks[:2].tolist()]
    return _pixels(cv2.line(result, ends[0], ends[1], _GLASS, max(2, int(0.08 * apart))))


def barred(pixels: Pixels, landmarks: Points) -> Pixels:
    """A black bar over the eyes, as newspapers print it."""
    eyes, right, _ = _frame(landmarks)
    ends = [tuple(map(int, eyes + right * side)) for side in (-1.3, 1.3)]
    width = max(1, int(0.6 * float(np.linalg.norm(right))))
    return _pixels(cv2.line(pixels.copy(), ends[0], ends[1], (10, 10, 10), width))


def covered(side: str, colour: Colour = (0, 0, 0)) -> Treatment:
    """The ``left`` or ``right`` half of the picture, or all ``below`` the nose, in one colour."""

    def treat(pixels: Pixels, landmarks: Points) -> Pixels:
        result, middle = pixels.copy(), pixels.shape[1] // 2
        nose = max(0, int(landmarks[2, 1]))
        parts = {"left": result[:, :middle], "right": result[:, middle:], "below": result[nose:]}
        parts[side][:] = colour
        return result

    return treat


def one_after_other(*treatments: Treatment) -> Treatment:
    """All of them, in their order; landmarks as before the first."""

    def treat(pixels: Pixels, landmarks: Points) -> Pixels:
        for treatment in treatments:
            pixels = treatment(pixels, landmarks)
        return pixels

    return treat


def _frame(landmarks: Points) -> tuple[NDArray[np.float64], ...]:
    """Between the eyes; from there to the left eye, twice as far; and down to the mouth."""
    points = landmarks.astype(np.float64)
    eyes, right = (points[0] + points[1]) / 2, points[1] - points[0]
    below = np.array((-right[1], right[0])) / max(float(np.linalg.norm(right)), 1e-6)
    return eyes, right, below * float(below @ ((points[3] + points[4]) / 2 - eyes))


def _size(pixels: Pixels) -> tuple[int, int]:
    return pixels.shape[1], pixels.shape[0]


def _random(pixels: Pixels) -> np.random.Generator:
    """The same for the same picture."""
    return np.random.default_rng(zlib.crc32(pixels.tobytes()))


def _noise(pixels: Pixels, deviation: float) -> NDArray[np.float64] | float:
    return _random(pixels).normal(0, deviation, pixels.shape) if deviation else 0.0


def _rounded(values: NDArray[np.floating[Any]]) -> Pixels:
    return _pixels(np.clip(np.rint(values), 0, 255))


def _pixels(image: object) -> Pixels:
    return np.asarray(image, np.uint8)


TREATMENTS: Final[Mapping[str, Treatment]] = MappingProxyType(
    {
        "upside_down": turned(2),
        "turned_90": turned(1),
        "turned_270": turned(3),
        "negative": negative,
        "blur_2": blurred(2),
        "blur_3": blurred(3),
        "blur_4": blurred(4),
        "blur_6": blurred(6),
        "shrunk_60": shrunk(60),
        "shrunk_40": shrunk(40),
        "shrunk_30": shrunk(30),
        "light_0.15": lit(0.15),
        "light_0.06": lit(0.06),
        "night": lit(0.12, noise=12),
        "mask": masked,
        "sunglasses": in_sunglasses,
        "mask_and_sunglasses": one_after_other(masked, in_sunglasses),
        "squeezed": scaled(0.5, 1),
        "half_covered": covered("left"),
        "motion_15": moved(15, 0),
        "jpeg_5": compressed(5),
        "burnt": lit(3),
    }
)
