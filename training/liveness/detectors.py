"""The same figures with the boxes that serve: both packs' detectors in their own search plans.

    python detectors.py --data D --models M --centerface CENTERFACE.onnx --network N --calibration C

``CENTERFACE.onnx`` is the converted file, as perse.models.convert makes it.
"""

from __future__ import annotations

import argparse
import json
from pathlib import Path

import cv2
import numpy as np
from framing import Sighting, read_rgb
from judges import Judges
from prepare import sources
from robustness import raw_of
from scoring import MINIFAS, OURS, PAIR
from splits import press_part, webcam_parts
from statistics_of_attacks import area_under_curve, rate

from perse.domain.samples import FaceImage, ModelName
from perse.models.centerface import CENTERFACE_PLAN, CenterFaceDetector
from perse.models.session import open_session
from perse.models.yunet import YUNET_PLAN, YunetDetector
from perse.pipelines.face_search import MultiScaleDetector


def largest(detector: MultiScaleDetector, path: Path) -> Sighting | None:
    picture = read_rgb(path)
    faces = detector.detect(FaceImage(picture))
    if not faces:
        return None
    return Sighting(picture, max(faces, key=lambda face: face.box.area).box)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--data", type=Path, default=Path("../shared/data"))
    parser.add_argument("--models", type=Path, default=Path("../shared/models"))
    parser.add_argument("--centerface", type=Path, required=True)
    parser.add_argument("--network", type=Path, required=True)
    parser.add_argument("--calibration", type=Path, required=True)
    parser.add_argument("--every", type=int, default=1)
    options = parser.parse_args()
    cv2.setNumThreads(1)
    cuts = {n: e["raw"] for n, e in json.loads(options.calibration.read_text()).items()}
    judges = Judges(options.models)
    yunet = open_session(options.models / "yunet_n_dynamic.onnx")
    centerface = open_session(options.centerface)
    detectors = {
        "YuNet": MultiScaleDetector(YunetDetector(yunet, ModelName("yunet_n")), YUNET_PLAN),
        "CenterFace": MultiScaleDetector(
            CenterFaceDetector(centerface, ModelName("centerface")), CENTERFACE_PLAN
        ),
    }
    every = sources(options.data)
    webcam = webcam_parts(s.person for s in every if s.origin == "webcam")
    tested = [
        s
        for s in every[:: options.every]
        if (press_part(s.person) if s.origin == "press" else webcam[s.person]) == "test"
    ]
    for detector_name, detector in detectors.items():
        found = [(s, largest(detector, options.data / s.path)) for s in tested]
        seen = [(s, sighting) for s, sighting in found if sighting is not None]
        raw = raw_of([sighting for _, sighting in seen], options.network, judges)
        people = np.array([s.person for s, _ in seen])
        groups = np.array([f"{s.origin} {s.species}" for s, _ in seen])
        print(f"{detector_name}: no face in {len(found) - len(seen)} of {len(found)}")
        for name in (OURS, MINIFAS, PAIR):
            live = groups == "webcam live"
            attack = groups == "webcam printed_photograph"
            for group in np.unique(groups).tolist():
                chosen = groups == group
                wrong = raw[name][chosen] < cuts[name]
                if group == "webcam printed_photograph":
                    wrong = ~wrong
                print(f"  {name:13s} {group:28s} {rate(wrong, people[chosen])}")
            area = area_under_curve(raw[name][live], raw[name][attack])
            print(f"  {name:13s} AUC {area:.4f}")


if __name__ == "__main__":
    main()
