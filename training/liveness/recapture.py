"""Simulated recaptures: a picture of a live face becomes a picture of its print or its display.

Each recipe takes a sighting, a scene to stand in and a generator, and returns the new sighting.
Nothing here copies a particular printer, panel or camera; the parameters are drawn widely.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import cast

import cv2
import numpy as np
from camera import Generator, Picture, saturated, squeeze, through_size
from framing import Sighting
from numpy.typing import NDArray

from perse.domain.geometry import Box

SCENE_PX = 352
SHEET_PX = 300
Plane = NDArray[np.floating]


@dataclass(frozen=True, slots=True)
class Sheet:
    """What is held before the camera: RGB float32 0..255, and where the face is on it."""

    pixels: Plane
    box: Box


def cut_out(sighting: Sighting, rng: Generator, *, widest: float = 3.2) -> Sheet:
    """The part of the picture that gets printed or shown, about SHEET_PX high."""
    box, (height, width) = sighting.box, sighting.picture.shape[:2]
    reach = box.longer_side * rng.uniform(1.5, widest) / 2
    stretch = rng.uniform(0.75, 1.05)
    x, y = box.centre
    x += rng.normal(0, 0.05) * box.width
    left, right = max(0, round(x - reach * stretch)), min(width, round(x + reach * stretch))
    top, bottom = max(0, round(y - reach)), min(height, round(y + reach))
    part = sighting.picture[top:bottom, left:right]
    factor = SHEET_PX / max(part.shape[:2])
    pixels = cv2.resize(part, None, fx=factor, fy=factor, interpolation=cv2.INTER_CUBIC)
    moved = Box(
        (box.left - left) * factor,
        (box.top - top) * factor,
        box.width * factor,
        box.height * factor,
    )
    return Sheet(pixels.astype(np.float32), moved)


# --- prints ---------------------------------------------------------------------------------------


def printed(sighting: Sighting, scene: Picture, rng: Generator) -> Sighting:
    """A paper print held before a camera."""
    sheet = cut_out(sighting, rng)
    pixels = _inked(sheet.pixels, rng)
    if rng.random() < 0.6:
        pixels = _halftoned(pixels, rng)
    pixels = _on_paper(pixels, rng)
    sheet = _with_margin(Sheet(pixels, sheet.box), rng)
    lit = _lit_bent(sheet.pixels, rng)
    return _held(Sheet(lit, sheet.box), scene, rng, fingers=rng.random() < 0.65)


def _inked(pixels: Plane, rng: Generator) -> Plane:
    """Gamut loss: inks neither reach black nor a saturated colour; hues shift a little."""
    mix = (np.eye(3) + rng.normal(0, 0.04, (3, 3))).astype(np.float32)
    share = rng.uniform(0.0, 1.1) if rng.random() < 0.85 else 0.0
    faded = saturated(np.clip(pixels, 0, 255).astype(np.uint8), share) / np.float32(255)
    curved = np.clip(faded @ mix.T, 0, 1) ** rng.uniform(0.7, 1.3)
    black, white = rng.uniform(0.02, 0.28), rng.uniform(0.75, 1.0)
    return ((black + (white - black) * curved) * 255).astype(np.float32)


def _halftoned(pixels: Plane, rng: Generator) -> Plane:
    height, width = pixels.shape[:2]
    y, x = np.mgrid[:height, :width].astype(np.float32)
    pitch, strength = rng.uniform(1.8, 5.0), rng.uniform(0.1, 0.7)
    out = pixels.copy()
    for channel, degrees in enumerate((15.0, 75.0, 45.0)):
        turn = np.deg2rad(degrees + rng.normal(0, 3))
        u = (x * np.cos(turn) + y * np.sin(turn)) * (2 * np.pi / pitch)
        v = (y * np.cos(turn) - x * np.sin(turn)) * (2 * np.pi / pitch)
        level = 0.5 + 0.25 * (np.cos(u) + np.cos(v))
        dots = 1 / (1 + np.exp(-(pixels[..., channel] / 255 - level) * rng.uniform(4, 12)))
        out[..., channel] = (1 - strength) * pixels[..., channel] + strength * 255 * dots
    return out


def _on_paper(pixels: Plane, rng: Generator) -> Plane:
    tint = np.array([1.0, rng.uniform(0.95, 1.0), rng.uniform(0.84, 1.02)], np.float32)
    height, width = pixels.shape[:2]
    grain = rng.standard_normal((height, width), np.float32)
    fibres = cast(Plane, cv2.GaussianBlur(grain, (0, 0), rng.uniform(0.5, 2.0)))
    fibres *= rng.uniform(0, 5) / max(float(fibres.std()), 1e-6)
    if rng.random() < 0.2:
        rows = 1 + rng.uniform(0.01, 0.05) * np.sin(np.arange(height) / rng.uniform(1.5, 12))
        pixels = pixels * rows[:, None, None].astype(np.float32)
    return pixels * tint + fibres[..., None]


def _with_margin(sheet: Sheet, rng: Generator) -> Sheet:
    if rng.random() < 0.35:
        return sheet
    margin = int(rng.uniform(0.01, 0.12) * SHEET_PX)
    colour = [float(c) for c in rng.uniform(205, 255) * np.array([1, 1, rng.uniform(0.9, 1)])]
    sides = (margin, margin, margin, margin)
    pixels = _bordered(sheet.pixels, sides, colour)
    box = sheet.box
    return Sheet(pixels, Box(box.left + margin, box.top + margin, box.width, box.height))


def _bordered(pixels: Plane, sides: tuple[int, int, int, int], colour: list[float]) -> Plane:
    """``sides``: pixels added at the top, bottom, left and right."""
    return cast(Plane, cv2.copyMakeBorder(pixels, *sides, cv2.BORDER_CONSTANT, value=colour))


def _lit_bent(pixels: Plane, rng: Generator) -> Plane:
    """Light across a bent sheet, perhaps a fold, perhaps the glare of glossy paper."""
    height, width = pixels.shape[:2]
    y, x = np.mgrid[-1 : 1 : height * 1j, -1 : 1 : width * 1j].astype(np.float32)
    turn = rng.uniform(0, 2 * np.pi)
    across = x * np.cos(turn) + y * np.sin(turn)
    light = 1 + rng.uniform(-0.22, 0.22) * across + rng.uniform(-0.25, 0.25) * across**2
    if rng.random() < 0.15:
        light += rng.uniform(-0.12, 0.12) * (across > rng.uniform(-0.5, 0.5))
    lit = pixels * light[..., None] * rng.uniform(0.75, 1.15)
    if rng.random() < 0.35:
        lit += _shine(x, y, rng)[..., None]
    bend = rng.uniform(-0.06, 0.06)
    if rng.random() < 0.5:
        grid_x = ((x + bend * (1 - x**2) + 1) / 2 * (width - 1)).astype(np.float32)
        grid_y = ((y + bend * (1 - x**2) * rng.uniform(-1, 1) + 1) / 2 * (height - 1)).astype(
            np.float32
        )
        lit = cv2.remap(lit, grid_x, grid_y, cv2.INTER_LINEAR, borderMode=cv2.BORDER_REPLICATE)
    return lit


def _shine(x: Plane, y: Plane, rng: Generator) -> Plane:
    centre, spread = rng.uniform(-1, 1, 2), rng.uniform(0.1, 0.8, 2)
    far = ((x - centre[0]) / spread[0]) ** 2 + ((y - centre[1]) / spread[1]) ** 2
    edge = rng.choice([1.0, 3.0])
    return (rng.uniform(20, 170) * np.exp(-(far**edge))).astype(np.float32)


# --- screens --------------------------------------------------------------------------------------


def screened(sighting: Sighting, scene: Picture, rng: Generator) -> Sighting:
    """A still picture on a phone, tablet or monitor."""
    return _displayed(cut_out(sighting, rng), scene, rng, bands=False)


def replayed(sighting: Sighting, scene: Picture, rng: Generator) -> Sighting:
    """One frame of a video on a screen: coded hard, smeared between frames, with rolling bands."""
    sheet = cut_out(sighting, rng, widest=3.8)
    pixels = np.clip(sheet.pixels, 0, 255).astype(np.uint8)
    shift = np.array([[1, 0, rng.normal(0, 1.8)], [0, 1, rng.normal(0, 1.1)]], np.float32)
    size = (pixels.shape[1], pixels.shape[0])
    later = cv2.warpAffine(pixels, shift, size, borderMode=cv2.BORDER_REPLICATE)
    mixed = np.asarray(cv2.addWeighted(pixels, 0.6, later, 0.4, 0), np.uint8)
    coded = squeeze(through_size(mixed, rng.uniform(0.35, 0.9)), int(rng.integers(15, 60)))
    bands = bool(rng.random() < 0.7)
    return _displayed(Sheet(coded.astype(np.float32), sheet.box), scene, rng, bands=bands)


def _displayed(sheet: Sheet, scene: Picture, rng: Generator, *, bands: bool) -> Sighting:
    pixels = _shown(sheet.pixels, rng)
    framed = _in_bezel(Sheet(pixels, sheet.box), rng)
    warp = _pose(framed, rng)
    canvas, cover = _warped(framed.pixels, warp)
    canvas = canvas * _grid(warp, rng)
    if bands:
        rows = np.arange(SCENE_PX, dtype=np.float32)
        wave = np.sin(2 * np.pi * (rows / rng.uniform(30, 300) + rng.random()))
        canvas *= (1 + rng.uniform(0.03, 0.2) * wave)[:, None, None]
    canvas = _reflecting(canvas, scene, rng)
    return _composed(canvas, cover, scene, framed.box, warp, rng)


def _shown(pixels: Plane, rng: Generator) -> Plane:
    """The panel's gamma, raised black and cast (mostly blue), uneven backlight."""
    black, gamma = rng.uniform(0.0, 0.16), rng.uniform(0.7, 1.5)
    light = np.clip(pixels / 255, 0, 1) ** gamma * rng.uniform(0.7, 1.25)
    cast = np.array([rng.uniform(0.78, 1.02), rng.uniform(0.88, 1.04), rng.uniform(0.95, 1.25)])
    height, width = pixels.shape[:2]
    y, x = np.mgrid[-1 : 1 : height * 1j, -1 : 1 : width * 1j]
    fall = 1 - rng.uniform(0, 0.2) * (x**2 + y**2) + rng.uniform(-0.15, 0.15) * x
    return ((black + (1 - black) * light) * cast * fall[..., None] * 255).astype(np.float32)


