"""Is SFace in 8-bit integers the same network to the user? Templates of both forms, across.

    python -m benchmarks.int8_against_float

All pictures of faces_dev and faces_mated against one another: of each pair, templates of the one
form, of the other, and one of each, decided as the server does. One run of each form is timed on
every face, in turn. Needs a processor that computes 8-bit integers exactly.
"""

from __future__ import annotations

import argparse
import time
from collections.abc import Mapping, Sequence
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from benchmarks.face_operating_points import FACES, central
from perse.bootstrap.face_networks import open_face_networks
from perse.bootstrap.weights import obtain_networks
from perse.domain.decisions import fmr_key
from perse.domain.recognisability import Recognisability
from perse.domain.references import Template
from perse.evaluation.error_rates import PairScores
from perse.evaluation.sample_files import PICTURES, folder_per_person
from perse.media.image_decoder import decode_image
from perse.pipelines.face_embedding import RefinedEmbedder
from perse.settings import load_settings
from perse.weights.catalogue import load_catalog
from perse.weights.recognisability import shipped_recognisability

FORMS: Mapping[str, str] = {"float": "off", "int8": "auto"}
KINDS = (("float", "float"), ("int8", "int8"), ("float", "int8"))

Values = NDArray[np.float64]


def main() -> None:
    parser = argparse.ArgumentParser(description="SFace in integers against SFace in floats.")
    parser.add_argument("--faces", type=Path, nargs="+", default=FACES)
    parser.add_argument("--data-dir", type=Path, default=Path("data") / "benchmark-standard")
    given = parser.parse_args()
    people, templates, ms = both(given.faces, given.data_dir)
    vectors = {form: np.stack([it.vector for it in made]) for form, made in templates.items()}
    same = np.einsum("ij,ij->i", vectors["float"], vectors["int8"])
    print(f"{len(people):,} pictures of {len(set(people)):,} people")
    print(
        f"cosine of a picture's two templates: mean {same.mean():.4f}, 1 in 100 below "
        f"{np.percentile(same, 1):.4f}, least {same.min():.4f}"
    )
    print(", ".join(f"{form}: {spent:.1f} ms a template" for form, spent in ms.items()))
    model = shipped_recognisability("sface")
    for name, decided in (("cosines as they are", None), ("as the server decides", model)):
        print(
            f"\n{name}{'':20}  FMR, FNMR at the catalogue's threshold of | FNMR at a counted FMR of"
        )
        for kind in KINDS:
            print(rates_of(kind, np.array(people), templates, decided))


def both(
    faces: Sequence[Path], data_dir: Path
) -> tuple[list[str], dict[str, list[Template]], dict[str, float]]:
    """Whose picture each is, its templates by form, and the median milliseconds of one."""
    embedders, detector = {}, None
    for form, int8 in FORMS.items():
        on_disk = obtain_networks(load_settings(pack="standard", data_dir=data_dir, int8=int8))
        networks = open_face_networks(on_disk, threads=1)
        detector, embedders[form] = networks.detector, networks.embedder
        print(f"{form}: {on_disk.paths['face_embedder'].name}")
    assert detector is not None
    people: list[str] = []
    templates: dict[str, list[Template]] = {form: [] for form in FORMS}
    spent: dict[str, list[float]] = {form: [] for form in FORMS}
    for file in (it for folder in faces for it in folder_per_person(folder, PICTURES).files):
        image = decode_image(file.path.read_bytes())
        face = central(detector.detect(image), image)
        people.append(file.person)
        points = None
        for form, embedder in embedders.items():
            assert isinstance(embedder, RefinedEmbedder)
            points = points or embedder.refiner.refine(image, face.landmarks)
            start = time.perf_counter()
            templates[form].append(embedder.embedder.embed(image, points))
            spent[form].append((time.perf_counter() - start) * 1e3)
    return people, templates, {form: float(np.median(times)) for form, times in spent.items()}


def rates_of(
    kind: tuple[str, str],
    people: NDArray[np.str_],
    templates: Mapping[str, Sequence[Template]],
    model: Recognisability | None,
) -> str:
    """One row: templates of the one form against those of the other."""
    one, other = (np.stack([it.vector for it in templates[form]]) for form in kind)
    scores: Values = np.asarray(one @ other.T, np.float64)
    if model:
        told = [_told(model, templates[form]) for form in kind]
        captured = [
            model.captured(vectors, known)
            for vectors, known in zip((one, other), told, strict=True)
        ]
        scores = model.corrected(scores, *captured)
        known = np.minimum(told[0][:, None], told[1][None])
        scores = np.where(known < model.least, -1, scores)
    once = np.triu(np.ones(scores.shape, np.bool_), k=1)
    mated = people[:, None] == people
    pairs = PairScores.of(
        scores[once & mated].astype(np.float32), scores[once & ~mated].astype(np.float32)
    )
    points = load_catalog().card("sface").operating_points
    assert points is not None
    there = [f"{pairs.fmr(p.cosine):.1e} {pairs.fnmr(p.cosine):6.2%}" for p in points.points]
    counted = [f"{pairs.fnmr(pairs.threshold_for_fmr(p.fmr)):6.2%}" for p in points.points]
    names = " / ".join(fmr_key(p.fmr) for p in points.points)
    return f"{' with '.join(kind):17} {names}: {'; '.join(there)} | {' / '.join(counted)}"


def _told(model: Recognisability, templates: Sequence[Template]) -> Values:
    told = [model.of(template) for template in templates]
    return np.array([1.0 if it is None else it for it in told])


if __name__ == "__main__":
    main()
