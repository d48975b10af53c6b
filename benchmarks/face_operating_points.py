"""Operating points of a pack's face embedder, from comparing all pictures with all.

    python benchmarks/face_operating_points.py --pack standard

The folder right below one of --faces is the person. Templates come through the adapters that serve:
the pack's detector, landmark refiner and embedder, wired by bootstrap. Of several faces the nearest
to the middle of the picture is taken, because press portraits are cut around the person they name.
Weights come as they do for the server (PERSE_MODEL_MIRROR, --data-dir).

Templates do not change when recognisability is fitted anew: --kept FILE keeps them (biometric
data, mode 0600) and takes them from there the next time.

The threshold of a rate is the lowest one at which 80 % of the resamples of the people have at most
that false match rate: on the safe side for people who are not in the set, as for voices.
"""

from __future__ import annotations

import argparse
import datetime
import time
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from perse.bootstrap.face_networks import open_face_networks
from perse.bootstrap.weights import PackOnDisk, obtain_networks
from perse.domain.decisions import fmr_key, similarity_at_fmr
from perse.domain.geometry import DetectedFace
from perse.domain.recognisability import Recognisability
from perse.domain.references import Template, Traits
from perse.domain.samples import FaceImage, ModelName
from perse.evaluation.acquisition import Acquired
from perse.evaluation.comparisons import Comparisons
from perse.evaluation.error_rates import PairScores
from perse.evaluation.intervals import Replicates, replicate_rates
from perse.evaluation.sample_files import PICTURES, SampleFile, folder_per_person
from perse.evaluation.samples import Samples, compare_all_samples
from perse.media.image_decoder import decode_image
from perse.pipelines.face_embedding import RefinedEmbedder
from perse.pipelines.ports import FaceDetector, FaceEmbedder
from perse.settings import load_settings
from perse.weights.cards import ModelCard
from perse.weights.recognisability import shipped_recognisability

FACES = [Path("../shared/data/faces_dev"), Path("../shared/data/faces_mated")]
RATES = (1e-2, 1e-3, 1e-4, 1e-5)
SURE = 80
STEP = 0.0005
HIGHEST_SHOWN = 15
HOW = (
    "landmarks refined on a crop, face and mirror image; "
    f"{SURE} of 100 resamplings of the people stay below the rate"
)


@dataclass(frozen=True)
class Embedded:
    """``files[k]`` gave ``templates[k]``; ``without_face`` gave none. ``ms``: median a picture."""

    files: Sequence[SampleFile]
    templates: Sequence[Template]
    without_face: Sequence[str]
    ms: float

    def comparisons(self, model: Recognisability | None) -> Comparisons:
        """Cosines as the scale takes them: given how recognisable both captures are."""
        told = [model.of(template) if model else None for template in self.templates]
        outcomes = (
            Acquired(template.vector, {} if it is None else {"recognisability": it})
            for template, it in zip(self.templates, told, strict=True)
        )
        samples = Samples(tuple(self.files), tuple(outcomes), recognisability=model)
        return compare_all_samples(samples).comparisons


@dataclass(frozen=True)
class MeasuredPoint:
    """One rate: the threshold that the pairs give, the one to ship, and the rates at the latter,
    each with its 95 % interval by people."""

    fmr: float
    as_counted: float
    shipped: float
    fmr_there: tuple[float, float, float]
    fnmr_there: tuple[float, float, float]

    def line(self) -> str:
        fmr, fnmr = self.fmr_there, self.fnmr_there
        return (
            f"{self.fmr:7.0e}  {similarity_at_fmr(self.fmr):.1f}  {self.as_counted:.4f}  "
            f"{self.shipped:.4f}  {fmr[0]:.1e} [{fmr[1]:.1e}, {fmr[2]:.1e}]  "
            f"{fnmr[0]:7.2%} [{fnmr[1]:.2%}, {fnmr[2]:.2%}]"
        )


