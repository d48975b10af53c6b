"""The treatments that recognisability is learned on, and those that it is only tested on."""

from __future__ import annotations

from collections.abc import Mapping
from types import MappingProxyType
from typing import Final

import cv2
import numpy as np
from numpy.typing import NDArray

from perse.domain.geometry import Points
from perse.domain.samples import Pixels
from perse.evaluation.treatments import (
    TREATMENTS,
    Treatment,
    barred,
    coloured,
    covered,
    curved,
    in_tones,
    lit,
    moved,
    scaled,
    shaded,
    speckled,
    toned,
    untreated,
)


def through_a_lens(swelling: float) -> Treatment:
    """The middle swells (barrel distortion), or shrinks where ``swelling`` is below 0."""

    def treat(pixels: Pixels, _landmarks: Points) -> Pixels:
        x, y = _grid(pixels)
        reach = (1 - swelling) + swelling * (x**2 + y**2)
        return _seen_from(pixels, x * reach, y * reach)

    return treat


def in_waves(pixels: Pixels, _landmarks: Points) -> Pixels:
    """As in a mirror of a fair: sines across and down."""
    x, y = _grid(pixels)
    return _seen_from(pixels, x + 0.06 * np.sin(9 * y), y + 0.06 * np.sin(9 * x))


def sheared(pixels: Pixels, _landmarks: Points) -> Pixels:
    """Leaning: every row is moved, by two fifths of its height."""
    x, y = _grid(pixels)
    return _seen_from(pixels, x + 0.4 * y, y)


def from_below(pixels: Pixels, _landmarks: Points) -> Pixels:
    """Keystone: the top is seen at two thirds of the width of the bottom."""
    x, y = _grid(pixels)
    return _seen_from(pixels, x / (1 - 0.2 * (1 - y) / 1.2), y)


def _grid(pixels: Pixels) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """Where each pixel is, -1..1 from the left to the right and from the top to the bottom."""
    y, x = np.indices(pixels.shape[:2])
    return 2 * x / pixels.shape[1] - 1, 2 * y / pixels.shape[0] - 1


def _seen_from(pixels: Pixels, x: NDArray[np.float64], y: NDArray[np.float64]) -> Pixels:
    across = ((x + 1) / 2 * pixels.shape[1]).astype(np.float32)
    down = ((y + 1) / 2 * pixels.shape[0]).astype(np.float32)
    return np.asarray(cv2.remap(pixels, across, down, cv2.INTER_LINEAR), np.uint8)


UNTREATED: Final = "none"
FURTHER: Final[Mapping[str, Treatment]] = MappingProxyType(
    {
        "covered_below": covered("below", (90, 90, 90)),
        "stretched": scaled(1, 0.5),
        "shadow": shaded,
        "bar": barred,
        "motion_25": moved(25, 45),
        "contrast_0.15": toned(0.15),
        "gamma_4": curved(4),
        "red_light": coloured(1, 1 / 6, 1 / 6),
        "dusk": lit(0.25, noise=25),
        "wide_lens": through_a_lens(0.55),
        "long_lens": through_a_lens(-0.3),
        "waves": in_waves,
        "half_covered_grey": covered("right", (128, 128, 128)),
    }
)
# The pipelines turn these upright first, or take them for no faces. The fit sees them as the search
# alone finds them, for where that fails.
UNCONFIRMED: Final = frozenset({"upside_down", "turned_90", "turned_270", "negative", "night"})
# In these one person is still recognised: what a correction costs is counted on them. Of the others
# the fit sees every second picture, one a person.
MILD: Final = frozenset(
    {UNTREATED, "blur_2", "shrunk_60", "light_0.15", "mask", "sunglasses", "motion_15"}
)
# These lie between others, and are only tested on.
_BETWEEN = frozenset({"blur_3", "shrunk_40"})
BANK: Final[Mapping[str, Treatment]] = MappingProxyType(
    {
        UNTREATED: untreated,
        **{name: it for name, it in TREATMENTS.items() if name not in _BETWEEN},
        **FURTHER,
    }
)


def through_blinds(pixels: Pixels, landmarks: Points) -> Pixels:
    """Bars of shadow across the picture, as wide as half the distance of the eyes."""
    width = max(2.0, float(np.linalg.norm(landmarks[1] - landmarks[0])) / 2)
    dark = (np.arange(pixels.shape[0]) // width) % 2 == 0
    return np.where(dark[:, None, None], pixels // 8, pixels).astype(np.uint8)


def with_red_for_blue(pixels: Pixels, _landmarks: Points) -> Pixels:
    """What a client sends that takes BGR for RGB."""
    return np.ascontiguousarray(pixels[..., ::-1])


def against_the_light(pixels: Pixels, _landmarks: Points) -> Pixels:
    """A veil of light from one corner."""
    height, width = pixels.shape[:2]
    y, x = np.indices((height, width))
    veil = np.clip(1.15 - np.hypot(x / width, y / height), 0, 1)[..., None]
    return np.asarray(np.rint(pixels * (1 - veil) + 255 * veil), np.uint8)


# Chosen after the fit, and never fitted on.
UNKNOWN: Final[Mapping[str, Treatment]] = MappingProxyType(
    {
        "swapped_channels": with_red_for_blue,
        "flare": against_the_light,
        "photocopy": in_tones(2),
        "blinds": through_blinds,
        "speckles": speckled(0.1),
        "sheared": sheared,
        "from_below": from_below,
    }
)

EVERY: Final[Mapping[str, Treatment]] = MappingProxyType(
    {UNTREATED: untreated, **TREATMENTS, **FURTHER, **UNKNOWN}
)
