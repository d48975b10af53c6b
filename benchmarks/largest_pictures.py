"""Processor time and memory of the heaviest pictures that the limits let through (Linux).

Each is decoded in a process of its own.

.venv/bin/python -m benchmarks.largest_pictures
"""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping
from concurrent.futures import ProcessPoolExecutor
from io import BytesIO
from multiprocessing import get_context
from pathlib import Path

from PIL import Image

from perse.errors import InputError
from perse.media.image_decoder import ImageLimits, decode_image
from tests.media.icc_profiles import DISPLAY_P3, matrix_profile
from tests.media.pictures import PORTRAITS

# 7300 x 5470 = 39.9 megapixels.
SIZE = (5470, 7300)
FILE_LIMIT_BYTES = 1_000_000


def main() -> None:
    print(f"{'picture':36} {'file':>8}   {'time':>6}  memory beyond the start")
    for name, data in pictures().items():
        with ProcessPoolExecutor(1, mp_context=get_context("spawn")) as alone:
            taken, memory, outcome = alone.submit(cost, data).result()
        note = " (over 1 MB)" if len(data) > FILE_LIMIT_BYTES else ""
        size = f"{len(data) / 1000:.0f} kB"
        print(f"{name:36} {size:>8}   {taken:5.2f} s  {memory:4.0f} MB  {outcome}{note}")


def pictures() -> Mapping[str, bytes]:
    plain = Image.new("RGB", SIZE, (90, 60, 30))
    profile = matrix_profile(DISPLAY_P3, gamma=2.2, name="wide")
    with Image.open(PORTRAITS / "obama_2012.jpg") as portrait:
        small = portrait.resize((1080, 1320))
        large = portrait.resize(SIZE)
    return {
        "JPEG 1080x1320": saved(small, "JPEG", quality=88),
        "JPEG 1080x1320, profile": saved(small, "JPEG", quality=88, icc_profile=profile),
        "PNG 1080x1320": saved(small, "PNG"),
        "JPEG 40 MP": saved(large, "JPEG", quality=40),
        "JPEG 40 MP, profile": saved(large, "JPEG", quality=40, icc_profile=profile),
        "JPEG 40 MP, progressive": saved(large, "JPEG", quality=40, progressive=True),
        "JPEG 40 MP, CMYK": saved(large.convert("CMYK"), "JPEG", quality=30),
        "JPEG 2 MP, 299 scans": many_scans((1000, 2000), 289),
        "JPEG 2 MP, 310 scans": many_scans((1000, 2000), 300),
        "PNG 40 MP, one colour": saved(plain, "PNG"),
        "PNG 40 MP, alpha": saved(Image.new("RGBA", SIZE, (9, 9, 9, 128)), "PNG"),
        "PNG 40 MP, 16 bits": saved(Image.new("I;16", SIZE, 40_000), "PNG"),
        "WebP 40 MP": saved(plain, "WEBP", quality=50),
        "WebP 40 MP, lossless, alpha": saved(
            Image.new("RGBA", SIZE, (9, 9, 9, 128)), "WEBP", lossless=True
        ),
    }


def saved(picture: Image.Image, kind: str, **options: object) -> bytes:
    target = BytesIO()
    picture.save(target, kind, **options)
    return target.getvalue()


def many_scans(size: tuple[int, int], extra: int) -> bytes:
    """A progressive JPEG whose last refinement is repeated again and again."""
    data = saved(Image.new("RGB", size, (90, 60, 30)), "JPEG", quality=20, progressive=True)
    start = data.rindex(b"\xff\xda")
    table = data.rindex(b"\xff\xc4", 0, start)
    return data[:-2] + data[table:-2] * extra + data[-2:]


def cost(data: bytes) -> tuple[float, float, str]:
    before, started = peak_mb(), time.process_time()
    outcome = attempt(lambda: decode_image(data, ImageLimits()))
    return time.process_time() - started, peak_mb() - before, outcome


def attempt(step: Callable[[], object]) -> str:
    try:
        step()
    except InputError as error:
        return error.code
    return "decoded"


def peak_mb() -> float:
    """Of this process alone (what getrusage tells includes the one that started it)."""
    status = dict(line.split(":", 1) for line in Path("/proc/self/status").read_text().splitlines())
    return float(status["VmHWM"].split()[0]) / 1000


if __name__ == "__main__":
    main()
