"""Where each detector places its five points on the common frame: its canon, without labels.

    python benchmarks/face_canons.py --pack standard --faces ../shared/data/faces_dev

The landmarks are those of the pack's detector after the landmark refiner. Prints the canon for
the detector's file in src/perse/networks, and how far it is from the one there.
"""

from __future__ import annotations

import argparse
from pathlib import Path

import numpy as np

from perse.bootstrap.face_networks import FaceNetworks, open_face_networks
from perse.bootstrap.weights import obtain_networks
from perse.domain.alignment import fitted_canon
from perse.domain.geometry import Landmarks
from perse.domain.samples import FaceImage
from perse.evaluation.sample_files import PICTURES, folder_per_person
from perse.media.image_decoder import decode_image
from perse.pipelines.face_embedding import RefinedEmbedder
from perse.settings import load_settings


def main() -> None:
    arguments = _arguments()
    on_disk = obtain_networks(load_settings(pack=arguments.pack, data_dir=arguments.data_dir))
    networks = open_face_networks(on_disk, threads=1)
    files = folder_per_person(arguments.faces, PICTURES).files
    found = [_refined(networks, decode_image(file.path.read_bytes())) for file in files]
    faces = np.array([face.points for face in found if face], np.float64)
    canon = fitted_canon(faces)
    adapter = on_disk.cards["face_detector"].adapter
    moved = np.abs(canon - networks.points.canon).max()
    print(f"{adapter}: {len(faces)} faces of {len(files)} pictures of {arguments.faces.name}")
    print(np.round(canon, 2).tolist())
    print(f"farthest from the one in use: {moved:.2f} px of 112")


def _refined(networks: FaceNetworks, image: FaceImage) -> Landmarks | None:
    faces = networks.detector.detect(image)
    if not faces or not isinstance(networks.embedder, RefinedEmbedder):
        return None
    middle = np.array((image.width_px, image.height_px)) / 2
    nearest = min(faces, key=lambda face: float(np.hypot(*(np.array(face.box.centre) - middle))))
    return networks.embedder.refiner.refine(image, nearest.landmarks)


def _arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description="The canon of a pack's detector.")
    parser.add_argument("--pack", choices=("standard", "compact"), default="standard")
    parser.add_argument("--faces", type=Path, default=Path("../shared/data/faces_dev"))
    parser.add_argument("--data-dir", type=Path, help="where its weights are or will be")
    arguments = parser.parse_args()
    arguments.data_dir = arguments.data_dir or Path("data") / f"benchmark-{arguments.pack}"
    return arguments


if __name__ == "__main__":
    main()