def _in_bezel(sheet: Sheet, rng: Generator) -> Sheet:
    if rng.random() < 0.3:
        return sheet
    top, bottom, left, right = (int(s) for s in rng.uniform(0.015, 0.2, 4) * SHEET_PX)
    value = float(rng.choice([rng.uniform(4, 40), rng.uniform(180, 245)], p=[0.8, 0.2]))
    pixels = _bordered(sheet.pixels, (top, bottom, left, right), [value] * 3)
    box = sheet.box
    return Sheet(pixels, Box(box.left + left, box.top + top, box.width, box.height))


def _grid(warp: NDArray[np.float64], rng: Generator) -> Plane:
    """Sub-pixel stripes and row gaps as the camera's pixels sample them: aliasing is the moire."""
    y, x = np.mgrid[:SCENE_PX, :SCENE_PX].astype(np.float32)
    back = np.linalg.inv(warp).astype(np.float32)
    depth = back[2, 0] * x + back[2, 1] * y + back[2, 2]
    u = (back[0, 0] * x + back[0, 1] * y + back[0, 2]) / depth
    v = (back[1, 0] * x + back[1, 1] * y + back[1, 2]) / depth
    pitch = float(np.exp(rng.uniform(np.log(0.5), np.log(3.6))))
    stripes, rows = rng.uniform(0.02, 0.4), rng.uniform(0.0, 0.3)
    phase = 2 * np.pi * u / pitch
    lines = 1 + rows * np.cos(2 * np.pi * v / (pitch * rng.choice([1.0, 1.0, 2.0])))
    order = rng.choice([-1, 1])
    mask = [(1 + stripes * np.cos(phase + order * c * 2 * np.pi / 3)) * lines for c in range(3)]
    return np.stack(mask, axis=-1).astype(np.float32)


