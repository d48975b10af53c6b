"""A face keeps its template however its picture was taken or saved: what alignment is for."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path

import cv2
import numpy as np
import pytest

from perse import Engine, open_engine
from perse.domain.references import Template
from perse.domain.samples import Pixels
from perse.media.image_decoder import decode_image

PORTRAITS = Path(__file__).parents[1] / "samples" / "portraits"
PACKS = ["standard", pytest.param("compact", marks=pytest.mark.shared)]
NAMES = ("obama_2009", "collins_1992")
# Different people have 0.0 on average.
LEAST_COSINE = {"mobilefacenet": 0.95, "sface": 0.95}

Guise = Callable[[Pixels], Pixels]


@pytest.fixture(scope="module", params=PACKS)
def engine(request: pytest.FixtureRequest, pack_folders: dict[str, Path]) -> Iterator[Engine]:
    with open_engine(request.param, data_dir=pack_folders[request.param], offline=True) as opened:
        yield opened


@pytest.fixture(scope="module")
def templates(engine: Engine) -> dict[str, Template]:
    return {name: engine.face_template(portrait(name)) for name in NAMES}


def portrait(name: str) -> Pixels:
    return decode_image((PORTRAITS / f"{name}.jpg").read_bytes()).pixels


def resized(times: float) -> Guise:
    kind = cv2.INTER_AREA if times < 1 else cv2.INTER_CUBIC
    return lambda pixels: np.asarray(
        cv2.resize(pixels, None, fx=times, fy=times, interpolation=kind), np.uint8
    )


def turned(degrees: float) -> Guise:
    def turn(pixels: Pixels) -> Pixels:
        height, width = pixels.shape[:2]
        matrix = cv2.getRotationMatrix2D((width / 2, height / 2), degrees, 0.8)
        return np.asarray(cv2.warpAffine(pixels, matrix, (width, height)), np.uint8)

    return turn


def saved_badly(pixels: Pixels) -> Pixels:
    _, file = cv2.imencode(".jpg", pixels, [cv2.IMWRITE_JPEG_QUALITY, 50])
    decoded = cv2.imdecode(file, cv2.IMREAD_COLOR)
    assert decoded is not None
    return np.asarray(decoded, np.uint8)


GUISES: dict[str, Guise] = {
    "half the size": resized(0.5),
    "twice the size": resized(2.0),
    "turned left": turned(20),
    "turned right": turned(-35),
    "mirrored": lambda pixels: np.ascontiguousarray(pixels[:, ::-1]),
    "darker": lambda pixels: np.asarray(pixels * 0.6, np.uint8),
    "saved badly": saved_badly,
}


@pytest.mark.parametrize("guise", GUISES)
@pytest.mark.parametrize("name", NAMES)
def test_a_face_keeps_its_template(
    engine: Engine, templates: dict[str, Template], name: str, guise: str
) -> None:
    changed = engine.face_template(GUISES[guise](portrait(name)))
    assert templates[name].cosine(changed) > LEAST_COSINE[changed.model]
