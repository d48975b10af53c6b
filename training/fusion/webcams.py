"""Many samples of few people, from another camera than any fit has seen: NUAA's frames of webcams.

Frames of one session are the samples, those of the person's other session, of all other people and
all press portraits the probes. The fourth part of a frame's name is its session.
"""

from __future__ import annotations

from pathlib import Path

import numpy as np

from training.fusion.faces import model_and_scale, read_good
from training.fusion.samples import Trials, trials_of

MOST_SAMPLES = 20
ROUNDS = 3


def webcam_trials(pack: str, webcams: Path, press: Path) -> Trials:
    """``webcams``, ``press``: templates that benchmarks/face_operating_points.py --kept wrote. The
    people of the press are numbered after those of the webcams."""
    model, _ = model_and_scale(pack)
    people, frames = read_good(model, webcams)
    _, portraits = read_good(model, press)
    session = np.array([name.split("_")[3] for name in frames.picture.tolist()])
    chance, parts = np.random.default_rng(3), []
    for person, which in sorted({*zip(frames.person.tolist(), session.tolist(), strict=True)}):
        own = np.flatnonzero((frames.person == person) & (session == which))
        for _ in range(ROUNDS):
            drawn = chance.permutation(own)[:MOST_SAMPLES]
            vectors, captured = frames.vectors[drawn], frames.captured.of(drawn)
            for probes, shift in ((frames, 0), (portraits, len(people))):
                heard = np.asarray(probes.vectors @ vectors.T, np.float64)
                told = np.ones(len(heard), bool)
                if shift == 0:
                    told = (frames.person != person) | (session != which)
                parts.append(
                    trials_of(
                        model.corrected(heard, probes.captured, captured)[told],
                        vectors.astype(np.float64),
                        probes.person[told] + shift,
                        person,
                        len(own),
                        MOST_SAMPLES,
                    )
                )
    return Trials.all_of(parts)