def _reflecting(canvas: Plane, scene: Picture, rng: Generator) -> Plane:
    if rng.random() < 0.5:
        mirrored = cv2.GaussianBlur(scene[:, ::-1], (0, 0), rng.uniform(1, 8))
        canvas = canvas + rng.uniform(0.03, 0.22) * mirrored
    if rng.random() < 0.4:
        y, x = np.mgrid[-1 : 1 : SCENE_PX * 1j, -1 : 1 : SCENE_PX * 1j].astype(np.float32)
        canvas = canvas + _shine(x, y, rng)[..., None]
    return canvas


# --- holding it before the camera -----------------------------------------------------------------


def _pose(sheet: Sheet, rng: Generator) -> NDArray[np.float64]:
    """A perspective map from the sheet to the scene, the face near the middle, tilted."""
    height, width = sheet.pixels.shape[:2]
    face_px = rng.uniform(66, 155)
    factor = face_px / sheet.box.longer_side
    centre = np.array(sheet.box.centre)
    corners = (np.array([[0, 0], [width, 0], [width, height], [0, height]]) - centre) * factor
    turn = np.deg2rad(rng.normal(0, 7))
    yaw, pitch = np.deg2rad(rng.normal(0, 14, 2))
    x, y = corners[:, 0] * np.cos(yaw), corners[:, 1] * np.cos(pitch)
    depth = 1 + (corners[:, 0] * np.sin(yaw) + corners[:, 1] * np.sin(pitch)) / 660
    flat = np.stack((x * np.cos(turn) - y * np.sin(turn), x * np.sin(turn) + y * np.cos(turn)), 1)
    placed = flat / depth[:, None] + SCENE_PX / 2 + rng.normal(0, 9, 2)
    source = np.array([[0, 0], [width, 0], [width, height], [0, height]], np.float32)
    return np.asarray(cv2.getPerspectiveTransform(source, placed.astype(np.float32)), np.float64)


