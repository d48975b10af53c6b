"""The serving pipelines as an evaluation asks for them: a file in, a template and measures out."""

from __future__ import annotations

import hashlib
from collections.abc import Callable
from dataclasses import asdict, dataclass, replace
from datetime import UTC, datetime
from functools import partial
from pathlib import Path

import perse
from perse.bootstrap.faces import FaceSensing, wire_face_sensing
from perse.bootstrap.local_points import ROLES_BY_KIND, made_with
from perse.bootstrap.similarity import claims_of
from perse.bootstrap.voices import VoiceSensing, wire_voice_sensing
from perse.bootstrap.weights import PackOnDisk
from perse.domain.decisions import SimilarityScale, similarity_at_fmr
from perse.domain.identification import SearchClaims
from perse.domain.recognisability import Recognisability
from perse.domain.samples import FaceImage
from perse.domain.stranger_spread import SpreadCorrection
from perse.errors import InvalidParameter, LivenessUnavailable, SetupError
from perse.evaluation.acquisition import Acquire, Acquired
from perse.evaluation.local_points import Kind
from perse.evaluation.results import Provenance
from perse.evaluation.treatments import TREATMENTS, Treatment
from perse.pipelines.comparison import Picture
from perse.pipelines.voice import Recording
from perse.settings import Settings
from perse.weights.cards import ModelCard, Role
from perse.weights.recognisability import shipped_recognisability

_FACE_ROLES: tuple[Role, ...] = (
    "face_detector",
    "face_embedder",
    "face_landmarker",
    "face_attack_detector",
)


@dataclass(frozen=True, slots=True)
class Evaluated:
    """A kind of pipeline, opened. ``cache_name``: another one wherever templates may differ.
    ``default_fmr`` is what the server aims at; ``served`` is its threshold now (cosine or PAD
    score), None where it has none. ``correction``: of voices only; ``recognisability``: of faces
    whose embedder was measured for it. ``acquire_treated``: of faces only. ``claims``: of searches
    for faces, where the embedder has operating points."""

    kind: Kind
    on_disk: PackOnDisk
    acquire: Acquire
    cache_name: str
    default_fmr: float
    served: float | None
    correction: SpreadCorrection | None = None
    recognisability: Recognisability | None = None
    acquire_treated: Callable[[Treatment, bytes], Acquired] | None = None
    claims: SearchClaims | None = None

    def treated(self, name: str) -> Evaluated:
        """The same of treated pictures. Raises InvalidParameter for an unknown treatment."""
        if self.acquire_treated is None or name not in TREATMENTS:
            known = ", ".join(TREATMENTS)
            raise InvalidParameter(f"{name} is no treatment and no folder; treatments are {known}")
        acquire = partial(self.acquire_treated, TREATMENTS[name])
        return replace(self, acquire=acquire, cache_name=f"{self.cache_name}-{name}")

    @property
    def network(self) -> str:
        """Which made the templates."""
        role: Role = "speaker_embedder" if self.kind == "voice" else "face_embedder"
        return self.on_disk.cards[role].name

    def provenance(self, source: Path) -> Provenance:
        cards = self.on_disk.cards
        roles = ROLES_BY_KIND[self.kind]
        return Provenance(
            kind=self.kind,
            source=source.name or str(source.absolute().name),
            pack=self.on_disk.pack.name,
            networks={role: cards[role].name for role in roles},
            made_with=made_with(cards, *roles),
            version=perse.__version__,
            at=datetime.now(UTC).isoformat(timespec="seconds"),
        )


def evaluated(kind: Kind, settings: Settings, on_disk: PackOnDisk) -> Evaluated:
    """Open the pipelines of that kind. Raises SetupError, LivenessUnavailable."""
    openers = {"face": _faces, "voice": _voices, "liveness": _liveness}
    return openers[kind](settings, on_disk)


