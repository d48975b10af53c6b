"""Untrusted bytes become an upright RGB picture, or a sentence about why not.

The content alone decides what a file is; names and declared types are ignored. A file that is
refused for its size is refused before anything of it is decoded. Decoding runs in C and cannot
be interrupted, so its time is bounded beforehand: by the number of pixels, also in proportion to
the bytes of the file, and for a JPEG in many scans by pixels times scans.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace

import cv2

from perse.domain.samples import FaceImage, Pixels
from perse.errors import EmptyFile, FileTooLarge, InvalidFileType, PerseError
from perse.imaging.room import room_for
from perse.media import jpeg, png, webp
from perse.media.colour_profile import to_srgb
from perse.media.file_kinds import kind_of_file
from perse.media.orientation import turn_upright
from perse.media.raster import Header, Raster, without_colour

# 25 megapixels of a progressive JPEG with full colours, and all 40 of one with halved ones.
_HELD_BYTES = 150_000_000
_HELD_PER_PIXEL = 3.75
_ACCEPTED = "Send a JPEG, PNG or WebP picture."


@dataclass(frozen=True, slots=True)
class ImageLimits:
    """``max_pixels``: width x height. ``max_scans``: of a JPEG as large as that, where an ordinary
    progressive one has about ten; a smaller picture may have more in proportion.

    ``max_pixels_per_byte``: of what a picture has beyond ``free_pixels``. Files of cameras have 18
    at most, photographs saved in the worst quality of WebP 111 (docs/operations.md); files of
    nothing have thousands, and cost as much as full ones. ``free_scanned`` and
    ``max_scanned_per_byte``: the same for pixels times scans, where a photograph saved badly as a
    progressive JPEG has 640, and one whose last scan was repeated 26,000.

    ``max_held_bytes``: what decoding may hold beside the pixels that come out of it. Only JPEG
    holds much: a progressive one 6 bytes a pixel, 3 with halved colours; one of inks 4, or 12.
    """

    max_pixels: int = 40_000_000
    max_scans: int = 15
    free_pixels: int = 2_000_000
    max_pixels_per_byte: int = 250
    free_scanned: int = 20_000_000
    max_scanned_per_byte: int = 1_500

    @property
    def max_held_bytes(self) -> int:
        return max(_HELD_BYTES, int(_HELD_PER_PIXEL * self.max_pixels))


@dataclass(frozen=True, slots=True)
class ImageSize:
    """What decoding a file costs grows with ``pixels``, and with ``scanned``: pixels times scans.
    Both are 0 where the file does not say, or is none."""

    pixels: int = 0
    scanned: int = 0


@dataclass(frozen=True, slots=True)
class _Format:
    read_size: Callable[[bytes], Header]
    read_header: Callable[[bytes], Header]
    decode: Callable[[bytes, Header], Raster]


_JPEG = _Format(jpeg.read_jpeg_size, jpeg.read_jpeg_header, jpeg.decode_jpeg)
_PNG = _Format(png.read_png_size, png.read_png_header, png.decode_png)
_WEBP = _Format(webp.read_webp_size, webp.read_webp_header, webp.decode_webp)
_DEFAULT_LIMITS = ImageLimits()


def decode_image(data: bytes | memoryview, limits: ImageLimits = _DEFAULT_LIMITS) -> FaceImage:
    """Decode a JPEG, PNG or WebP file.

    A large JPEG is read at half its resolution or less until somebody looks at it more closely.
    The result is upright (EXIF applied), RGB, 8 bits, sRGB where the file says what its colours
    are, on white where it is transparent, the first frame of an animation. ``grey`` is set for a
    picture stored without colour and for one whose three channels are equal.

    Raises EmptyFile; InvalidFileType for other formats and for damaged or cut files (a JPEG that
    lacks nothing but its end marker passes); FileTooLarge for more pixels than ``limits`` allow.
    """
    data = bytes(data)
    if not data:
        raise EmptyFile("The file is empty. " + _ACCEPTED)
    picture = _format_of(data)
    try:
        header = picture.read_header(data)
        _refuse_excess(header, len(data), limits)
        return _read(picture, data, header)
    except PerseError:
        raise
    # Decoders of foreign bytes raise whatever they like; each of these means the same to a caller.
    except Exception:
        raise InvalidFileType(
            "The picture is damaged or cut off: send the whole file, or save it again as a JPEG."
        ) from None


def measure_image(data: bytes, limits: ImageLimits = _DEFAULT_LIMITS) -> ImageSize:
    """The size of a picture by a quick look, 0 for one that ``decode_image`` refuses.

    Only the head of the file is looked at, in microseconds, so that it may be asked where nothing
    may wait. How many scans a JPEG has is guessed.
    """
    try:
        header = _format_of(data).read_size(data)
        _refuse_excess(replace(header, scans=1), len(data), limits)
    except Exception:  # decoding tells what is wrong
        return ImageSize()
    return ImageSize(header.pixels, header.pixels * header.scans)


def _format_of(data: bytes) -> _Format:
    if data.startswith(jpeg.SIGNATURE):
        return _JPEG
    if data.startswith(png.SIGNATURE):
        return _PNG
    if webp.is_webp(data):
        return _WEBP
    raise InvalidFileType(f"{kind_of_file(data)} {_ACCEPTED}")


def _refuse_excess(header: Header, size: int, limits: ImageLimits) -> None:
    if header.pixels == 0:
        raise ValueError("no pixels")
    if header.pixels > limits.max_pixels:
        raise FileTooLarge(
            f"The picture has {header.pixels / 1e6:.1f} megapixels, more than the limit of "
            f"{limits.max_pixels / 1e6:g}: send a smaller one."
        )
    if header.held_bytes > limits.max_held_bytes:
        raise FileTooLarge(
            f"Decoding this JPEG takes {header.held_bytes / 1e6:.0f} MB beside its pixels: save it "
            "as an ordinary one (baseline, RGB), or send a smaller one."
        )
    if header.pixels > limits.free_pixels + limits.max_pixels_per_byte * size:
        raise InvalidFileType(
            f"The file holds next to nothing: {size} bytes for {header.pixels / 1e6:.1f} "
            "megapixels. Send a photograph, or a smaller picture."
        )
    scanned = header.scans * header.pixels
    hollow = scanned > limits.free_scanned + limits.max_scanned_per_byte * size
    if hollow or scanned > limits.max_scans * limits.max_pixels:
        raise InvalidFileType(
            "The JPEG is stored in too many scans for its size: save it again as an ordinary JPEG."
        )


def _read(picture: _Format, data: bytes, header: Header) -> FaceImage:
    def decoded(header: Header) -> tuple[Raster, Pixels]:
        raster = picture.decode(data, header)
        return raster, turn_upright(_rgb(raster, header.profile), header.orientation)

    raster, pixels = decoded(header)
    grey = raster.grey or without_colour(pixels)
    if raster.pixels.shape[1] == header.width_px:
        return FaceImage(pixels, grey)
    whole = replace(header, halvings=0)
    return FaceImage.read_at_less(pixels, header.halvings, lambda: decoded(whole)[1], grey=grey)


def _rgb(raster: Raster, profile: bytes | None) -> Pixels:
    if profile or raster.channels == "CMYK":
        return to_srgb(raster, profile)
    if raster.channels == "L":
        pixels = room_for(*raster.pixels.shape[:2], 3)
        cv2.cvtColor(raster.pixels, cv2.COLOR_GRAY2RGB, dst=pixels)
        return pixels
    return raster.pixels
