"""Paint what was found onto a picture, for people who would rather look than read."""

from __future__ import annotations

from pathlib import Path

import numpy as np
from PIL import Image, ImageDraw, ImageFont

from perse.domain.faces import AssessedFace, FaceDetection
from perse.domain.samples import FaceImage
from perse.errors import InvalidParameter

_BOX_COLOUR = (0, 230, 118)
_POINT_COLOURS = ((255, 82, 82), (68, 138, 255), (255, 215, 64), (255, 82, 82), (68, 138, 255))
_SMALLEST_TEXT_PX = 12


def draw_detection(image: FaceImage, detection: FaceDetection, target: Path) -> None:
    """Write ``target`` (format by its suffix): boxes, landmarks (red = the subject's right,
    blue = left, yellow = nose) and each face's metrics.

    Raises InvalidParameter for a suffix of no picture, OSError when it cannot be written.
    """
    canvas = Image.fromarray(np.ascontiguousarray(image.pixels))
    pen = ImageDraw.Draw(canvas)
    for number, face in enumerate(detection.faces, start=1):
        _draw_face(pen, face, number)
    try:
        canvas.save(target)
    except (ValueError, KeyError):
        raise InvalidParameter(
            f"{target} does not say by its ending which kind of picture to write: use .png or .jpg"
        ) from None


def _draw_face(pen: ImageDraw.ImageDraw, face: AssessedFace, number: int) -> None:
    box = face.face.box
    line_px = max(1, round(box.longer_side / 120))
    pen.rectangle((box.left, box.top, box.right, box.bottom), outline=_BOX_COLOUR, width=line_px)
    radius = max(1.5, box.longer_side / 60)
    for (x, y), colour in zip(face.face.landmarks.points.tolist(), _POINT_COLOURS, strict=True):
        pen.ellipse((x - radius, y - radius, x + radius, y + radius), fill=colour)
    _draw_caption(pen, face, number)


def _draw_caption(pen: ImageDraw.ImageDraw, face: AssessedFace, number: int) -> None:
    box = face.face.box
    font = ImageFont.load_default(max(_SMALLEST_TEXT_PX, box.width / 16))
    left, top, right, bottom = pen.multiline_textbbox((box.left, 0), _caption(face, number), font)
    room_below = pen.im.size[1] - box.bottom
    start = box.bottom + 2 if room_below >= bottom - top + 6 else max(0.0, box.bottom - bottom - 6)
    pen.rectangle((left - 2, start + top - 2, right + 2, start + bottom + 2), fill=(0, 0, 0))
    pen.multiline_text((box.left, start), _caption(face, number), fill=_BOX_COLOUR, font=font)


def _caption(face: AssessedFace, number: int) -> str:
    metrics = face.metrics
    live = "" if face.pad is None else f"\nlive {face.pad.value:.2f}"
    return (
        f"face {number}\nsharp {metrics.sharpness:.2f}  turn {metrics.rotation:.0f}°\n"
        f"under {metrics.underexposure:.2f}  over {metrics.overexposure:.2f}\n"
        f"colour {metrics.colour:.2f}{live}"
    )
