"""What a camera and a network do to any picture. Applied to both classes, so that it is no cue."""

from __future__ import annotations

import cv2
import numpy as np
from numpy.typing import NDArray

Picture = NDArray[np.uint8]
Generator = np.random.Generator


def squeeze(picture: Picture, quality: int) -> Picture:
    """Through JPEG at ``quality`` 1..100 and back (RGB in, RGB out)."""
    done, data = cv2.imencode(".jpg", picture[..., ::-1], [cv2.IMWRITE_JPEG_QUALITY, int(quality)])
    if not done:
        raise ValueError("a picture that no JPEG can hold")
    return np.asarray(cv2.imdecode(data, cv2.IMREAD_COLOR), np.uint8)[..., ::-1]


def through_size(picture: Picture, share: float) -> Picture:
    """Shrunk to ``share`` of its sides and enlarged again: detail is lost, the size stays."""
    height, width = picture.shape[:2]
    small = (max(8, round(width * share)), max(8, round(height * share)))
    shrunk = cv2.resize(picture, small, interpolation=cv2.INTER_AREA)
    return np.asarray(cv2.resize(shrunk, (width, height), interpolation=cv2.INTER_LINEAR), np.uint8)


def exposed(picture: Picture, gain: float, gamma: float = 1.0, lift: float = 0.0) -> Picture:
    """``255 * (gain * (x / 255) ** gamma + lift)``, cut to 0..255."""
    table = 255.0 * (gain * (np.arange(256) / 255.0) ** gamma + lift)
    return np.asarray(cv2.LUT(picture, np.clip(np.round(table), 0, 255).astype(np.uint8)), np.uint8)


def balanced(picture: Picture, gains: NDArray[np.float64]) -> Picture:
    """Each channel times its gain."""
    return np.clip(picture * gains.astype(np.float32), 0, 255).astype(np.uint8)


def saturated(picture: Picture, share: float) -> Picture:
    """0 = grey, 1 = unchanged."""
    grey = picture.mean(axis=2, keepdims=True, dtype=np.float32)
    return np.clip(grey + (picture - grey) * np.float32(share), 0, 255).astype(np.uint8)


def smeared(picture: Picture, length_px: int, angle: float) -> Picture:
    """Straight motion of ``length_px`` at ``angle`` degrees."""
    kernel = np.zeros((length_px, length_px), np.float32)
    kernel[length_px // 2] = 1
    middle = (length_px - 1) / 2
    turn = cv2.getRotationMatrix2D((middle, middle), angle, 1)
    turned = np.asarray(cv2.warpAffine(kernel, turn, (length_px, length_px)), np.float32)
    turned /= max(float(turned.sum()), 1e-6)
    return np.asarray(cv2.filter2D(picture, -1, turned), np.uint8)


def noisy(picture: Picture, sigma: float, rng: Generator) -> Picture:
    """Gaussian noise, half of it shared by the channels."""
    shared = sigma * rng.standard_normal((*picture.shape[:2], 1), np.float32)
    own = 0.6 * sigma * rng.standard_normal(picture.shape, np.float32)
    return np.clip(picture + shared + own, 0, 255).astype(np.uint8)


def seen_by_some_camera(picture: Picture, rng: Generator) -> Picture:
    """A random light, lens, sensor, size and JPEG quality; often mild, at times harsh."""
    if rng.random() < 0.7:
        gamma = float(np.exp(rng.normal(0, 0.28)))
        picture = exposed(picture, rng.uniform(0.7, 1.2), gamma, rng.uniform(-0.04, 0.08))
    if rng.random() < 0.5:
        picture = balanced(picture, np.exp(rng.normal(0, 0.06, 3)))
    if rng.random() < 0.3:
        share = float(rng.choice([0.0, rng.uniform(0.3, 1.4)], p=[0.2, 0.8]))
        picture = saturated(picture, share)
    if rng.random() < 0.3:
        picture = np.asarray(cv2.GaussianBlur(picture, (0, 0), rng.uniform(0.4, 2.0)), np.uint8)
    if rng.random() < 0.12:
        picture = smeared(picture, int(rng.integers(3, 10)), rng.uniform(0, 180))
    if rng.random() < 0.3:
        picture = through_size(picture, rng.uniform(0.3, 0.9))
    if rng.random() < 0.15:
        soft = cv2.GaussianBlur(picture, (0, 0), 1.2).astype(np.float32)
        sharp = picture + rng.uniform(0.3, 1.2) * (picture - soft)
        picture = np.clip(sharp, 0, 255).astype(np.uint8)
    if rng.random() < 0.45:
        picture = noisy(picture, rng.uniform(1, 7), rng)
    if rng.random() < 0.75:
        picture = squeeze(picture, int(rng.integers(30, 97)))
    return picture