def _warped(pixels: Plane, warp: NDArray[np.float64]) -> tuple[Plane, Plane]:
    size = (SCENE_PX, SCENE_PX)
    solid = np.full(pixels.shape[:2], 1, np.float32)
    canvas, cover = (
        cast(Plane, cv2.warpPerspective(flat, warp, size, flags=cv2.INTER_LINEAR))
        for flat in (pixels, solid)
    )
    return canvas, cover


def _held(sheet: Sheet, scene: Picture, rng: Generator, *, fingers: bool) -> Sighting:
    warp = _pose(sheet, rng)
    canvas, cover = _warped(sheet.pixels, warp)
    held = _composed(canvas, cover, scene, sheet.box, warp, rng)
    if not fingers:
        return held
    return Sighting(_with_fingers(held.picture, sheet, warp, rng), held.box)


def _composed(
    canvas: Plane,
    cover: Plane,
    scene: Picture,
    box: Box,
    warp: NDArray[np.float64],
    rng: Generator,
) -> Sighting:
    behind = scene.astype(np.float32)
    if rng.random() < 0.6:
        shadow = cv2.GaussianBlur(cover, (0, 0), rng.uniform(4, 16))
        behind = behind * (1 - rng.uniform(0.1, 0.5) * shadow[..., None])
    edge = cv2.GaussianBlur(cover, (0, 0), rng.uniform(0.5, 1.3))[..., None]
    mixed = behind * (1 - edge) + canvas * edge
    corners = np.array(
        [
            [box.left, box.top],
            [box.right, box.top],
            [box.right, box.bottom],
            [box.left, box.bottom],
        ],
        np.float32,
    )
    seen = cv2.perspectiveTransform(corners[None], warp)[0]
    low, size = seen.min(0), np.ptp(seen, axis=0)
    moved = Box(float(low[0]), float(low[1]), float(size[0]), float(size[1]))
    return Sighting(np.clip(mixed, 0, 255).astype(np.uint8), moved)


def _with_fingers(
    picture: Picture, sheet: Sheet, warp: NDArray[np.float64], rng: Generator
) -> Picture:
    """One hand or two: capsules of a skin colour that reach over the sheet's left or right edge."""
    height, width = sheet.pixels.shape[:2]
    out = picture.astype(np.float32)
    tone = np.array([232, 190, 160]) * rng.uniform(0.35, 1.05) * np.exp(rng.normal(0, 0.05, 3))
    for side in rng.permutation(2)[: rng.integers(1, 3)]:
        start = rng.uniform(0.25, 0.85) * height
        for finger in range(int(rng.integers(1, 5))):
            thick = rng.uniform(11, 19)
            at = start + finger * thick * 2.1
            inner = width * side + (1 - 2 * side) * rng.uniform(6, 54)
            outer = width * side - (1 - 2 * side) * rng.uniform(30, 115)
            line = np.array([[inner, at], [outer, at + rng.uniform(-7, 43)]], np.float32)
            out = _capsule(out, cv2.perspectiveTransform(line[None], warp)[0], thick, tone, rng)
    return np.clip(out, 0, 255).astype(np.uint8)


def _capsule(
    out: Plane,
    line: NDArray[np.float32],
    thick: float,
    tone: NDArray[np.float64],
    rng: Generator,
) -> Plane:
    mask = np.zeros(out.shape[:2], np.float32)
    ends = [tuple(int(v) for v in np.clip(end, -2000, 2000)) for end in line]
    cv2.line(mask, ends[0], ends[1], 1.0, thickness=max(3, int(thick * 2 * rng.uniform(0.6, 0.9))))
    soft = cv2.GaussianBlur(mask, (0, 0), thick / 3)
    edge = cv2.GaussianBlur(mask, (0, 0), 1.0)[..., None]
    shade = (0.55 + 0.5 * soft)[..., None]
    dark = 1 - 0.35 * cv2.GaussianBlur(mask, (0, 0), thick / 2)[..., None]
    return out * dark * (1 - edge) + tone * shade * edge
