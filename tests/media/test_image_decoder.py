from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor

import numpy as np
import pytest
from PIL import Image, ImageOps

from perse.domain.samples import FaceImage
from perse.errors import EmptyFile, FileTooLarge, InvalidFileType
from perse.media.image_decoder import ImageLimits, ImageSize, decode_image, measure_image
from tests.media.icc_profiles import DISPLAY_P3, SRGB, matrix_profile
from tests.media.mutations import good_files
from tests.media.pictures import (
    PORTRAITS,
    difference,
    drawn,
    encoded,
    interlaced_png,
    oriented,
    pixels_of,
)

LOSSLESS = {"PNG": {}, "WEBP": {"lossless": True}}


def test_a_real_portrait_is_what_pillow_sees() -> None:
    data = (PORTRAITS / "obama_2012.jpg").read_bytes()
    image = decode_image(data)
    assert (image.width_px, image.height_px, image.grey) == (910, 1137, False)
    with Image.open(PORTRAITS / "obama_2012.jpg") as picture:
        assert np.array_equal(image.pixels, pixels_of(picture))


def test_bytes_and_memoryview_are_the_same() -> None:
    data = encoded(drawn(), "JPEG")
    assert np.array_equal(decode_image(data).pixels, decode_image(memoryview(data)).pixels)


@pytest.mark.parametrize("kind", ["PNG", "WEBP"])
def test_lossless_colours_survive(kind: str) -> None:
    image = decode_image(encoded(drawn(), kind, **LOSSLESS[kind]))
    assert np.array_equal(image.pixels, pixels_of(drawn()))
    assert image.pixels.flags.c_contiguous


@pytest.mark.parametrize("options", [{}, {"progressive": True}, {"subsampling": 0}])
def test_jpeg_of_either_kind(options: dict[str, object]) -> None:
    image = decode_image(encoded(drawn(), "JPEG", quality=95, **options))
    assert difference(image.pixels, pixels_of(drawn())) < 3


@pytest.mark.parametrize("orientation", range(1, 9))
@pytest.mark.parametrize("kind", ["PNG", "WEBP"])
def test_orientation_is_obeyed(kind: str, orientation: int) -> None:
    exif = oriented(orientation)
    stored = drawn()
    stored.getexif().update(exif)
    upright = pixels_of(ImageOps.exif_transpose(stored))
    image = decode_image(encoded(drawn(), kind, exif=exif, **LOSSLESS[kind]))
    assert np.array_equal(image.pixels, upright)
    assert image.pixels.flags.c_contiguous


@pytest.mark.parametrize("orientation", range(1, 9))
def test_orientation_of_a_jpeg_is_obeyed(orientation: int) -> None:
    exif = oriented(orientation)
    stored = drawn()
    stored.getexif().update(exif)
    upright = pixels_of(ImageOps.exif_transpose(stored))
    image = decode_image(encoded(drawn(), "JPEG", quality=95, exif=exif))
    assert difference(image.pixels, upright) < 3


@pytest.mark.parametrize(
    ("mode", "kind", "options"),
    [
        ("L", "JPEG", {}),
        ("L", "PNG", {}),
        ("1", "PNG", {}),
        ("LA", "PNG", {}),
        ("L", "WEBP", {"lossless": True}),
        ("L", "PNG", {"transparency": 7}),
    ],
)
def test_grey_pictures_are_known_as_such(mode: str, kind: str, options: dict[str, object]) -> None:
    image = decode_image(encoded(drawn().convert(mode), kind, **options))
    assert image.grey
    assert np.array_equal(image.pixels[:, :, 0], image.pixels[:, :, 2])


def test_a_colour_picture_with_equal_channels_is_grey() -> None:
    grey = drawn().convert("L").convert("RGB")
    assert decode_image(encoded(grey, "JPEG", quality=90)).grey
    grey.putpixel((50, 40), (1, 2, 3))
    assert not decode_image(encoded(grey, "PNG")).grey


def test_cmyk_is_ink_on_paper() -> None:
    image = decode_image(encoded(drawn().convert("CMYK"), "JPEG", quality=95))
    assert difference(image.pixels, pixels_of(drawn())) < 4


def test_palette_with_and_without_transparency() -> None:
    palette = drawn().quantize(32)
    assert np.array_equal(decode_image(encoded(palette)).pixels, pixels_of(palette))
    clear = decode_image(encoded(palette, transparency=palette.getpixel((0, 0))))
    assert clear.pixels[0, 0].tolist() == [255, 255, 255]
    assert clear.pixels[40, 80].tolist() == pixels_of(palette)[40, 80].tolist()


