"""Templates and outcomes with known error rates."""

from __future__ import annotations

from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from perse.evaluation.acquisition import Acquired, Failed, Outcome
from perse.evaluation.results import Provenance
from perse.evaluation.sample_files import SampleFile
from perse.evaluation.samples import Samples

PROVENANCE = Provenance(
    kind="face",
    source="faces",
    pack="fake",
    networks={"face_detector": "fake-detector", "face_embedder": "fake-embedder"},
    made_with="0123456789abcdef",
    version="0",
    at="2026-11-23T12:00:00+00:00",
)


def unit(vectors: NDArray[np.float64]) -> NDArray[np.float32]:
    lengths = np.linalg.norm(vectors, axis=-1, keepdims=True)
    shortened: NDArray[np.float32] = (vectors / lengths).astype(np.float32)
    return shortened


def templates(
    people: int, each: int, *, noise: float = 0.6, values: int = 32, seed: int = 1
) -> NDArray[np.float32]:
    """``each`` templates of every person, person after person: a direction and noise around it."""
    random = np.random.default_rng(seed)
    centres = unit(random.normal(size=(people, values)))
    scatter = random.normal(scale=noise / np.sqrt(values), size=(people, each, values))
    return unit((centres[:, None, :] + scatter).reshape(-1, values))


def samples(vectors: NDArray[np.float32], each: int, *, failures: int = 0) -> Samples:
    """Files named ``person-N/K.jpg``; the first ``failures`` files gave nothing."""
    files = tuple(
        SampleFile(Path(f"person-{n // each}/{n % each}.jpg"), name, f"person-{n // each}")
        for n in range(len(vectors))
        for name in [f"person-{n // each}/{n % each}.jpg"]
    )
    random = np.random.default_rng(7)
    outcomes: list[Outcome] = [
        Acquired(vector, {"sharpness": float(random.uniform()), "rotation": float(n % 30)}, 0.9)
        for n, vector in enumerate(vectors)
    ]
    lost = Failed("no_face_detected", "no face is completely inside the picture")
    return Samples(files, (*[lost] * failures, *outcomes[failures:]))
