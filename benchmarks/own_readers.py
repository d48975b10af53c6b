"""What libraries would do in the place of our own readers: docs/decisions/0013-our-own-readers.md.

    .venv/bin/python -m benchmarks.own_readers

Headers of pictures against Pillow, multipart against Starlette's form parser, the package index
against unearth alone.
"""

from __future__ import annotations

import asyncio
import os
import statistics
import time
import warnings
from collections.abc import Callable
from contextlib import suppress
from functools import partial
from io import BytesIO

import httpx
from PIL import Image
from starlette.applications import Starlette
from starlette.datastructures import UploadFile
from starlette.requests import Request
from starlette.responses import JSONResponse
from starlette.routing import Route
from unearth import PackageFinder

from benchmarks.largest_pictures import many_scans
from perse.errors import PerseError
from perse.media.image_decoder import decode_image, measure_image
from perse.media.jpeg import SIGNATURE as JPEG
from perse.media.jpeg import read_jpeg_header
from perse.media.png import read_png_header
from perse.media.webp import is_webp, read_webp_header
from perse.weights.package_index import configured_indexes
from tests.media.exif_files import PICTURES
from tests.media.pictures import ORIENTATION, PORTRAITS, encoded
from tests.served import BOUNDARY, form, part

ROUNDS = 200


def main() -> None:
    warnings.simplefilter("ignore")  # Pillow's, of files that are broken on purpose
    headers()
    scans()
    orientations()
    asyncio.run(multipart())
    indexes()


def headers() -> None:
    with Image.open(PORTRAITS / "obama_2012.jpg") as portrait:
        picture = portrait.resize((1080, 1320))
    print("size of a picture of 1080 x 1320, median of", ROUNDS, "runs")
    for kind in ("JPEG", "PNG", "WEBP"):
        data = encoded(picture, kind)
        own = median_us(partial(measure_image, data))
        theirs = median_us(partial(pillows_size, data))
        print(f"  {kind:5} ours {own:6.0f} us, Pillow {theirs:6.0f} us")


def pillows_size(data: bytes) -> tuple[int, int]:
    return Image.open(BytesIO(data)).size


def scans() -> None:
    data = many_scans((1000, 2000), 300)
    print(f"a JPEG of 2 megapixels in 300 scans more, {len(data) / 1000:.0f} kB, processor time")
    print(f"  ours {1000 * cpu_s(lambda: decode_image(data)):.1f} ms, {outcome(data)}")
    print(f"  Pillow {cpu_s(lambda: Image.open(BytesIO(data)).load()):.2f} s, decoded")
    told = [name for name in Image.open(BytesIO(data)).info if "scan" in name]
    print(f"  what Pillow's header tells of scans: {told or 'nothing'}")


def outcome(data: bytes) -> str:
    try:
        decode_image(data)
    except PerseError as error:
        return f"refused: {error.code}"
    return "decoded"


def orientations() -> None:
    """Of the files of docs/orientation.md: where Pillow would turn a picture otherwise than us."""
    other = [name for name, data in PICTURES.items() if pillows_orientation(data) != ours(data)]
    print(f"{len(PICTURES)} ways to state an orientation: Pillow differs in {len(other)}")
    for name in other:
        data = PICTURES[name]
        print(f"  {name}: ours {ours(data)}, Pillow {pillows_orientation(data)}")


def ours(data: bytes) -> int:
    read = read_webp_header if is_webp(data) else read_png_header
    return (read_jpeg_header if data.startswith(JPEG) else read)(data).orientation


def pillows_orientation(data: bytes) -> object:
    try:
        return Image.open(BytesIO(data)).getexif().get(ORIENTATION, 1)
    except Exception as error:
        return type(error).__name__


async def multipart() -> None:
    body = form(part("image_file", (PORTRAITS / "obama_2012.jpg").read_bytes()))
    headers = {"content-type": f"multipart/form-data; boundary={BOUNDARY}"}

    async def answer(request: Request) -> JSONResponse:
        async with request.form() as sent:
            value = sent["image_file"]
            return JSONResponse(
                {"kind": type(value).__name__, "file": isinstance(value, UploadFile)}
            )

    app = Starlette(routes=[Route("/", answer, methods=["POST"])])
    transport = httpx.ASGITransport(app, raise_app_exceptions=False)
    async with httpx.AsyncClient(transport=transport, base_url="http://perse.test") as client:
        told = await client.post("/", content=body, headers=headers)
    print(f"a picture of {len(body) // 1000} kB in a part without a filename, Starlette's form():")
    print(f"  {told.status_code} {told.text[:100]}")


def indexes() -> None:
    os.environ["PIP_INDEX_URL"] = "https://packages.example/simple"
    listed = [source["url"] for source in PackageFinder().sources if "url" in source]
    for name, asked in (
        ("ours", configured_indexes().index_urls),
        ("unearth as it stands", listed),
    ):
        there = any("packages.example" in url for url in asked)
        print(f"PIP_INDEX_URL names an index: {name} {'asks' if there else 'does not ask'} it")


def median_us(work: Callable[[], object]) -> float:
    taken = []
    for _ in range(ROUNDS):
        started = time.perf_counter()
        work()
        taken.append(time.perf_counter() - started)
    return statistics.median(taken) * 1e6


def cpu_s(work: Callable[[], object]) -> float:
    started = time.process_time()
    with suppress(PerseError):
        work()
    return time.process_time() - started


if __name__ == "__main__":
    main()