def test_sixteen_bits_are_scaled_and_not_clipped() -> None:
    ramp = np.linspace(0, 65535, 96 * 64).reshape(64, 96).astype(np.uint16)
    image = decode_image(encoded(Image.fromarray(ramp)))
    assert image.grey
    assert np.abs(image.pixels[:, :, 0] - ramp / 257).max() <= 1


@pytest.mark.parametrize("kind", ["PNG", "WEBP"])
def test_alpha_lies_on_white(kind: str) -> None:
    picture = drawn().convert("RGBA")
    picture.putalpha(Image.linear_gradient("L").resize(picture.size))
    expected = Image.new("RGBA", picture.size, "white")
    expected.alpha_composite(picture)
    options = {"exact": True, **LOSSLESS[kind]} if kind == "WEBP" else {}
    image = decode_image(encoded(picture, kind, **options))
    assert np.abs(image.pixels.astype(int) - pixels_of(expected)).max() <= 1


@pytest.mark.parametrize("transparent", [False, True])
def test_a_webp_of_several_megapixels_is_what_was_drawn(transparent: bool) -> None:
    picture = drawn().resize((2001, 1603))
    if transparent:
        picture.putalpha(255)
        picture.putpixel((7, 9), (0, 0, 0, 0))
    file = encoded(picture, "WEBP", lossless=True, quality=0)
    expected = Image.new("RGBA", picture.size, "white")
    expected.alpha_composite(picture.convert("RGBA"))
    assert np.array_equal(decode_image(file).pixels, pixels_of(expected))
    with pytest.raises(InvalidFileType, match="damaged"):
        decode_image(file[: len(file) // 2])


@pytest.mark.parametrize(("at", "byte"), [(4, 0), (20, 0xFF)], ids=["no length", "not shown"])
def test_a_large_webp_that_no_decoder_begins_is_damaged_and_not_black(at: int, byte: int) -> None:
    file = bytearray(encoded(drawn().resize((2400, 1600)), "WEBP", quality=80))
    file[at : at + 4] = bytes(4) if not byte else bytes([file[at] & ~0x10]) + file[at + 1 : at + 4]
    with pytest.raises(InvalidFileType, match="damaged"):
        decode_image(bytes(file))


def test_interlaced_png() -> None:
    grey = np.asarray(drawn(37, 21).convert("L"))
    assert np.array_equal(decode_image(interlaced_png(grey)).pixels[:, :, 1], grey)


def test_the_first_frame_of_an_animation() -> None:
    other = ImageOps.invert(drawn())
    for kind in ("PNG", "WEBP"):
        data = encoded(
            drawn(), kind, save_all=True, append_images=[other], duration=50, **LOSSLESS[kind]
        )
        assert np.array_equal(decode_image(data).pixels, pixels_of(drawn()))
    mpo = encoded(drawn(), "MPO", save_all=True, append_images=[other], quality=95)
    assert difference(decode_image(mpo).pixels, pixels_of(drawn())) < 3


@pytest.mark.parametrize("kind", ["JPEG", "PNG", "WEBP"])
def test_a_profile_of_its_own_becomes_srgb(kind: str) -> None:
    wide = matrix_profile(DISPLAY_P3, gamma=2.2, name="wide")
    plain = pixels_of(drawn())
    options = {"quality": 95} if kind == "JPEG" else LOSSLESS[kind]
    changed = decode_image(encoded(drawn(), kind, icc_profile=wide, **options)).pixels
    # A mid green of the wide space is a stronger one in sRGB: less red and blue beside it.
    assert changed[55, 10, 1] >= plain[55, 10, 1] - 3
    assert changed[55, 10, 0] < plain[55, 10, 0] - 4


def test_srgb_and_broken_profiles_change_nothing() -> None:
    for profile in (b"nothing" * 40, matrix_profile(SRGB, gamma=2.2, name="x")[:300]):
        image = decode_image(encoded(drawn(), icc_profile=profile))
        assert np.array_equal(image.pixels, pixels_of(drawn()))


def test_a_jpeg_without_its_end_marker_is_whole() -> None:
    data = encoded(drawn(), "JPEG", quality=95)
    assert np.array_equal(decode_image(data[:-2]).pixels, decode_image(data).pixels)


def test_what_follows_a_jpeg_is_ignored() -> None:
    data = encoded(drawn(), "JPEG")
    assert np.array_equal(decode_image(data + b"trailer").pixels, decode_image(data).pixels)


@pytest.mark.parametrize("kind", ["JPEG", "PNG", "WEBP"])
@pytest.mark.parametrize("share", [0.02, 0.3, 0.6, 0.95])
def test_cut_files_are_refused(kind: str, share: float) -> None:
    data = encoded(drawn(), kind)
    with pytest.raises(InvalidFileType, match="damaged or cut off"):
        decode_image(data[: max(16, int(len(data) * share))])


def test_empty_file() -> None:
    with pytest.raises(EmptyFile):
        decode_image(b"")


@pytest.mark.parametrize("kind", ["JPEG", "PNG", "WEBP"])
def test_more_pixels_than_allowed(kind: str) -> None:
    limits = ImageLimits(max_pixels=96 * 64 - 1)
    with pytest.raises(FileTooLarge, match="megapixels"):
        decode_image(encoded(drawn(), kind), limits)
    assert isinstance(decode_image(encoded(drawn(), kind), ImageLimits(96 * 64)), FaceImage)


def test_too_many_scans_for_the_size() -> None:
    data = encoded(drawn(), "JPEG", progressive=True)
    with pytest.raises(InvalidFileType, match="scans"):
        decode_image(data, ImageLimits(max_pixels=96 * 64, max_scans=5))


def test_many_threads_at_once() -> None:
    """The decoders share nothing: every thread gets its own picture."""
    files = {name: data for name, data in good_files().items() if "animated" not in name}
    alone = {name: decode_image(data).pixels for name, data in files.items()}
    with ThreadPoolExecutor(8) as threads:
        rounds = [threads.submit(decode_image, data) for _ in range(20) for data in files.values()]
    expected = [alone[name] for _ in range(20) for name in files]
    for outcome, pixels in zip(rounds, expected, strict=True):
        assert np.array_equal(outcome.result().pixels, pixels)


def test_nothing_of_a_picture_is_in_its_name() -> None:
    assert repr(decode_image(encoded(drawn()))) == "FaceImage(96x64)"


# --- pictures whose decoding takes more memory than their pixels ----------------------------------


def _large(size: tuple[int, int], **options: object) -> bytes:
    """Soft shapes, so that half the resolution shows all there is."""
    small = np.random.default_rng(3).integers(0, 255, (12, 9, 3), np.uint8)
    picture = Image.fromarray(small).resize(size, Image.Resampling.BICUBIC)
    return encoded(picture, "JPEG", quality=85, **options)


@pytest.mark.parametrize("subsampling", [0, 2])
def test_a_very_large_progressive_jpeg_is_decoded_to_its_own_size(subsampling: int) -> None:
    size = (4301, 4201) if subsampling == 0 else (5301, 5201)
    plain = decode_image(_large(size, subsampling=subsampling))
    progressive = decode_image(_large(size, subsampling=subsampling, progressive=True))
    assert progressive.pixels.shape == plain.pixels.shape
    difference = np.abs(progressive.pixels[::7, ::7].astype(int) - plain.pixels[::7, ::7])
    assert difference.mean() < 1
    assert difference.max() <= 12


@pytest.mark.parametrize(
    ("mode", "size", "options"),
    [
        ("RGB", (5200, 5000), {"progressive": True, "subsampling": 0}),
        ("CMYK", (3600, 3600), {"progressive": True}),
        ("CMYK", (6200, 6200), {}),
    ],
)
def test_a_jpeg_that_takes_too_much_memory_is_refused_before_it_is_decoded(
    mode: str, size: tuple[int, int], options: dict[str, object]
) -> None:
    data = encoded(Image.new(mode, size), "JPEG", **options)
    assert measure_image(data) == ImageSize()
    with pytest.raises(FileTooLarge, match="baseline"):
        decode_image(data)


@pytest.mark.parametrize(
    ("size", "options"),
    [
        ((5400, 7200), {}),
        ((4000, 6000), {"progressive": True, "subsampling": 0}),
        ((5400, 7200), {"progressive": True}),
    ],
)
def test_pictures_of_cameras_are_not(size: tuple[int, int], options: dict[str, object]) -> None:
    assert measure_image(_large(size, **options)).pixels == size[0] * size[1]
