"""What is lost where a progressive JPEG of 40 megapixels is decoded at half its resolution.

    PERSE_MODEL_MIRROR=... .venv/bin/python -m benchmarks.halved_pictures

One face in several sizes in one large picture, decoded in full and as perse does it.
"""

from __future__ import annotations

import tempfile
from io import BytesIO
from pathlib import Path

import numpy as np
import simplejpeg
from PIL import Image

from benchmarks.serving import PORTRAIT
from perse import Engine, open_engine
from perse.media.image_decoder import decode_image

SIZE = (5470, 7300)
WIDTHS = (5470, 3000, 1200, 700, 400, 250)


def main() -> None:
    print("face, px   box moved by, px   cosine of the templates   sharpness, full and halved")
    with tempfile.TemporaryDirectory() as folder, open_engine(data_dir=Path(folder)) as engine:
        for width in WIDTHS:
            compared(engine, progressive(width))


def progressive(width: int) -> bytes:
    """The portrait, ``width`` pixels wide, on grey."""
    with Image.open(PORTRAIT) as portrait:
        size = (width, width * portrait.height // portrait.width)
        small = portrait.convert("RGB").resize(size, Image.Resampling.LANCZOS)
    large = Image.new("RGB", SIZE, (120, 130, 140))
    large.paste(small, (min(1000, SIZE[0] - width), 200))
    target = BytesIO()
    large.save(target, "JPEG", quality=90, progressive=True)
    return target.getvalue()


def compared(engine: Engine, data: bytes) -> None:
    full, halved = simplejpeg.decode_jpeg(data, "RGB"), decode_image(data).pixels
    faces = [engine.detect(pixels).faces[0] for pixels in (full, halved)]
    boxes = [np.array((f.face.box.left, f.face.box.top, f.face.box.width)) for f in faces]
    one, other = (engine.face_template(pixels) for pixels in (full, halved))
    print(
        f"{boxes[0][2]:8.0f} {np.abs(boxes[0] - boxes[1]).max():18.1f} {one.cosine(other):25.3f}"
        f"   {faces[0].metrics.sharpness:.2f} {faces[1].metrics.sharpness:.2f}"
    )


if __name__ == "__main__":
    main()
