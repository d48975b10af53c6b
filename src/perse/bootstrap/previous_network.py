"""The network whose users are being moved, beside the one in use."""

from __future__ import annotations

from dataclasses import replace

import structlog

from perse.bootstrap.faces import FaceServices, default_similarity
from perse.bootstrap.ground import Ground
from perse.bootstrap.local_points import named_points
from perse.bootstrap.similarity import scale_of, surely_of
from perse.bootstrap.weights import PackOnDisk
from perse.domain.faces import FaceThresholds
from perse.domain.resemblance import ResemblanceScale
from perse.errors import PerseError
from perse.pipelines.comparison import CompareFaces
from perse.pipelines.consent import RecordConsent
from perse.pipelines.moving import (
    CaptureAgain,
    Embedders,
    MoveReference,
    PreviousNetwork,
    Recognition,
)
from perse.pipelines.reference_ports import ReferenceStore
from perse.pipelines.timed_parts import TimedFaceEmbedder
from perse.settings import Settings
from perse.weights.packs import recorded_pack


def wire_previous(
    settings: Settings,
    ground: Ground,
    references: ReferenceStore,
    consent: RecordConsent,
) -> PreviousNetwork | None:
    """None when nobody is being moved. Raises CatalogInvalid."""
    faces, previous, embedder = ground.faces, ground.on_disk.previous, ground.previous_embedder
    if previous is None or embedder is None:
        return None
    scale = scale_of(previous.card("face_embedder"))
    capture = replace(faces.capture, embedder=TimedFaceEmbedder(embedder))
    compare = CompareFaces(capture, scale)
    thresholds = _thresholds(settings, previous, faces, scale)
    return PreviousNetwork(
        Recognition(compare, thresholds),
        MoveReference(
            CaptureAgain(faces.capture.embedder, faces.compare.scale, faces.thresholds),
            max(surely_of(previous.card("face_embedder")), thresholds.similarity),
            references,
            consent,
            log_failure,
        ),
        settings.previous_pack_until,
    )


def _thresholds(
    settings: Settings, previous: PackOnDisk, faces: FaceServices, scale: ResemblanceScale
) -> FaceThresholds:
    """Those of the pack in use but for the similarity and what is recognisable, which are the
    previous network's."""
    points = named_points(previous.local_points, similarity="face")
    return replace(
        faces.thresholds,
        similarity=default_similarity(settings, previous, scale),
        similarity_by_fmr=scale.points.thresholds(),
        recognisability=scale.least_recognisability,
        operating_points={**faces.thresholds.operating_points, **points},
    )


def embedders_of(settings: Settings) -> Embedders:
    """As the data folder records them. Raises PackMismatch for a record that cannot be read."""
    recorded = recorded_pack(settings.data_dir)
    previous = recorded.previous if recorded else None
    return Embedders(
        recorded.embedder if recorded else None,
        previous.embedder if previous else None,
        settings.previous_pack_until,
    )


def log_failure(problem: Exception) -> None:
    """Say that a move failed, and nothing of whose it was or what was in it."""
    code = problem.code if isinstance(problem, PerseError) else type(problem).__name__
    structlog.get_logger("perse").warning("reference not moved", code=code)
