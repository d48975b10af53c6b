"""The ranges that SFace's values keep to, for its conversion to 8-bit integers.

    python -m training.activation_ranges

writes src/perse/weights/conversions/sface_ranges.toml: of each unit, between which values all but
one in 100,000 lie, before and after its PRelu, of aligned faces as the pack cuts them. What ships
are these numbers; no face can be had from them.
"""

from __future__ import annotations

import argparse
import datetime
import hashlib
from collections.abc import Iterator, Mapping
from pathlib import Path

import numpy as np
import onnx
from numpy.typing import NDArray

from perse.bootstrap.face_networks import open_face_networks
from perse.bootstrap.weights import obtain_networks
from perse.domain.alignment import SimilarityTransform
from perse.errors import NoFaceDetected
from perse.imaging.cutting import cut_chip
from perse.media.image_decoder import decode_image
from perse.networks.chip_embedder import ChipEmbedder
from perse.networks.session import open_session
from perse.pipelines.detection import FindFaces
from perse.pipelines.face_embedding import RefinedEmbedder
from perse.settings import load_settings
from perse.weights.conversions.block_quantised import in_float
from perse.weights.conversions.graphs import read_model
from perse.weights.conversions.sface_int8 import RANGES

FACES = Path("../shared/data/faces_dev")
# In the order of training/recognisability, people whom no rate of bad pictures is told of.
FIRST, PEOPLE = 160, 180
OUTSIDE = 1e-5

Planes = NDArray[np.float32]
Range = tuple[float, float]


def aligned_faces(data_dir: Path) -> Iterator[Planes]:
    """As the embedder takes them, of one picture of each person."""
    networks = open_face_networks(
        obtain_networks(load_settings(pack="standard", data_dir=data_dir)), threads=1
    )
    assert isinstance(networks.embedder, RefinedEmbedder)  # noqa: S101 - as bootstrap wires it
    refiner, embedder = networks.embedder.refiner, networks.embedder.embedder
    assert isinstance(embedder, ChipEmbedder)  # noqa: S101 - as above
    find = FindFaces(networks.detector, 100)
    people = sorted(FACES.iterdir(), key=lambda it: hashlib.sha256(it.name.encode()).hexdigest())
    for person in people[FIRST : FIRST + PEOPLE]:
        image = decode_image(min(person.iterdir()).read_bytes())
        try:
            face = find.largest(image, name=person.name)
        except NoFaceDetected:
            continue
        points = refiner.refine(image, face.landmarks).points
        chip = cut_chip(image, SimilarityTransform.fit(points, embedder.places), 112)
        yield embedder.chip.planes(chip)


def ranges_of(network: onnx.ModelProto, faces: Iterator[Planes], folder: Path) -> dict[str, Range]:
    """By the name of each PRelu's output."""
    units = {it.output[0]: it.input[0] for it in network.graph.node if it.op_type == "PRelu"}
    ends = list(dict.fromkeys((*units, *units.values())))
    network.graph.output.extend(onnx.ValueInfoProto(name=name) for name in ends)
    path = folder / "every_value.onnx"
    onnx.save(network, path)
    session = open_session(path)
    tails: dict[str, list[Planes]] = {name: [] for name in ends}
    sizes = dict.fromkeys(ends, 0)
    for planes in faces:
        values = session.run({session.input_names[0]: planes})
        for name, value in zip(session.output_names, values, strict=True):
            if name in tails:
                tails[name].append(_ends_of(value.reshape(-1)))
                sizes[name] += value.size
    path.unlink()
    seen = {name: _range(np.concatenate(tails[name]), sizes[name]) for name in ends}
    return {
        name: (min(seen[name][0], seen[before][0]), max(seen[name][1], seen[before][1]))
        for name, before in units.items()
    }


def _ends_of(values: Planes) -> Planes:
    """Enough of the smallest and of the largest to find the range over all faces."""
    count = min(len(values) // 2, int(np.ceil(OUTSIDE * PEOPLE * len(values))) + 1)
    ordered = np.partition(values, (count - 1, len(values) - count))
    return np.concatenate((ordered[:count], ordered[-count:]))


def _range(tail: Planes, size: int) -> Range:
    """Without as many values as lie outside, half of them on either side."""
    outside = max(1, round(OUTSIDE / 2 * size))
    ordered = np.sort(tail)
    return float(ordered[outside - 1]), float(ordered[-outside])


def written(ranges: Mapping[str, Range], faces: int) -> str:
    rows = "\n".join(f"{name} = [{low:.4g}, {high:.4g}]" for name, (low, high) in ranges.items())
    return f"""# Written by training/activation_ranges.py: docs/models.md.
dataset = "Labeled Faces in the Wild, {faces} people outside its test pairs"
outside = {OUTSIDE}
date = {datetime.datetime.now(datetime.UTC).date()}

# Of each unit, by the name of its PRelu's output.
[ranges]
{rows}
"""


def main() -> None:
    parser = argparse.ArgumentParser(description="Ranges of SFace's values.")
    parser.add_argument("--data-dir", type=Path, default=Path("data/benchmark-standard"))
    given = parser.parse_args()
    faces = list(aligned_faces(given.data_dir))
    published = given.data_dir / "weights" / "face_recognition_sface_2021dec_int8bq.onnx"
    ranges = ranges_of(in_float(read_model(published)), iter(faces), given.data_dir)
    RANGES.write_text(written(ranges, len(faces)), encoding="utf-8")
    print(f"{len(ranges)} ranges of {len(faces)} faces in {RANGES}")


if __name__ == "__main__":
    main()
