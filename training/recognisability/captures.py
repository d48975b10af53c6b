"""What the embedders of the packs show of faces, treated and not; kept in one file a treatment."""

from __future__ import annotations

import argparse
import hashlib
import time
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from perse.bootstrap.face_networks import FaceNetworks, open_face_networks
from perse.bootstrap.weights import obtain_networks
from perse.domain.geometry import DetectedFace, Landmarks
from perse.domain.references import Template
from perse.domain.samples import FaceImage
from perse.errors import NoFaceDetected
from perse.evaluation.treatments import Treatment
from perse.media.image_decoder import decode_image
from perse.pipelines.detection import FindFaces
from perse.pipelines.face_embedding import RefinedEmbedder
from perse.pipelines.upright_search import UprightSearch
from perse.settings import load_settings
from training.recognisability.bank import BANK, EVERY, MILD, UNCONFIRMED, UNTREATED

PACKS = ("standard", "compact")
FACES = Path("../shared/data/faces_dev")
MATED = Path("../shared/data/faces_mated")
# People of FACES with one picture and of MATED with so many at most. Whom the fit has seen is in no
# part that rates are told of.
PARTS: Mapping[str, tuple[slice, slice, int]] = {
    "fit": (slice(160, 280), slice(0, 140), 2),
    "more": (slice(280, None), slice(0), 1),
    "fit_mated": (slice(0), slice(0, 140), 4),
    "test": (slice(0, 80), slice(140, 200), 2),
    "mated": (slice(0), slice(140, None), 4),
}
_MOST_FACES = 100


@dataclass(frozen=True, slots=True, eq=False)
class Captures:
    """Of one embedder, under one treatment: captures in rows. ``picture`` numbers the picture of
    the part, whether it gave a face or not; ``person`` is whose it is; ``listed``: how many
    pictures there were."""

    vectors: NDArray[np.float32]
    lengths: NDArray[np.float64]
    mirror_cosines: NDArray[np.float64]
    picture: NDArray[np.int64]
    person: NDArray[np.str_]
    listed: int

    def of(self, chosen: NDArray[np.bool_]) -> Captures:
        return Captures(
            self.vectors[chosen],
            self.lengths[chosen],
            self.mirror_cosines[chosen],
            self.picture[chosen],
            self.person[chosen],
            self.listed,
        )

    def __len__(self) -> int:
        return len(self.picture)


def joined(one: Captures, other: Captures) -> Captures:
    """Of two groups of people who have nobody in common."""
    return Captures(
        np.concatenate((one.vectors, other.vectors)),
        np.concatenate((one.lengths, other.lengths)),
        np.concatenate((one.mirror_cosines, other.mirror_cosines)),
        np.concatenate((one.picture, other.picture)),
        np.concatenate((one.person, other.person)),
        one.listed + other.listed,
    )


def pictures_of(part: str) -> list[Path]:
    """In an order that the people's names give, and nobody chose."""
    ones, several, most = PARTS[part]
    return [
        *(path for folder in _people(FACES)[ones] for path in sorted(folder.iterdir())[:1]),
        *(path for folder in _people(MATED)[several] for path in sorted(folder.iterdir())[:most]),
    ]


def _people(root: Path) -> list[Path]:
    return sorted(root.iterdir(), key=lambda it: hashlib.sha256(it.name.encode()).hexdigest())


def read_bank(
    folder: Path, part: str, pack: str, treatments: Iterable[str]
) -> Mapping[str, Captures]:
    """As far as it was measured. Raises ValueError without untreated captures."""
    files = {name: _file(folder, part, name) for name in treatments}
    bank = {name: _read(file, pack) for name, file in files.items() if file.exists()}
    if UNTREATED not in bank:
        raise ValueError("measure the captures first: python -m training.recognisability.captures")
    return bank


def _read(path: Path, pack: str) -> Captures:
    kept = np.load(path, allow_pickle=False)
    return Captures(
        kept[f"vectors_{pack}"],
        kept[f"lengths_{pack}"],
        kept[f"mirror_cosines_{pack}"],
        kept["picture"],
        kept["person"],
        int(kept["listed"]),
    )


def _file(folder: Path, part: str, treatment: str) -> Path:
    return folder / f"{part}_{treatment}.npz"


