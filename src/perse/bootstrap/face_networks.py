"""Catalogue entries become opened networks in their roles."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from functools import partial
from typing import TypeVar

import cv2
from pydantic import TypeAdapter, ValidationError

from perse.bootstrap.weights import PackOnDisk
from perse.domain.alignment import CANON_BY_DETECTOR, ChipFrame, Places
from perse.domain.five_point_pose import HEAD_BY_DETECTOR, FivePointPose
from perse.errors import CatalogInvalid
from perse.networks.chip_embedder import ChipInput
from perse.networks.facemesh import FaceMeshPose
from perse.networks.landmark_refiner import CropLandmarkRefiner
from perse.networks.mobilefacenet import MobileFaceNetEmbedder
from perse.networks.onnx_embedder import OnnxFaceEmbedder
from perse.networks.pad_scale import PadScale
from perse.networks.perse_pad import PersePadDetector
from perse.networks.session import Session, open_session
from perse.networks.sface import SFaceEmbedder
from perse.networks.yunet import YUNET_PLAN, YunetDetector
from perse.pipelines.face_embedding import RefinedEmbedder
from perse.pipelines.face_search import MultiScaleDetector
from perse.pipelines.ports import (
    AttackDetector,
    FaceDetector,
    FaceEmbedder,
    LandmarkRefiner,
    PoseEstimator,
)
from perse.weights.cards import EmbedderInput, ModelCard, Role

Part = TypeVar("Part")

# That there is a face is settled when its landmarks are located anew.
_THRESHOLD_OF_A_KNOWN_FACE = 0.3
# On smaller crops YuNet 2023mar places the eyes of a tilted face too level (docs/detection.md).
_REFINED_ON_PX = 256


@dataclass(frozen=True, slots=True)
class FaceNetworks:
    """One opened copy of each network, however many requests run. ``attacks`` is None where the
    pack has no attack detector."""

    detector: FaceDetector
    embedder: FaceEmbedder
    pose: PoseEstimator
    attacks: AttackDetector | None


@dataclass(frozen=True, slots=True)
class _Detection:
    """A detector opened once, in the two ways it is used."""

    search: FaceDetector
    refiner: LandmarkRefiner


def open_face_networks(on_disk: PackOnDisk, *, threads: int) -> FaceNetworks:
    """Raises CatalogInvalid for an unknown adapter, NetworkUnusable for a bad file."""

    # OpenCV would split every resize over all cores, which the requests side by side already use.
    cv2.setNumThreads(1)

    def opened(role: Role, openers: Mapping[str, Callable[[Session, ModelCard], Part]]) -> Part:
        return _opened(on_disk, role, openers, threads=threads)

    cards = on_disk.cards
    detection = opened("face_detector", _DETECTORS)
    return FaceNetworks(
        detector=detection.search,
        embedder=_refined(on_disk, detection.refiner, threads=threads),
        pose=opened("face_landmarker", _POSES)
        if "face_landmarker" in cards
        else _five_point_pose(cards["face_detector"]),
        attacks=(
            opened("face_attack_detector", _ATTACKS) if "face_attack_detector" in cards else None
        ),
    )


def open_embedder(on_disk: PackOnDisk, *, threads: int) -> FaceEmbedder:
    """The face embedder with its own refiner of landmarks, for faces that another detector found.
    Raises as ``open_face_networks``."""
    detection = _opened(on_disk, "face_detector", _DETECTORS, threads=threads)
    return _refined(on_disk, detection.refiner, threads=threads)


def _refined(on_disk: PackOnDisk, refiner: LandmarkRefiner, *, threads: int) -> FaceEmbedder:
    canon = CANON_BY_DETECTOR[on_disk.cards["face_detector"].adapter]
    openers = {adapter: partial(opener, canon=canon) for adapter, opener in _EMBEDDERS.items()}
    return RefinedEmbedder(refiner, _opened(on_disk, "face_embedder", openers, threads=threads))


def _opened(
    on_disk: PackOnDisk,
    role: Role,
    openers: Mapping[str, Callable[[Session, ModelCard], Part]],
    *,
    threads: int,
) -> Part:
    opener = _opener(openers, on_disk.cards[role])
    session = open_session(on_disk.paths[role], on_disk.digests[role], threads=threads)
    return opener(session, on_disk.cards[role])


def _opener(openers: Mapping[str, Part], card: ModelCard) -> Part:
    try:
        return openers[card.adapter]
    except KeyError:
        raise CatalogInvalid(
            f"{card.name}: there is no {card.role} adapter {card.adapter!r}; "
            f"there are {', '.join(sorted(openers))}"
        ) from None


def _yunet(session: Session, card: ModelCard) -> _Detection:
    search = MultiScaleDetector(YunetDetector(session, card.name), YUNET_PLAN)
    lenient = YunetDetector(session, card.name, threshold=_THRESHOLD_OF_A_KNOWN_FACE)
    return _Detection(search, CropLandmarkRefiner(lenient, crop_px=_REFINED_ON_PX))


def _own_embedder(session: Session, card: ModelCard, *, canon: Places) -> FaceEmbedder:
    declared = _parameters(EmbedderInput, card)
    chip = ChipInput(
        ChipFrame(declared.size_px), declared.mean, declared.std, bgr=declared.colour == "bgr"
    )
    return OnnxFaceEmbedder(session, card.name, chip, own_canon=declared.canon, canon=canon)


def _mobilefacenet(session: Session, card: ModelCard, *, canon: Places) -> FaceEmbedder:
    return MobileFaceNetEmbedder(session, card.name, canon=canon)


def _sface(session: Session, card: ModelCard, *, canon: Places) -> FaceEmbedder:
    return SFaceEmbedder(session, card.name, canon=canon)


def _perse_pad(session: Session, card: ModelCard) -> AttackDetector:
    return PersePadDetector(session, card.name, scale=_parameters(PadScale, card))


def _parameters(kind: type[Part], card: ModelCard) -> Part:
    try:
        return TypeAdapter(kind).validate_python(dict(card.parameters))
    except ValidationError as error:
        fields = ", ".join(str(problem["loc"][0]) for problem in error.errors())
        raise CatalogInvalid(f"{card.name}: these parameters are no good: {fields}") from None


def _five_point_pose(detector: ModelCard) -> PoseEstimator:
    return FivePointPose(HEAD_BY_DETECTOR[detector.adapter])


def _facemesh(session: Session, card: ModelCard) -> PoseEstimator:
    return FaceMeshPose(session, card.name)


_DETECTORS: Mapping[str, Callable[[Session, ModelCard], _Detection]] = {"yunet": _yunet}
_EMBEDDERS: Mapping[str, Callable[..., FaceEmbedder]] = {
    "mobilefacenet": _mobilefacenet,
    "sface": _sface,
    "onnx_embedder": _own_embedder,
}
_ATTACKS: Mapping[str, Callable[[Session, ModelCard], AttackDetector]] = {"perse_pad": _perse_pad}
_POSES: Mapping[str, Callable[[Session, ModelCard], PoseEstimator]] = {"facemesh": _facemesh}
