"""Pictures -> the crops that train.py and evaluate.py read. Run once; about five minutes.

python prepare.py --data ../shared/data --models ../shared/models --out CACHE
"""

from __future__ import annotations

import argparse
import json
import time
from collections.abc import Callable, Iterable, Sequence
from dataclasses import asdict, dataclass
from hashlib import sha256
from pathlib import Path

import cv2
import numpy as np
from camera import Generator, Picture, seen_by_some_camera
from framing import Finder, Sighting, read_rgb, shaken
from judges import Judges
from recapture import printed, replayed, screened
from splits import press_part
from surroundings import in_some_place, some_scene

from perse.domain.samples import FaceImage
from perse.networks.face_square import face_square
from perse.networks.perse_pad import SCALE, SIZE_PX

BANK_PX = 144
SIMULATED: dict[str, Callable[[Sighting, Picture, Generator], Sighting]] = {
    "simulated_print": printed,
    "simulated_screen": screened,
    "simulated_replay": replayed,
}
PRESS_COPIES = {"live": 3, "simulated_print": 1, "simulated_screen": 1, "simulated_replay": 1}
WEBCAM_COPIES = {"live": 4, "simulated_print": 1, "simulated_screen": 1, "simulated_replay": 1}
PRINT_COPIES = {"printed_photograph": 6}
WEBCAM_EVERY = 3  # of neighbouring frames, only each third is recaptured for evaluation


@dataclass(frozen=True, slots=True)
class Source:
    """One picture file. ``origin``: press or webcam; ``species``: live or printed_photograph."""

    path: str
    origin: str
    species: str
    person: str


@dataclass(frozen=True, slots=True)
class Record:
    """One crop. ``logits``: the judges' log odds, empty where none was asked."""

    source: Source
    species: str
    logits: tuple[float, ...]


Made = tuple[Record, Picture]


def sources(data: Path) -> list[Source]:
    """Every picture, in the order of its path."""
    found = []
    for path in sorted(data.glob("faces_dev/*/*.jpg")):
        found.append(Source(str(path.relative_to(data)), "press", "live", path.parent.name))
    for path in sorted(data.glob("pad_dev/*/*/*.jpg")):
        species = "live" if path.parts[-3] == "live" else "printed_photograph"
        found.append(Source(str(path.relative_to(data)), "webcam", species, path.parent.name))
    return found


def generator(seed: int, *words: str) -> Generator:
    """The same numbers for the same words, whatever ran before."""
    digest = sha256("/".join((str(seed), *words)).encode()).digest()
    return np.random.default_rng(int.from_bytes(digest[:8], "big"))


def training_crops(sighting: Sighting, source: Source, seed: int) -> Iterable[tuple[str, Picture]]:
    """Species and crop of BANK_PX for every copy."""
    copies = PRESS_COPIES if source.origin == "press" else WEBCAM_COPIES
    if source.species != "live":
        copies = PRINT_COPIES
    for species, times in copies.items():
        for copy in range(times):
            rng = generator(seed, source.path, species, str(copy))
            yield species, _one_crop(sighting, species, rng)


def _one_crop(sighting: Sighting, species: str, rng: Generator) -> Picture:
    if species in SIMULATED:
        if rng.random() < 0.4:
            sighting = in_some_place(sighting, rng)
        scene = some_scene(sighting.picture, rng)
        sighting = SIMULATED[species](sighting, scene, rng)
        if rng.random() < 0.5:
            sighting = in_some_place(sighting, rng)
    else:
        sighting = in_some_place(sighting, rng)
    scale = SCALE * BANK_PX / SIZE_PX * rng.uniform(0.72, 1.12)
    wide = face_square(
        FaceImage(sighting.picture), shaken(sighting.box, rng), scale=scale, size_px=2 * BANK_PX
    )
    if rng.random() < 0.3:
        return _of_bank_size(seen_by_some_camera(wide, rng))
    return seen_by_some_camera(_of_bank_size(wide), rng)


