"""Which person belongs to which part. Decided by a hash of the folder's name, never by chance."""

from __future__ import annotations

import hashlib
from collections.abc import Iterable
from typing import Literal

Part = Literal["train", "calibrate", "test"]
SEED = "perse-pad-1"
PRESS_SHARES = (0.60, 0.15)


def person_hash(person: str, seed: str = SEED) -> float:
    """0..1, the same on every machine."""
    digest = hashlib.sha256(f"{seed}:{person}".encode()).digest()
    return int.from_bytes(digest[:8], "big") / 2**64


def press_part(person: str) -> Part:
    """Portraits: about 60 % of the people train, 15 % calibrate, 25 % test."""
    at = person_hash(person)
    if at < PRESS_SHARES[0]:
        return "train"
    return "calibrate" if at < sum(PRESS_SHARES) else "test"


def portrait_part(path: str, person: str) -> Part:
    """As ``press_part``, but of the people of faces_mated nobody tests: they calibrate.

    One portrait in a hundred decides where the threshold lies, so it takes many of them.
    """
    part = press_part(person)
    return "calibrate" if part == "test" and path.startswith("faces_mated/") else part


def webcam_parts(people: Iterable[str], rotation: int | None = None) -> dict[str, Part]:
    """The few webcam people in the order of their hash.

    ``rotation`` None is the split of the shipped network: the last two people test, the two
    before them calibrate, the others train. ``rotation`` 0, 1, 2 are for the cross-check: every
    third person tests, two of the next third calibrate, so each person tests exactly once.
    """
    ordered = sorted(set(people), key=person_hash)
    if rotation is None:
        testing, calibrating = ordered[-2:], ordered[-4:-2]
    else:
        testing = ordered[rotation::3]
        calibrating = ordered[(rotation + 1) % 3 :: 3][:2]
    parts: dict[str, Part] = {}
    for person in ordered:
        if person in testing:
            parts[person] = "test"
        else:
            parts[person] = "calibrate" if person in calibrating else "train"
    return parts