def main() -> None:
    arguments = _arguments()
    on_disk = obtain_networks(load_settings(pack=arguments.pack, data_dir=arguments.data_dir))
    networks = open_face_networks(on_disk, threads=1)
    embedder = networks.embedder
    if arguments.without_refiner and isinstance(embedder, RefinedEmbedder):
        embedder = embedder.embedder
    files = [
        file for folder in arguments.faces for file in folder_per_person(folder, PICTURES).files
    ]
    if arguments.kept and arguments.kept.exists():
        embedded = _read(arguments.kept, files, ModelName(on_disk.cards["face_embedder"].name))
    else:
        embedded = embed_all(networks.detector, embedder, files)
    if arguments.kept:
        _keep(embedded, arguments.kept)
    model = shipped_recognisability(on_disk.cards["face_embedder"].name)
    comparisons = embedded.comparisons(None if arguments.without_refiner else model)
    rates = comparisons.rates()
    print(_about(arguments.faces, embedded, comparisons, rates))
    print("    FMR  sim.  counted  shipped  FMR at it               FNMR at it")
    points = measure(comparisons, rates)
    for point in points:
        print(point.line())
    print(_at_the_catalogue_s(on_disk.cards["face_embedder"], rates))
    print(_hardest(embedded, comparisons))
    if not arguments.without_refiner:
        print(catalogue_entry(on_disk, points, rates, comparisons))


def embed_all(
    detector: FaceDetector, embedder: FaceEmbedder, files: Sequence[SampleFile]
) -> Embedded:
    found, templates, missing, spent = [], [], [], []
    for number, file in enumerate(files):
        image = decode_image(file.path.read_bytes())
        start = time.perf_counter()
        faces = detector.detect(image)
        if faces:
            templates.append(embedder.embed(image, central(faces, image).landmarks))
            found.append(file)
            spent.append(time.perf_counter() - start)
        else:
            missing.append(file.name)
        if number % 200 == 199:
            print(f"... {number + 1} of {len(files)}", flush=True)
    return Embedded(found, templates, missing, float(np.median(spent)) * 1e3)


def _keep(embedded: Embedded, path: Path) -> None:
    path.touch(mode=0o600)
    traits = [it.traits for it in embedded.templates if it.traits]
    np.savez(
        path,
        names=[file.name for file in embedded.files],
        vectors=[it.vector for it in embedded.templates],
        traits=[(it.length, it.mirror_cosine) for it in traits],
        missing=np.array(embedded.without_face, str),
        ms=embedded.ms,
    )


def _read(path: Path, files: Sequence[SampleFile], model: ModelName) -> Embedded:
    kept = np.load(path, allow_pickle=False)
    of_name = {file.name: file for file in files}
    templates = [
        Template(vector, model, Traits(float(length), float(mirrored)))
        for vector, (length, mirrored) in zip(kept["vectors"], kept["traits"], strict=True)
    ]
    found = [of_name[name] for name in kept["names"].tolist()]
    return Embedded(found, templates, kept["missing"].tolist(), float(kept["ms"]))


def measure(comparisons: Comparisons, rates: PairScores) -> list[MeasuredPoint]:
    """A point for every rate that the number of pairs supports."""
    low = rates.threshold_for_fmr(max(RATES)) - 0.05
    grid = np.arange(low, 1.0, STEP, dtype=np.float32)
    replicates = replicate_rates(comparisons, grid)
    supported = [fmr for fmr in RATES if fmr >= rates.smallest_supported_fmr]
    return [_measured(fmr, rates, replicates) for fmr in supported]


def _measured(fmr: float, rates: PairScores, replicates: Replicates) -> MeasuredPoint:
    upper = np.percentile(replicates.fmr, SURE, axis=0)
    index = int(np.argmax(upper <= fmr))
    shipped = float(np.ceil(replicates.grid[index] * 1e4) / 1e4)
    return MeasuredPoint(
        fmr=fmr,
        as_counted=rates.threshold_for_fmr(fmr),
        shipped=shipped,
        fmr_there=(rates.fmr(shipped), *_ends(replicates.fmr[:, index])),
        fnmr_there=(rates.fnmr(shipped), *_ends(replicates.fnmr[:, index])),
    )


