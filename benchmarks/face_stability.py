"""How well a face keeps its template when its picture is changed, with and without the refiner.

    python benchmarks/face_stability.py --pack standard --faces ../shared/data/faces_dev --every 20

Needs no labels: each picture is compared with changed copies of itself. Prints the median and the
5th percentile of the cosine over the pictures.
"""

from __future__ import annotations

import argparse
from collections.abc import Callable
from pathlib import Path

import cv2
import numpy as np

from perse.bootstrap.face_networks import open_face_networks
from perse.bootstrap.weights import obtain_networks
from perse.domain.references import Template
from perse.domain.samples import FaceImage, Pixels
from perse.evaluation.sample_files import PICTURES, folder_per_person
from perse.media.image_decoder import decode_image
from perse.pipelines.face_embedding import RefinedEmbedder
from perse.pipelines.ports import FaceDetector, FaceEmbedder
from perse.settings import load_settings

Guise = Callable[[Pixels], Pixels]


def resized(times: float) -> Guise:
    kind = cv2.INTER_AREA if times < 1 else cv2.INTER_CUBIC
    return lambda pixels: np.asarray(
        cv2.resize(pixels, None, fx=times, fy=times, interpolation=kind), np.uint8
    )


def turned(degrees: float) -> Guise:
    def turn(pixels: Pixels) -> Pixels:
        height, width = pixels.shape[:2]
        matrix = cv2.getRotationMatrix2D((width / 2, height / 2), degrees, 1.0)
        edge = cv2.BORDER_REPLICATE
        return np.asarray(
            cv2.warpAffine(pixels, matrix, (width, height), borderMode=edge), np.uint8
        )

    return turn


def saved_badly(pixels: Pixels) -> Pixels:
    _, file = cv2.imencode(".jpg", pixels, [cv2.IMWRITE_JPEG_QUALITY, 50])
    return np.asarray(cv2.imdecode(file, cv2.IMREAD_COLOR), np.uint8)


GUISES: dict[str, Guise] = {
    "half the size": resized(0.5),
    "three quarters": resized(0.75),
    "2.7 times the size": resized(2.7),
    "4.4 times the size": resized(4.4),
    "turned by 15 degrees": turned(15),
    "turned by -30 degrees": turned(-30),
    "mirrored": lambda pixels: np.ascontiguousarray(pixels[:, ::-1]),
    "blurred, sigma 1 px": lambda pixels: np.asarray(cv2.GaussianBlur(pixels, (0, 0), 1), np.uint8),
    "saved as JPEG 50": saved_badly,
}


def template(detector: FaceDetector, embedder: FaceEmbedder, pixels: Pixels) -> Template | None:
    image = FaceImage(pixels)
    middle = np.array((image.width_px, image.height_px)) / 2
    faces = detector.detect(image)
    if not faces:
        return None
    nearest = min(faces, key=lambda face: float(np.hypot(*(np.array(face.box.centre) - middle))))
    return embedder.embed(image, nearest.landmarks)


def main() -> None:
    arguments = _arguments()
    on_disk = obtain_networks(load_settings(pack=arguments.pack, data_dir=arguments.data_dir))
    networks = open_face_networks(on_disk, threads=1)
    refined = networks.embedder
    assert isinstance(refined, RefinedEmbedder)
    files = folder_per_person(arguments.faces, PICTURES).files[:: arguments.every]
    pictures = [decode_image(file.path.read_bytes()).pixels for file in files]
    print(f"{arguments.pack}: {len(pictures)} pictures of {arguments.faces.name}")
    print(f"{'':24}without refiner   with refiner")
    plain = [template(networks.detector, refined.embedder, pixels) for pixels in pictures]
    usual = [template(networks.detector, refined, pixels) for pixels in pictures]
    for name, guise in GUISES.items():
        columns = []
        for embedder, before in ((refined.embedder, plain), (refined, usual)):
            after = [template(networks.detector, embedder, guise(pixels)) for pixels in pictures]
            pairs = zip(before, after, strict=True)
            cosines = [one.cosine(other) for one, other in pairs if one and other]
            columns.append(f"{np.median(cosines):.3f} ({np.percentile(cosines, 5):.3f})")
        print(f"{name:24}{columns[0]:18}{columns[1]}", flush=True)


def _arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description="Templates of changed copies of a picture.")
    parser.add_argument("--pack", choices=("standard", "compact"), default="standard")
    parser.add_argument("--faces", type=Path, default=Path("../shared/data/faces_dev"))
    parser.add_argument("--every", type=int, default=20, help="take every n-th picture")
    parser.add_argument("--data-dir", type=Path, help="where its weights are or will be")
    arguments = parser.parse_args()
    arguments.data_dir = arguments.data_dir or Path("data") / f"benchmark-{arguments.pack}"
    return arguments


if __name__ == "__main__":
    main()