@dataclass(frozen=True, slots=True)
class Camera:
    """The packs' own pipelines; they have one detector, so each face is sought once."""

    packs: Mapping[str, FaceNetworks]
    _untreated: dict[Path, Landmarks] = field(default_factory=dict)

    def templates(
        self, picture: Path, treatment: Treatment, *, as_found: bool = False
    ) -> tuple[Mapping[str, Template], DetectedFace]:
        """By pack; ``as_found``: detections are not looked at again.

        Raises NoFaceDetected, also of the untreated picture.
        """
        networks = next(iter(self.packs.values()))
        find = FindFaces(networks.detector, _MOST_FACES)
        image = decode_image(picture.read_bytes())
        if picture not in self._untreated:
            self._untreated[picture] = find.largest(image, name="the picture").landmarks
        treated = FaceImage(treatment(image.pixels, self._untreated[picture].points))
        if as_found:
            assert isinstance(networks.detector, UprightSearch)  # noqa: S101 - as bootstrap wires it
            find = replace(find, detector=networks.detector.search)
        face = find.largest(treated, name="the treated picture")
        refined, templates = None, {}
        for pack, networks in self.packs.items():
            embedder = networks.embedder
            assert isinstance(embedder, RefinedEmbedder)  # noqa: S101 - as bootstrap wires it
            refined = refined or embedder.refiner.refine(treated, face.landmarks)
            templates[pack] = embedder.embedder.embed(treated, refined)
        return templates, face


def open_camera(data_dir: Path) -> Camera:
    """``data_dir``: a data folder for each pack below it, with weights or to fetch them into."""
    opened = {}
    for pack in PACKS:
        on_disk = obtain_networks(load_settings(pack=pack, data_dir=data_dir / pack))
        opened[pack] = open_face_networks(on_disk, threads=1)
    return Camera(opened)


def measure(
    camera: Camera,
    pictures: Sequence[Path],
    treatment: Treatment,
    *,
    every: int,
    as_found: bool = False,
) -> dict[str, object]:
    """Everything that is kept of one treatment of every so many-th picture."""
    rows = []
    for number, picture in list(enumerate(pictures))[::every]:
        try:
            taken, _ = camera.templates(picture, treatment, as_found=as_found)
            rows.append((number, taken))
        except NoFaceDetected:
            continue
    kept: dict[str, object] = {
        "picture": np.array([number for number, _ in rows]),
        "person": np.array([pictures[number].parent.name for number, _ in rows]),
        "listed": np.array(len(pictures[::every])),
    }
    for pack in camera.packs:
        templates = [found[pack] for _, found in rows]
        traits = [template.traits for template in templates if template.traits]
        kept[f"vectors_{pack}"] = np.stack([template.vector for template in templates])
        kept[f"lengths_{pack}"] = np.array([it.length for it in traits])
        kept[f"mirror_cosines_{pack}"] = np.array([it.mirror_cosine for it in traits])
    return kept


@dataclass(frozen=True, slots=True)
class Run:
    """Measures what is missing in ``folder`` until the time is up."""

    folder: Path
    data_dir: Path
    part: str
    every: int
    seconds: float

    def __call__(self, treatments: Mapping[str, Treatment]) -> bool:
        """Whether all is there then."""
        self.folder.mkdir(mode=0o700, parents=True, exist_ok=True)
        started, slowest = time.monotonic(), 0.0
        camera, pictures = open_camera(self.data_dir), pictures_of(self.part)
        for name, treatment in treatments.items():
            path = _file(self.folder, self.part, name)
            begun = time.monotonic()
            if path.exists():
                continue
            if begun - started + slowest > self.seconds:
                return False
            fit = self.part == "fit"
            every = 2 * self.every if fit and name not in MILD else self.every
            found = fit and name in UNCONFIRMED
            kept = measure(camera, pictures, treatment, every=every, as_found=found)
            np.savez(path, **kept)  # type: ignore[arg-type]
            slowest = max(slowest, 1.2 * (time.monotonic() - begun))
            print(f"{self.part} {name}: {kept['listed']} pictures", flush=True)
        return True


def main() -> None:
    parser = argparse.ArgumentParser(description="Measure captures, a file a treatment.")
    parser.add_argument("part", choices=tuple(PARTS))
    parser.add_argument("treatments", nargs="*", default=list(BANK))
    add_arguments(parser)
    given = parser.parse_args()
    chosen = {name: EVERY[name] for name in given.treatments}
    run = Run(given.captures, given.data_dir, given.part, given.every, given.seconds)
    done = run(chosen)
    print("all measured" if done else "time is up", flush=True)


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Where captures are kept, and where weights are or will be."""
    parser.add_argument("--captures", type=Path, default=Path("build/recognisability"))
    parser.add_argument("--data-dir", type=Path, default=Path("data/recognisability"))
    parser.add_argument("--every", type=int, default=1, help="measure every so many-th picture")
    parser.add_argument("--seconds", type=float, default=1e9, help="stop measuring after that")


if __name__ == "__main__":
    main()