def _ends(values: np.ndarray) -> tuple[float, float]:
    low, high = np.nanpercentile(values, (2.5, 97.5))
    return float(low), float(high)


def central(faces: Sequence[DetectedFace], image: FaceImage) -> DetectedFace:
    middle = np.array((image.width_px, image.height_px)) / 2
    return min(faces, key=lambda face: float(np.hypot(*(np.array(face.box.centre) - middle))))


def _about(
    faces: Sequence[Path], embedded: Embedded, comparisons: Comparisons, rates: PairScores
) -> str:
    mated = comparisons.mated
    owners = np.unique(comparisons.person[mated.first]).size
    names = " and ".join(folder.name for folder in faces)
    return (
        f"{names}: {len(embedded.files):,} pictures of {comparisons.people:,} people; "
        f"no face in {len(embedded.without_face)} {list(embedded.without_face)[:5]}\n"
        f"{len(mated)} mated pairs of {owners} people, {rates.non_mated_count:,} non-mated pairs: "
        f"they support FMR {rates.smallest_supported_fmr:.1e} (rule of three)\n"
        f"{embedded.ms:.1f} ms a picture, decoding left out"
    )


def _at_the_catalogue_s(embedder: ModelCard, rates: PairScores) -> str:
    """What the thresholds that ship do on these people."""
    points = embedder.operating_points.points if embedder.operating_points else ()
    lines = [
        f"  {fmr_key(p.fmr)}: FMR {rates.fmr(p.cosine):.1e}, FNMR {rates.fnmr(p.cosine):.2%}"
        for p in points
    ]
    return "\n".join(["at the catalogue's thresholds:", *lines])


def _hardest(embedded: Embedded, comparisons: Comparisons) -> str:
    """The pairs to look at for errors of the labels."""
    high, low = comparisons.non_mated, comparisons.mated
    top = high.chosen(np.argsort(-high.scores)[:HIGHEST_SHOWN])
    bottom = low.chosen(np.argsort(low.scores)[:HIGHEST_SHOWN])
    lines = [
        f"  {score:.3f}  {embedded.files[one].name}  {embedded.files[other].name}"
        for pairs in (top, bottom)
        for score, one, other in zip(pairs.scores, pairs.first, pairs.second, strict=True)
    ]
    lines.insert(len(top), "lowest mated pairs:")
    return "\n".join(["highest non-mated pairs:", *lines])


def catalogue_entry(
    on_disk: PackOnDisk,
    points: Sequence[MeasuredPoint],
    rates: PairScores,
    comparisons: Comparisons,
) -> str:
    people = f"{comparisons.people:,} people"
    detector, embedder = (on_disk.cards[role] for role in ("face_detector", "face_embedder"))
    rows = "\n".join(f"    {{ fmr = {fmr_key(p.fmr)}, cosine = {p.shipped:.4f} }}," for p in points)
    return f"""
[operating_points.{embedder.name}]
points = [
{rows}
]
dataset = "Labeled Faces in the Wild, {people} outside its test pairs, all against all"
pairs = {rates.non_mated_count:_}
date = {datetime.datetime.now(datetime.UTC).date()}
largest_supported_claim = {fmr_key(points[-1].fmr)}
measured_with = "{detector.name}; {HOW}"
"""


def _arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description="Operating points of a pack's face embedder.")
    parser.add_argument("--pack", choices=("standard", "compact"), default="standard")
    parser.add_argument("--faces", type=Path, nargs="+", default=FACES)
    parser.add_argument("--without-refiner", action="store_true", help="what it is worth")
    parser.add_argument("--kept", type=Path, help="file (.npz) that keeps templates")
    parser.add_argument("--data-dir", type=Path, help="where its weights are or will be")
    arguments = parser.parse_args()
    arguments.data_dir = arguments.data_dir or Path("data") / f"benchmark-{arguments.pack}"
    return arguments


if __name__ == "__main__":
    main()
