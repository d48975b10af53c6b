"""Draw what shared damage does to two strangers: docs/images/bad-pictures.jpg.

    python -m benchmarks.bad_pictures_drawn --data-dir D

Two portraits of tests/samples (of NASA and of the US Navy, public domain), shrunk until their faces
are 110 px high, as those that the treatments were chosen on. Below each pair: the similarity of its
cosine as it is, and what the server answers.
"""

from __future__ import annotations

import argparse
from collections.abc import Sequence
from pathlib import Path

import cv2
import numpy as np

from perse import Engine, open_engine
from perse.bootstrap.similarity import scale_of
from perse.domain.resemblance import ResemblanceScale
from perse.domain.samples import Pixels
from perse.errors import NoFaceDetected
from perse.evaluation.treatments import untreated
from perse.media.image_decoder import decode_image
from perse.weights.catalogue import load_catalog
from training.recognisability.bank import EVERY

PORTRAITS = Path("tests/samples/portraits")
STRANGERS = ("collins_1992", "hopper_1984")
SHOWN = {
    "as they are": untreated,
    **{
        name: EVERY[name]
        for name in ("sunglasses", "mask", "blur_6", "half_covered_grey", "wide_lens")
    },
}
TARGET = Path("docs/images/bad-pictures.jpg")
FACE_PX, CELL_PX, TEXT_PX = 110, 190, 64


def main() -> None:
    parser = argparse.ArgumentParser(description="Draw strangers who share damage.")
    parser.add_argument("--data-dir", type=Path, default=Path("data/benchmark-standard"))
    given = parser.parse_args()
    plain = ResemblanceScale(scale_of(load_catalog().cards_of("standard")["face_embedder"]).points)
    with open_engine("standard", data_dir=given.data_dir) as engine:
        pictures = [_small(engine, name) for name in STRANGERS]
        columns = [_column(engine, plain, name, pictures) for name in SHOWN]
    drawn = np.concatenate(columns, axis=1)[..., ::-1]
    cv2.imwrite(str(TARGET), drawn, [cv2.IMWRITE_JPEG_QUALITY, 88])


def _small(engine: Engine, name: str) -> Pixels:
    """A square around the face, which is FACE_PX high."""
    pixels = decode_image((PORTRAITS / f"{name}.jpg").read_bytes()).pixels
    box = engine.detect(pixels).faces[0].face.box
    scale = FACE_PX / box.height
    small = cv2.resize(pixels, None, fx=scale, fy=scale, interpolation=cv2.INTER_AREA)
    middle = np.array(box.centre) * scale
    left, top = (max(0, int(at - CELL_PX / 2)) for at in middle)
    cut = small[top : top + CELL_PX, left : left + CELL_PX]
    below, beside = CELL_PX - cut.shape[0], CELL_PX - cut.shape[1]
    filled = cv2.copyMakeBorder(cut, 0, below, 0, beside, cv2.BORDER_REPLICATE)
    return np.asarray(filled, np.uint8)


def _column(
    engine: Engine, plain: ResemblanceScale, name: str, pictures: Sequence[Pixels]
) -> Pixels:
    treated = []
    for pixels in pictures:
        face = engine.detect(pixels).faces[0].face
        treated.append(SHOWN[name](pixels, face.landmarks.points))
    return np.concatenate([*treated, _text(name, *_answers(engine, plain, treated))])


def _answers(engine: Engine, plain: ResemblanceScale, treated: Sequence[Pixels]) -> tuple[str, str]:
    try:
        one, other = (engine.face_template(pixels) for pixels in treated)
    except NoFaceDetected:
        return "now: no face found", ""
    now = engine.compare_templates(one, other)
    before = plain.resemblance(one, other).similarity
    answer = f"now: {now.similarity:.2f}" if now.assessable else "now: cannot tell"
    return f"cosine alone: {before:.2f}", answer


def _text(*lines: str) -> Pixels:
    field = np.full((TEXT_PX, CELL_PX, 3), 255, np.uint8)
    for number, line in enumerate(lines):
        place = (8, 18 + 19 * number)
        cv2.putText(
            field, line, place, cv2.FONT_HERSHEY_SIMPLEX, 0.45, (30, 30, 30), 1, cv2.LINE_AA
        )
    return field


if __name__ == "__main__":
    main()
