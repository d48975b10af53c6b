"""The five landmarks of each portrait in tests/samples (right eye, left eye, nose, mouth right,
mouth left), found by YuNet on 2026-11-23 and checked by eye."""

from __future__ import annotations

import numpy as np

from perse.domain.geometry import Landmarks
from perse.domain.samples import FaceImage
from perse.media.image_decoder import decode_image
from tests.media.pictures import PORTRAITS

POINTS = {
    "biden_2010.jpg": [(430, 322), (551, 338), (503, 409), (416, 454), (525, 468)],
    "collins_1992.jpg": [(203, 104), (248, 104), (225, 128), (204, 143), (243, 144)],
    "hopper_1984.jpg": [(224, 197), (307, 196), (265, 239), (230, 274), (304, 272)],
    "obama_2009.jpg": [(257, 365), (382, 378), (293, 443), (249, 508), (360, 521)],
    "obama_2010.jpg": [(459, 315), (550, 321), (518, 372), (453, 418), (536, 425)],
    "obama_2012.jpg": [(438, 209), (545, 204), (500, 276), (446, 327), (546, 323)],
}


def portrait(name: str) -> tuple[FaceImage, Landmarks]:
    image = decode_image((PORTRAITS / name).read_bytes())
    return image, Landmarks(np.array(POINTS[name], np.float32))