def _of_bank_size(crop: Picture) -> Picture:
    small = cv2.resize(crop, (BANK_PX, BANK_PX), interpolation=cv2.INTER_AREA)
    return np.asarray(small, np.uint8)


def share_of(source: Source) -> int:
    """One in how many pictures is recaptured for evaluation."""
    return WEBCAM_EVERY if source.origin == "webcam" else 1


def evaluation_sightings(
    sighting: Sighting, source: Source, seed: int, finder: Finder
) -> Iterable[tuple[str, Sighting | None]]:
    """The picture itself and, for a live one, one recapture of each kind, found anew."""
    yield source.species, sighting
    if source.species != "live" or generator(seed, source.path).random() * share_of(source) > 1:
        return
    for species, recapture in SIMULATED.items():
        rng = generator(seed, "evaluation", source.path, species)
        made = recapture(sighting, some_scene(sighting.picture, rng), rng)
        yield species, finder.largest(seen_by_some_camera(made.picture, rng))


def work(source: Source, *, data: Path, models: Path, seed: int) -> tuple[list[Made], list[Made]]:
    """All training crops and all evaluation crops of one picture."""
    finder, judges = _tools(models)
    sighting = finder.largest(read_rgb(data / source.path))
    if sighting is None:
        return [], [(Record(source, "not_found", ()), np.zeros((SIZE_PX, SIZE_PX, 3), np.uint8))]
    training: list[Made] = []
    part = press_part(source.person) if source.origin == "press" else "any"
    own = judges(sighting)
    if part in ("train", "any"):
        training = [
            (Record(source, species, own if species == source.species else ()), crop)
            for species, crop in training_crops(sighting, source, seed)
        ]
    evaluation: list[Made] = []
    for species, seen in evaluation_sightings(sighting, source, seed, finder):
        if part == "train" and species != "live":
            break
        if seen is None:
            blank = np.zeros((SIZE_PX, SIZE_PX, 3), np.uint8)
            evaluation.append((Record(source, f"{species}:not_found", ()), blank))
            continue
        crop = face_square(FaceImage(seen.picture), seen.box, scale=SCALE, size_px=SIZE_PX)
        evaluation.append((Record(source, species, judges(seen)), crop))
    return training, evaluation


_KEPT: dict[Path, tuple[Finder, Judges]] = {}


def _tools(models: Path) -> tuple[Finder, Judges]:
    if models not in _KEPT:
        cv2.setNumThreads(1)
        _KEPT[models] = (Finder(models / "yunet_n_dynamic.onnx"), Judges(models))
    return _KEPT[models]


def save(made: Sequence[Made], folder: Path, name: str) -> None:
    """``name``.npy holds the crops (uint8, RGB), ``name``.json one record for each."""
    np.save(folder / f"{name}.npy", np.stack([crop for _, crop in made]))
    records = [asdict(record) for record, _ in made]
    (folder / f"{name}.json").write_text(json.dumps(records))


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--data", type=Path, default=Path("../shared/data"))
    parser.add_argument("--models", type=Path, default=Path("../shared/models"))
    parser.add_argument("--out", type=Path, required=True)
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--every", type=int, default=1, help="take only every n-th picture")
    parser.add_argument("--shard", default="0/1", help="i/n: this process does n-th parts")
    options = parser.parse_args()
    options.out.mkdir(parents=True, exist_ok=True)
    started = time.monotonic()
    shard, shards = map(int, options.shard.split("/"))
    training: list[Made] = []
    evaluation: list[Made] = []
    for source in sources(options.data)[:: options.every][shard::shards]:
        one, other = work(source, data=options.data, models=options.models, seed=options.seed)
        training += one
        evaluation += other
    save(training, options.out, f"training-{shard}")
    save(evaluation, options.out, f"evaluation-{shard}")
    print(
        f"{len(training)} training crops, {len(evaluation)} evaluation crops, "
        f"{time.monotonic() - started:.0f} s"
    )


if __name__ == "__main__":
    main()
