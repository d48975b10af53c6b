"""Catalogue entries become opened networks in their roles."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from functools import partial

import cv2

from perse.bootstrap.adapters import Opener, Part, opened, parameters
from perse.bootstrap.weights import PackOnDisk
from perse.domain.alignment import ChipFrame
from perse.domain.detector_points import DetectorPoints
from perse.domain.five_point_pose import FivePointPose
from perse.networks import yunet
from perse.networks.chip_embedder import ChipInput
from perse.networks.facemesh import FaceMeshPose
from perse.networks.landmark_refiner import CropLandmarkRefiner
from perse.networks.mobilefacenet import mobilefacenet_embedder
from perse.networks.onnx_embedder import own_embedder
from perse.networks.pad_scale import PadScale
from perse.networks.perse_pad import PersePadDetector
from perse.networks.second_look import CloseLooks
from perse.networks.session import Session
from perse.networks.sface import sface_embedder
from perse.networks.yunet import YunetDetector
from perse.pipelines.face_embedding import RefinedEmbedder
from perse.pipelines.face_search import MultiScaleDetector
from perse.pipelines.ports import (
    AttackDetector,
    FaceDetector,
    FaceEmbedder,
    FaceFinder,
    LandmarkRefiner,
    PoseEstimator,
)
from perse.pipelines.upright_search import UprightSearch
from perse.weights.cards import EmbedderInput, ModelCard


@dataclass(frozen=True, slots=True)
class FaceNetworks:
    """One opened copy of each network, however many requests run. ``attacks`` is None where the
    pack has no attack detector."""

    detector: FaceDetector
    embedder: FaceEmbedder
    pose: PoseEstimator
    points: DetectorPoints
    attacks: AttackDetector | None


@dataclass(frozen=True, slots=True)
class _Detection:
    """A detector opened once, in the ways it is used, and where it places its points. ``lenient``:
    with a low threshold, for places where it found something before."""

    search: MultiScaleDetector
    lenient: FaceFinder
    refiner: LandmarkRefiner
    points: DetectorPoints


def open_face_networks(on_disk: PackOnDisk, *, threads: int) -> FaceNetworks:
    """Raises CatalogInvalid for an unknown adapter, NetworkUnusable for a bad file."""
    # OpenCV would split every resize over all cores, which the requests side by side already use.
    cv2.setNumThreads(1)

    open_one = partial(opened, on_disk, threads=threads)
    cards = on_disk.cards
    detection = _detection(on_disk, threads=threads)
    mesh = (
        open_one("face_landmarker", _located_by(_LANDMARKERS, detection.points))
        if "face_landmarker" in cards
        else None
    )
    return FaceNetworks(
        detector=_confirmed(detection, mesh, cards["face_detector"]),
        points=detection.points,
        embedder=_refined(on_disk, detection, threads=threads),
        pose=mesh or FivePointPose(detection.points.head),
        attacks=(
            open_one("face_attack_detector", _ATTACKS) if "face_attack_detector" in cards else None
        ),
    )


def open_embedder(on_disk: PackOnDisk, *, threads: int) -> FaceEmbedder:
    """The face embedder with its own refiner of landmarks, for faces that another detector found.
    Raises as ``open_face_networks``."""
    return _refined(on_disk, _detection(on_disk, threads=threads), threads=threads)


def _detection(on_disk: PackOnDisk, *, threads: int) -> _Detection:
    return opened(on_disk, "face_detector", _DETECTORS, threads=threads)


def _refined(on_disk: PackOnDisk, detection: _Detection, *, threads: int) -> FaceEmbedder:
    openers = _located_by(_EMBEDDERS, detection.points)
    embedder = opened(on_disk, "face_embedder", openers, threads=threads)
    return RefinedEmbedder(detection.refiner, embedder)


def _located_by(
    openers: Mapping[str, Callable[..., Part]], points: DetectorPoints
) -> Mapping[str, Opener[Part]]:
    """Openers of networks that look at faces where a detector's points are."""
    return {adapter: partial(opener, points=points) for adapter, opener in openers.items()}


def _yunet(session: Session, card: ModelCard) -> _Detection:
    search = MultiScaleDetector(YunetDetector(session, card.name), yunet.PLAN)
    lenient = YunetDetector(session, card.name, threshold=yunet.THRESHOLD_OF_A_KNOWN_FACE)
    refiner = CropLandmarkRefiner(lenient, crop_px=yunet.REFINED_ON_PX)
    return _Detection(search, lenient, refiner, yunet.POINTS)


def _confirmed(detection: _Detection, mesh: FaceMeshPose | None, card: ModelCard) -> FaceDetector:
    """With a second look at what is not clear, where somebody has measured what is."""
    if card.confirmation_point is None:
        return detection.search
    looks = CloseLooks(detection.lenient, mesh)
    return UprightSearch(detection.search, looks, card.confirmation_point.rule())


def _own_embedder(session: Session, card: ModelCard, *, points: DetectorPoints) -> FaceEmbedder:
    declared = parameters(EmbedderInput, card)
    frame = ChipFrame(declared.size_px)
    chip = ChipInput(frame, declared.mean, declared.std, bgr=declared.colour == "bgr")
    return own_embedder(session, card.name, chip, own_canon=declared.canon, canon=points.canon)


def _mobilefacenet(session: Session, card: ModelCard, *, points: DetectorPoints) -> FaceEmbedder:
    return mobilefacenet_embedder(session, card.name, canon=points.canon)


def _sface(session: Session, card: ModelCard, *, points: DetectorPoints) -> FaceEmbedder:
    return sface_embedder(session, card.name, canon=points.canon)


def _perse_pad(session: Session, card: ModelCard) -> AttackDetector:
    return PersePadDetector(session, card.name, scale=parameters(PadScale, card))


def _facemesh(session: Session, card: ModelCard, *, points: DetectorPoints) -> FaceMeshPose:
    return FaceMeshPose(session, card.name, points.head)


_DETECTORS: Mapping[str, Opener[_Detection]] = {"yunet": _yunet}
_EMBEDDERS: Mapping[str, Callable[..., FaceEmbedder]] = {
    "mobilefacenet": _mobilefacenet,
    "sface": _sface,
    "onnx_embedder": _own_embedder,
}
_ATTACKS: Mapping[str, Opener[AttackDetector]] = {"perse_pad": _perse_pad}
_LANDMARKERS: Mapping[str, Callable[..., FaceMeshPose]] = {"facemesh": _facemesh}
