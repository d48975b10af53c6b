"""Our own matrix profiles against LittleCMS."""

from __future__ import annotations

import struct
from io import BytesIO

import numpy as np
import pytest
from PIL import Image, ImageCms

from perse.media.colour_profile import read_matrix_profile, to_srgb
from perse.media.raster import Raster
from tests.media.icc_profiles import DISPLAY_P3, SRGB, matrix_profile
from tests.media.pictures import drawn, pixels_of

SRGB_CURVE = (2.4, 1 / 1.055, 0.055 / 1.055, 1 / 12.92, 0.04045)


def by_littlecms(profile: bytes) -> np.ndarray:
    transform = ImageCms.buildTransform(
        ImageCms.ImageCmsProfile(BytesIO(profile)),
        ImageCms.createProfile("sRGB"),
        "RGB",
        "RGB",
        renderingIntent=ImageCms.Intent.RELATIVE_COLORIMETRIC,
    )
    return np.asarray(ImageCms.applyTransform(drawn(), transform))


@pytest.mark.parametrize(
    "profile",
    [
        matrix_profile(DISPLAY_P3, gamma=2.2, name="P3, gamma"),
        matrix_profile(DISPLAY_P3, gamma=1.8, name="P3, 1.8"),
        matrix_profile(SRGB, gamma=1.0, name="linear"),
        matrix_profile(DISPLAY_P3, curve=(3, SRGB_CURVE), name="Display P3"),
        matrix_profile(DISPLAY_P3, curve=(0, (2.0,)), name="type 0"),
        matrix_profile(DISPLAY_P3, curve=(1, (2.2, 1.1, -0.1)), name="type 1"),
        matrix_profile(DISPLAY_P3, curve=(2, (2.2, 0.9, 0.05, 0.02)), name="type 2"),
        matrix_profile(DISPLAY_P3, curve=(4, (*SRGB_CURVE, 0.01, 0.0)), name="type 4"),
        matrix_profile(DISPLAY_P3, table=[0, 9000, 30000, 65535], name="table"),
        matrix_profile(SRGB, table=[], name="identity"),
    ],
    ids=lambda profile: profile[300:340].strip(b"\0").decode("latin-1")[:12],
)
def test_like_littlecms(profile: bytes) -> None:
    assert read_matrix_profile(profile) is not None
    ours = to_srgb(Raster(pixels_of(drawn()), "RGB"), profile)
    distance = np.abs(ours.astype(int) - by_littlecms(profile).astype(int))
    assert distance.mean() < 0.2
    assert distance.max() <= 4


def test_srgb_itself_is_recognised_by_what_it_does() -> None:
    profile = ImageCms.ImageCmsProfile(ImageCms.createProfile("sRGB")).tobytes()
    pixels = pixels_of(drawn())
    assert to_srgb(Raster(pixels, "RGB"), profile) is pixels


def test_look_up_table_profiles_go_through_the_module() -> None:
    lab = ImageCms.ImageCmsProfile(ImageCms.createProfile("LAB")).tobytes()
    assert read_matrix_profile(lab) is None


@pytest.mark.parametrize("grey", [Image.new("L", (70, 5), 90), drawn().convert("L")])
def test_profiles_of_the_wrong_kind_are_ignored(grey: Image.Image) -> None:
    profile = matrix_profile(DISPLAY_P3, gamma=2.2, name="for RGB only")
    pixels = np.asarray(grey)
    assert np.array_equal(to_srgb(Raster(pixels, "L"), profile)[:, :, 0], pixels)


def test_cmyk_without_a_profile() -> None:
    ink = np.array([[[0, 0, 0, 0], [255, 255, 255, 255], [0, 255, 255, 0]]], np.uint8)
    plain = to_srgb(Raster(ink, "CMYK"), None)
    assert plain.tolist() == [[[255, 255, 255], [0, 0, 0], [255, 0, 0]]]


def test_damaged_profiles_are_never_trusted() -> None:
    good = bytearray(matrix_profile(DISPLAY_P3, gamma=2.2, name="x"))
    rng = np.random.default_rng(3)
    pixels = np.asarray(drawn(16, 12))
    for _ in range(500):
        bad = bytearray(good)
        for at in rng.integers(0, len(bad), 6):
            bad[at] = rng.integers(256)
        result = to_srgb(Raster(pixels, "RGB"), bytes(bad))
        assert result.shape == pixels.shape
    no_white = bytearray(good)
    struct.pack_into(">i", no_white, bytes(good).index(b"XYZ \0\0\0\0", 200) + 8, 65536 * 9)
    assert read_matrix_profile(bytes(no_white[:100])) is None