def _faces(settings: Settings, on_disk: PackOnDisk) -> Evaluated:
    sensing = wire_face_sensing(settings, on_disk)
    embedder = on_disk.cards["face_embedder"]
    model = shipped_recognisability(embedder.name)
    fmr = settings.face_fmr or on_disk.pack.default_fmr
    return Evaluated(
        kind="face",
        on_disk=on_disk,
        acquire=partial(_acquire_face, sensing, model),
        cache_name=_cache_name("faces", on_disk, _FACE_ROLES, fitted=model),
        default_fmr=fmr,
        served=_served(embedder, fmr),
        recognisability=model,
        acquire_treated=partial(_acquire_treated, sensing, model),
        claims=claims_of(embedder) if embedder.operating_points else None,
    )


def _liveness(settings: Settings, on_disk: PackOnDisk) -> Evaluated:
    card = on_disk.cards.get("face_attack_detector")
    if card is None:
        raise LivenessUnavailable(
            f"the pack {on_disk.pack.name} has no attack detector, so there is no liveness to "
            "evaluate: choose another with --pack"
        )
    sensing = wire_face_sensing(settings, on_disk)
    return Evaluated(
        kind="liveness",
        on_disk=on_disk,
        acquire=partial(_acquire_face, sensing, None),
        cache_name=_cache_name("faces", on_disk, _FACE_ROLES),
        default_fmr=on_disk.pack.default_fmr,
        served=card.attack_point.score if card.attack_point else None,
    )


def _voices(settings: Settings, on_disk: PackOnDisk) -> Evaluated:
    sensing = wire_voice_sensing(settings, on_disk)
    if sensing is None:
        raise SetupError(f"the pack {on_disk.pack.name} has no networks for voices")
    fmr = settings.voice_fmr or on_disk.pack.default_voice_fmr
    return Evaluated(
        kind="voice",
        on_disk=on_disk,
        acquire=partial(_acquire_voice, sensing),
        cache_name=_cache_name("voices", on_disk, ROLES_BY_KIND["voice"]),
        default_fmr=fmr,
        served=_served(on_disk.cards["speaker_embedder"], fmr),
        correction=sensing.correction,
    )


def _acquire_face(sensing: FaceSensing, model: Recognisability | None, content: bytes) -> Acquired:
    return _measured(sensing, model, sensing.decode(content))


def _acquire_treated(
    sensing: FaceSensing, model: Recognisability | None, treatment: Treatment, content: bytes
) -> Acquired:
    """Raises NoFaceDetected also where the picture as it was shows none."""
    image = sensing.decode(content)
    face = sensing.capture.find.largest(image, name="the picture before it was treated")
    pixels = treatment(image.pixels, face.landmarks.points)
    return _measured(sensing, model, FaceImage(pixels, grey=image.grey))


def _measured(sensing: FaceSensing, model: Recognisability | None, image: FaceImage) -> Acquired:
    captured = sensing.capture(Picture("the picture", lambda: image))
    metrics = captured.assessed.metrics
    measures = {
        "underexposure": metrics.underexposure,
        "overexposure": metrics.overexposure,
        "sharpness": metrics.sharpness,
        "colour": metrics.colour,
        "rotation": metrics.rotation,
        "inter_eye_px": captured.face.landmarks.inter_eye_distance_px(),
    }
    recognisability = model.of(captured.template) if model else None
    if recognisability is not None:
        measures["recognisability"] = recognisability
    pad = captured.pad.value if captured.pad else None
    return Acquired(captured.template.vector, measures, pad)


def _acquire_voice(sensing: VoiceSensing, content: bytes) -> Acquired:
    sample = sensing.decode(content)
    captured = sensing.capture(Recording("the recording", lambda: sample))
    return Acquired(captured.template.vector, asdict(captured.quality))


def _served(card: ModelCard, fmr: float) -> float | None:
    if card.operating_points is None:
        return None
    return SimilarityScale(card.operating_points.points).cosine(similarity_at_fmr(fmr))


def _cache_name(
    what: str,
    on_disk: PackOnDisk,
    roles: tuple[Role, ...],
    *,
    fitted: Recognisability | None = None,
) -> str:
    # One network in floats and in integers: the thresholds are the same, the templates nearly.
    run = "".join(on_disk.digests[role] for role in roles if role in on_disk.digests)
    form = hashlib.sha256(run.encode()).hexdigest()[:8]
    name = f"{what}-{perse.__version__}-{made_with(on_disk.cards, *roles)}-{form}"
    return f"{name}-{fitted.digest}" if fitted else name
