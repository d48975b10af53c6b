"""The face pipelines of one pack."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from functools import partial

from perse.bootstrap.face_networks import open_face_networks
from perse.bootstrap.local_points import named_points
from perse.bootstrap.similarity import claims_of, scale_of
from perse.bootstrap.weights import PackOnDisk
from perse.domain.faces import FaceThresholds
from perse.domain.resemblance import ResemblanceScale
from perse.domain.samples import FaceImage
from perse.media.image_decoder import ImageLimits, ImageSize, decode_image, measure_image
from perse.media.quality_assessor import CropQualityAssessor
from perse.pipelines.comparison import CaptureFace, CompareFaces
from perse.pipelines.detection import AssessFace, DetectFaces, FindFaces, Recognise
from perse.pipelines.timed_parts import (
    TimedAttackDetector,
    TimedFaceDetector,
    TimedFaceEmbedder,
    TimedPoseEstimator,
    TimedQualityAssessor,
    timed_decoder,
)
from perse.search.measured import MeasuredFaces
from perse.settings import Settings


@dataclass(frozen=True, slots=True)
class FaceSensing:
    """What comes before any decision: pictures become faces and templates."""

    decode: Callable[[bytes], FaceImage]
    measure: Callable[[bytes], ImageSize]
    capture: CaptureFace


@dataclass(frozen=True, slots=True)
class FaceServices:
    """Everything about faces, of one pack; every call blocks and may run beside others,
    but for ``measure``, which takes microseconds."""

    decode: Callable[[bytes], FaceImage]
    measure: Callable[[bytes], ImageSize]
    detect: DetectFaces
    capture: CaptureFace
    compare: CompareFaces
    thresholds: FaceThresholds
    searched: MeasuredFaces


def wire_faces(settings: Settings, on_disk: PackOnDisk) -> FaceServices:
    """Open the face networks of a pack and put the pipelines together."""
    embedder = on_disk.card("face_embedder")
    scale = scale_of(embedder)
    sensing = wire_face_sensing(settings, on_disk)
    capture = sensing.capture
    recognise = Recognise(capture.embedder, scale)
    asked = settings.detect_recognisability and scale.tells_recognisability
    return FaceServices(
        decode=sensing.decode,
        measure=sensing.measure,
        detect=DetectFaces(capture.find, capture.assess, recognise if asked else None),
        capture=capture,
        compare=CompareFaces(capture, scale),
        thresholds=_thresholds(settings, on_disk, scale),
        searched=MeasuredFaces(embedder.name, claims_of(embedder), scale),
    )


def wire_face_sensing(settings: Settings, on_disk: PackOnDisk) -> FaceSensing:
    """The same without thresholds: also for networks that nobody has measured yet."""
    networks = open_face_networks(on_disk, threads=settings.threads_per_network)
    find = FindFaces(TimedFaceDetector(networks.detector), settings.max_faces)
    limits = ImageLimits(max_pixels=settings.max_image_pixels)
    assess = AssessFace(
        TimedPoseEstimator(networks.pose),
        TimedQualityAssessor(CropQualityAssessor()),
        TimedAttackDetector(networks.attacks) if networks.attacks else None,
    )
    return FaceSensing(
        decode=timed_decoder(partial(decode_image, limits=limits)),
        measure=partial(measure_image, limits=limits),
        capture=CaptureFace(find, assess, TimedFaceEmbedder(networks.embedder)),
    )


def default_similarity(settings: Settings, on_disk: PackOnDisk, scale: ResemblanceScale) -> float:
    """From which similarity on two faces are taken for one person's."""
    return scale.points.threshold(settings.face_fmr or on_disk.pack.default_fmr)


def _thresholds(settings: Settings, on_disk: PackOnDisk, scale: ResemblanceScale) -> FaceThresholds:
    quality, attack = on_disk.pack.quality, on_disk.cards.get("face_attack_detector")
    point = attack.attack_point if attack else None
    return FaceThresholds(
        underexposure=quality.underexposure,
        overexposure=quality.overexposure,
        sharpness=quality.sharpness,
        colour=quality.colour,
        rotation=quality.rotation,
        similarity=default_similarity(settings, on_disk, scale),
        similarity_by_fmr=scale.points.thresholds(),
        liveness=point.score if point else None,
        recognisability=scale.least_recognisability,
        operating_points=named_points(
            on_disk.local_points, similarity="face", **({"liveness": "liveness"} if point else {})
        ),
    )
