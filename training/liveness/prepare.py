"""Pictures -> the crops that train.py and evaluate.py read, each with what the teacher says of it.

    python prepare.py training --data D --models M --teacher fr_liveness.onnx --out CACHE \
        --name training-a --people 0001,0006,0007,0009 --portraits 0/2
    python prepare.py evaluation --data D --models M --teacher fr_liveness.onnx --out CACHE

Faces of two people are mixed only within one ``--people``, so that every turn of the cross-check
finds mixed faces of its own people.
"""

from __future__ import annotations

import argparse
import time
from collections.abc import Iterable
from dataclasses import replace
from pathlib import Path

import cv2
import numpy as np
from bank import EMBEDDING, MAP_CHANNELS, MAP_PX, Bank, write
from camera import Picture
from framing import Finder, Sighting
from material import (
    Company,
    Drawn,
    Pictures,
    evaluated,
    evaluation_sightings,
    sources,
    training_sightings,
)
from splits import press_part
from teacher import Opinion, Teacher

from perse.domain.samples import FaceImage
from perse.networks.face_rectangle import face_rectangle
from perse.networks.perse_pad import SCALE, SIZE_PX

LEAST_FACE_PX = 16
NOBODY = Opinion(
    float("nan"),
    np.zeros(EMBEDDING, np.float16),
    np.zeros((2, MAP_CHANNELS, MAP_PX, MAP_PX), np.float16),
)


def banked(drawn: Iterable[Drawn], teacher: Teacher, *, inner: bool) -> Bank:
    """``inner``: keep the teacher's inner values."""
    rows, crops, opinions = [], [], []
    for one in drawn:
        crop, opinion = _judged(one, teacher)
        source = one.source
        rows.append((one.species, source.origin, source.person, one.second, source.path))
        crops.append(crop)
        opinions.append(opinion)
    species, origin, person, second, path = np.array(rows).T
    return Bank(
        np.stack(crops),
        species,
        origin,
        person,
        second,
        path,
        np.array([opinion.log_odds for opinion in opinions], np.float32),
        np.array([opinion.embedding for opinion in opinions if inner], np.float16),
        np.array([opinion.maps for opinion in opinions if inner], np.float16),
    )


def _judged(drawn: Drawn, teacher: Teacher) -> tuple[Picture, Opinion]:
    if drawn.seen is None:
        return np.zeros((SIZE_PX, SIZE_PX, 3), np.uint8), NOBODY
    crop = _crop(drawn.seen)
    opinion = teacher(crop)
    if drawn.whole is not None:
        opinion = replace(opinion, log_odds=teacher(_crop(drawn.whole)).log_odds)
    return crop, opinion


def _crop(seen: Sighting) -> Picture:
    return face_rectangle(FaceImage(seen.picture), seen.box, scale=SCALE, size_px=SIZE_PX)


def _large_enough(drawn: Drawn) -> bool:
    if drawn.seen is None:
        return False
    return min(drawn.seen.box.width, drawn.seen.box.height) >= LEAST_FACE_PX


def training_bank(options: argparse.Namespace, pictures: Pictures, teacher: Teacher) -> Bank:
    found, people = sources(options.data), options.people.split(",")
    portraits = [s for s in found if s.origin == "press" and press_part(s.person) == "train"]
    webcam = [s for s in found if s.origin == "webcam" and s.person in people]
    company = Company(portraits, webcam)
    first, every = map(int, options.portraits.split("/"))
    drawn = (
        one
        for source in (*webcam, *(portraits[first::every] if every else ()))
        for one in training_sightings(source, company, pictures)
        if _large_enough(one)
    )
    return banked(drawn, teacher, inner=True)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("kind", choices=("training", "evaluation"))
    parser.add_argument("--data", type=Path, default=Path("../shared/data"))
    parser.add_argument("--models", type=Path, default=Path("../shared/models"))
    parser.add_argument("--teacher", type=Path, required=True)
    parser.add_argument("--out", type=Path, required=True)
    parser.add_argument("--name", default="training")
    parser.add_argument("--people", default="", help="webcam people, with commas between them")
    parser.add_argument("--portraits", default="0/0", help="i/n: every n-th, from i; 0/0: none")
    options = parser.parse_args()
    cv2.setNumThreads(1)
    started = time.monotonic()
    pictures = Pictures(options.data, Finder(options.models / "yunet_n_dynamic.onnx"))
    teacher = Teacher(options.teacher)
    if options.kind == "training":
        bank, name = training_bank(options, pictures, teacher), options.name
    else:
        drawn = (d for s in evaluated(options.data) for d in evaluation_sightings(s, pictures))
        bank, name = banked(drawn, teacher, inner=False), "evaluation"
    write(bank, options.out, name)
    print(f"{name}: {len(bank.species)} crops, {time.monotonic() - started:.0f} s")


if __name__ == "__main__":
    main()
