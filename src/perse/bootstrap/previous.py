"""The network whose users are being moved, beside the one in use."""

from __future__ import annotations

from dataclasses import replace

import structlog

from perse.bootstrap.face_networks import open_embedder
from perse.bootstrap.faces import FaceServices, default_similarity, scale_of
from perse.bootstrap.local_points import named_points
from perse.bootstrap.weights import PackOnDisk
from perse.domain.decisions import SimilarityScale
from perse.domain.faces import FaceThresholds
from perse.errors import CatalogInvalid, InvalidParameter, PerseError
from perse.models.cards import ModelCard
from perse.pipelines.comparison import CompareFaces
from perse.pipelines.consent import RecordConsent
from perse.pipelines.moving import CaptureAgain, MoveReference, PreviousNetwork, Recognition
from perse.pipelines.reference_ports import ReferenceStore
from perse.settings import Settings

# A template is replaced only on a similarity that one pair of strangers in so many reaches.
_FMR_OF_A_MOVE = 1e-5


def wire_previous(
    settings: Settings,
    on_disk: PackOnDisk,
    faces: FaceServices,
    references: ReferenceStore,
    consent: RecordConsent,
) -> PreviousNetwork | None:
    """None when nobody is being moved. Raises CatalogInvalid, also for a network that was not
    measured at the false match rate that a move asks for."""
    previous = on_disk.previous
    if previous is None:
        return None
    scale = scale_of(previous.cards["face_embedder"])
    embedder = open_embedder(previous, threads=settings.threads_per_network)
    capture = replace(faces.capture, embedder=embedder)
    return PreviousNetwork(
        Recognition(CompareFaces(capture, scale), _thresholds(settings, previous, faces, scale)),
        MoveReference(
            CaptureAgain(
                faces.capture.embedder, faces.detect.pose, faces.detect.quality, faces.thresholds
            ),
            surely_of(previous.cards["face_embedder"]),
            references,
            consent,
            _log_failure,
        ),
        settings.previous_pack_until,
    )


def _thresholds(
    settings: Settings, previous: PackOnDisk, faces: FaceServices, scale: SimilarityScale
) -> FaceThresholds:
    """Those of the pack in use but for the similarity, which is the previous network's."""
    points = named_points(previous.local_points, similarity="face")
    return replace(
        faces.thresholds,
        similarity=default_similarity(settings, previous, scale),
        similarity_by_fmr=scale.thresholds(),
        operating_points={**faces.thresholds.operating_points, **points},
    )


def surely_of(card: ModelCard) -> float:
    """The similarity from which on a picture may renew a template of that network."""
    try:
        return scale_of(card).threshold(_FMR_OF_A_MOVE)
    except InvalidParameter as problem:
        raise CatalogInvalid(
            f"users of {card.name} are moved at a false match rate of 1e-5: {problem.message}; "
            "measure it at that rate, or set PERSE_PREVIOUS_PACK=none"
        ) from None


def _log_failure(problem: Exception) -> None:
    code = problem.code if isinstance(problem, PerseError) else type(problem).__name__
    structlog.get_logger("perse").warning("reference not moved", code=code)
