"""Catalogue entries become opened networks in their roles."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import TypeVar

import cv2
from pydantic import TypeAdapter, ValidationError

from perse.bootstrap.weights import PackOnDisk
from perse.domain.alignment import CANON_BY_DETECTOR, Places
from perse.domain.five_point_pose import HEAD_BY_DETECTOR, FivePointPose
from perse.errors import CatalogInvalid
from perse.models.cards import EmbedderInput, ModelCard, Role
from perse.models.facemesh import FaceMeshPose
from perse.models.landmark_refiner import CropLandmarkRefiner
from perse.models.mobilefacenet import MobileFaceNetEmbedder
from perse.models.onnx_embedder import OnnxFaceEmbedder
from perse.models.pad_scale import PadScale
from perse.models.perse_pad import PersePadDetector
from perse.models.session import Session, open_session
from perse.models.sface import SFaceEmbedder
from perse.models.yunet import YUNET_PLAN, YunetDetector
from perse.pipelines.face_embedding import RefinedEmbedder
from perse.pipelines.face_search import MultiScaleDetector
from perse.pipelines.ports import (
    AttackDetector,
    FaceDetector,
    FaceEmbedder,
    LandmarkRefiner,
    PoseEstimator,
)

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

    def session_of(role: Role) -> Session:
        return open_session(on_disk.paths[role], on_disk.digests[role], threads=threads)

    def opened(role: Role, openers: Mapping[str, Callable[[Session, ModelCard], Part]]) -> Part:
        return _opener(openers, on_disk.cards[role])(session_of(role), on_disk.cards[role])

    cards = on_disk.cards
    detection = opened("face_detector", _DETECTORS)
    canon = CANON_BY_DETECTOR[cards["face_detector"].adapter]
    embedder = _opener(_EMBEDDERS, cards["face_embedder"])
    return FaceNetworks(
        detector=detection.search,
        embedder=RefinedEmbedder(
            detection.refiner,
            embedder(session_of("face_embedder"), cards["face_embedder"], canon),
        ),
        pose=opened("face_landmarker", _POSES)
        if "face_landmarker" in cards
        else _five_point_pose(cards["face_detector"]),
        attacks=(
            opened("face_attack_detector", _ATTACKS) if "face_attack_detector" in cards else None
        ),
    )


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


def _own_embedder(session: Session, card: ModelCard, canon: Places) -> FaceEmbedder:
    return OnnxFaceEmbedder(session, card.name, _parameters(EmbedderInput, card), canon=canon)


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
_EMBEDDERS: Mapping[str, Callable[[Session, ModelCard, Places], FaceEmbedder]] = {
    "mobilefacenet": lambda session, card, canon: MobileFaceNetEmbedder(
        session, card.name, canon=canon
    ),
    "sface": lambda session, card, canon: SFaceEmbedder(session, card.name, canon=canon),
    "onnx_embedder": _own_embedder,
}
_ATTACKS: Mapping[str, Callable[[Session, ModelCard], AttackDetector]] = {"perse_pad": _perse_pad}
_POSES: Mapping[str, Callable[[Session, ModelCard], PoseEstimator]] = {"facemesh": _facemesh}
