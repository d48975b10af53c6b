"""Give a user whom the previous network recognised a template of the network in use."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace
from datetime import date, datetime

from perse.domain.access import Caller
from perse.domain.consent import Declaration, Processing
from perse.domain.faces import CapturedFace, FaceComparison, FaceThresholds
from perse.domain.references import BiometricReference
from perse.domain.resemblance import ResemblanceScale
from perse.domain.samples import FaceImage, ModelName
from perse.domain.verdicts import is_recognisable, is_surely_live
from perse.pipelines.comparison import CompareFaces
from perse.pipelines.consent import RecordConsent
from perse.pipelines.enrolment import CapturedReference, quality_of
from perse.pipelines.ports import FaceEmbedder
from perse.pipelines.reference_ports import ReferenceStore


@dataclass(frozen=True, slots=True)
class Recognition:
    """How one network tells whether a face is a user's."""

    compare: CompareFaces
    thresholds: FaceThresholds


@dataclass(frozen=True, slots=True)
class Sighting:
    """A user's reference, and the picture that was compared with it."""

    reference: BiometricReference
    image: FaceImage
    probe: CapturedFace
    comparison: FaceComparison


@dataclass(frozen=True, slots=True)
class PreviousNetwork:
    """The network whose users are being moved. ``until``: the last day, UTC; None = no last day."""

    recognition: Recognition
    move: Callable[[Caller, Sighting, Declaration], bool]
    until: date | None = None

    def compares(self, model: ModelName, *, at: datetime) -> bool:
        """Whether it is the network that made templates of ``model``, and its time is not over."""
        network = self.recognition.compare.capture.embedder.model
        return model == network and not is_over(self.until, at)


@dataclass(frozen=True, slots=True)
class Embedders:
    """The network whose templates a data folder makes, None before it is set up, and the one
    whose users are being moved. ``until``: the last day of that."""

    in_use: str | None
    previous: str | None
    until: date | None

    def outlook(self, network: str, *, at: datetime) -> str:
        """What becomes of a user of ``network``; nothing to say of the one in use."""
        if self.in_use is None or network == self.in_use:
            return ""
        if not self.compares(network, at=at):
            return "not comparable: update"
        until = f", until {self.until}" if self.until else ""
        return f"moves when recognised{until}"

    def compares(self, network: str, *, at: datetime) -> bool:
        """Whether a user of ``network`` can be compared."""
        if self.in_use is None or network == self.in_use:
            return True
        return network == self.previous and not is_over(self.until, at)


def is_over(last_day: date | None, at: datetime) -> bool:
    """Whether the time for moving users is over; ``at`` in UTC, None = it has no end."""
    return last_day is not None and at.date() > last_day


@dataclass(frozen=True, slots=True)
class CaptureAgain:
    """The template of a face already found, by the network in use. ``thresholds``: for its quality
    and liveness."""

    embedder: FaceEmbedder
    scale: ResemblanceScale
    thresholds: FaceThresholds

    def __call__(self, image: FaceImage, probe: CapturedFace) -> CapturedReference | None:
        """None unless the face is live, well lit, sharp, near, turned to the camera and such that
        it would be recognised again."""
        if not is_surely_live(probe.assessed, self.thresholds):
            return None
        template = self.embedder.embed(image, probe.face.landmarks)
        recognisability = self.scale.recognisability(template)
        face = replace(probe.assessed, recognisability=recognisability)
        if not is_recognisable(face, self.thresholds):
            return None
        return CapturedReference(template, quality_of(face))


@dataclass(frozen=True, slots=True)
class MoveReference:
    """Use case: from a picture that the previous network surely recognised, keep a template of the
    network in use in the place of the old one. Whether that was done.

    ``surely``: the similarity from which on that is so. When anything fails, nothing has changed:
    ``failed`` hears of it, the caller does not. Neither the time of the last update nor the count
    of failed comparisons is touched: the user asked for no update.
    """

    capture: CaptureAgain
    surely: float
    references: ReferenceStore
    consent: RecordConsent
    failed: Callable[[Exception], None]

    def __call__(self, caller: Caller, seen: Sighting, declaration: Declaration) -> bool:
        try:
            return self._moved(caller, seen, declaration)
        except Exception as problem:  # the comparison stands, whatever became of the move
            self.failed(problem)
            return False

    def _moved(self, caller: Caller, seen: Sighting, declaration: Declaration) -> bool:
        if not self.is_sure(seen.comparison):
            return False
        captured = self.capture(seen.image, seen.probe)
        return captured is not None and self.put(caller, seen.reference, captured, declaration)

    def is_sure(self, compared: FaceComparison) -> bool:
        """Whether a user was recognised well enough to be moved."""
        return compared.assessable and compared.similarity >= self.surely

    def put(
        self,
        caller: Caller,
        before: BiometricReference,
        captured: CapturedReference,
        declaration: Declaration,
    ) -> bool:
        """Let ``captured`` take the place of ``before``; False when that has changed meanwhile.
        Raises UserTokenNotFound, StorageUnavailable."""
        record = replace(before.record, model=captured.template.model, quality=captured.quality)
        after = BiometricReference(record, captured.template)
        entry = self.consent.entry(caller, Processing.MOVE, declaration, record.user_token)
        return self.references.move(before, after, entry=entry)
