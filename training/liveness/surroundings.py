"""What stands around a face: scenes for recaptures, and changes that part a face from its place.

Every change here is made to live faces and to attacks alike, so that borders, black corners of
turned pictures, swapped backgrounds and missing colours tell the network nothing.
"""

from __future__ import annotations

import cv2
import numpy as np
from camera import Generator, Picture, saturated
from framing import Sighting
from recapture import SCENE_PX

from perse.domain.geometry import Box


def plain_scene(rng: Generator) -> Picture:
    """A wall, a pullover or a table: two colours with a soft slope, a few straight edges."""
    half = SCENE_PX // 2
    y, x = np.mgrid[-1 : 1 : half * 1j, -1 : 1 : half * 1j].astype(np.float32)
    turn = rng.uniform(0, 2 * np.pi)
    slope = (x * np.cos(turn) + y * np.sin(turn)) * rng.uniform(0.1, 0.5) + 0.5
    first, second = rng.uniform(10, 250, (2, 3)).astype(np.float32)
    scene = first + (second - first) * np.clip(slope, 0, 1).astype(np.float32)[..., None]
    for _ in range(int(rng.integers(0, 7))):
        corner = rng.integers(-35, half, 2)
        size = rng.integers(8, 110, 2)
        colour = tuple(float(c) for c in rng.uniform(0, 255, 3))
        low, high = tuple(map(int, corner)), tuple(map(int, corner + size))
        cv2.rectangle(scene, low, high, colour, -1)
    soft = cv2.GaussianBlur(scene, (0, 0), rng.uniform(0.3, 3))
    soft = cv2.resize(soft, (SCENE_PX, SCENE_PX), interpolation=cv2.INTER_LINEAR)
    grain = 3 * rng.standard_normal(soft.shape[:2], np.float32)
    return np.clip(soft + grain[..., None], 0, 255).astype(np.uint8)


def scene_from(picture: Picture, rng: Generator) -> Picture:
    """A random square of a picture, mirrored at random, somewhat out of focus."""
    height, width = picture.shape[:2]
    side = int(min(height, width) * rng.uniform(0.4, 1.0))
    x, y = int(rng.integers(0, width - side + 1)), int(rng.integers(0, height - side + 1))
    square = picture[y : y + side, x : x + side]
    seen = cv2.resize(square, (SCENE_PX, SCENE_PX), interpolation=cv2.INTER_LINEAR)
    if rng.random() < 0.5:
        seen = seen[:, ::-1]
    return np.asarray(cv2.GaussianBlur(seen, (0, 0), rng.uniform(0.5, 5)), np.uint8)


def some_scene(picture: Picture, rng: Generator) -> Picture:
    return plain_scene(rng) if rng.random() < 0.35 else scene_from(picture, rng)


def tight(sighting: Sighting, rng: Generator) -> Sighting:
    """The picture ends close to the face, on all sides alike or on each by itself."""
    box = sighting.box
    height, width = sighting.picture.shape[:2]
    shares = rng.uniform(0.55, 1.1, 4)
    if rng.random() < 0.5:
        shares[:] = shares[0]
    reach = box.longer_side * shares
    x, y = box.centre
    left, top = max(0, round(x - reach[0])), max(0, round(y - reach[1]))
    right, bottom = min(width, round(x + reach[2])), min(height, round(y + reach[3]))
    part = sighting.picture[top:bottom, left:right]
    return Sighting(part, Box(box.left - left, box.top - top, box.width, box.height))


def turned(sighting: Sighting, rng: Generator) -> Sighting:
    """A square of the picture turned a little and laid on black, as aligned portraits are."""
    x, y = sighting.box.centre
    side = sighting.box.longer_side
    middle = (x + rng.normal(0, 0.08) * side, y + rng.normal(0, 0.08) * side)
    angle = rng.normal(0, 7)
    turn = cv2.getRotationMatrix2D(middle, angle, 1)
    height, width = sighting.picture.shape[:2]
    corners = np.full((height, width), 1, np.uint8)
    reach = side * rng.uniform(0.95, 1.35, 4)
    inside = np.zeros_like(corners)
    low = (max(0, round(middle[0] - reach[0])), max(0, round(middle[1] - reach[1])))
    high = (round(middle[0] + reach[2]), round(middle[1] + reach[3]))
    inside[low[1] : high[1], low[0] : high[0]] = 1
    mask = cv2.warpAffine(inside, turn, (width, height))
    picture = cv2.warpAffine(sighting.picture, turn, (width, height))
    return Sighting(np.asarray(picture * mask[..., None], np.uint8), sighting.box)


def elsewhere(sighting: Sighting, rng: Generator) -> Sighting:
    """The face with another background, joined softly well outside the face."""
    scene = some_scene(sighting.picture, rng)
    height, width = sighting.picture.shape[:2]
    box = sighting.box
    mask = np.zeros((height, width), np.float32)
    axes = (round(box.width * rng.uniform(0.62, 0.85)), round(box.height * rng.uniform(0.62, 0.8)))
    centre = (round(box.centre[0]), round(box.centre[1]))
    cv2.ellipse(mask, centre, axes, 0, 0, 360, 1.0, -1)
    softness_px = max(1.0, box.width * rng.uniform(0.01, 0.08))
    share = cv2.GaussianBlur(mask, (0, 0), softness_px)[..., None]
    behind = cv2.resize(scene, (width, height), interpolation=cv2.INTER_LINEAR)
    mixed = sighting.picture * share + behind * (1 - share)
    return Sighting(mixed.astype(np.uint8), box)


def in_some_place(sighting: Sighting, rng: Generator) -> Sighting:
    """Now and then one of the changes above."""
    chance = rng.random()
    if chance < 0.22:
        return tight(sighting, rng)
    if chance < 0.40:
        return turned(sighting, rng)
    if chance < 0.50:
        return elsewhere(sighting, rng)
    return sighting


def spoilt(sighting: Sighting, rng: Generator) -> Sighting:
    """Often without what is around the face, now and then without colour."""
    chance = rng.random()
    if chance < 0.6:
        sighting = tight(sighting, rng)
    elif chance < 0.7:
        sighting = elsewhere(sighting, rng)
    if rng.random() < 0.2:
        sighting = Sighting(saturated(sighting.picture, 0), sighting.box)
    return sighting
