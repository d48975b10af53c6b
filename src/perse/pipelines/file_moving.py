"""Move people to the network in use by pictures of them that lie in files."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from contextlib import suppress
from dataclasses import dataclass

from perse.domain.access import Caller
from perse.domain.consent import Declaration, Processing
from perse.domain.references import BiometricReference, Template, UserToken, parse_user_token
from perse.domain.samples import FaceImage, ModelName
from perse.domain.subjects import parse_external_id
from perse.errors import (
    ChangedMeanwhile,
    ImageUnusable,
    InputError,
    InvalidParameter,
    ReferenceModelMismatch,
    SampleError,
    UserTokenNotFound,
)
from perse.pipelines.comparison import Picture
from perse.pipelines.consent import RecordConsent
from perse.pipelines.enrolment import CapturedReference
from perse.pipelines.moving import MoveReference, Recognition, Sighting
from perse.pipelines.reference_ports import ReferenceStore
from perse.pipelines.subject_import import FileOfSubject, Refused
from perse.pipelines.subject_ports import SubjectStore

# The same picture, seen by another processor, has a template this near to its own.
_SAME_PICTURE = 0.9999
_TRIES = 3


@dataclass(frozen=True, slots=True)
class Moved:
    """``anew``: False where there was nothing to do for this file."""

    user_token: UserToken
    anew: bool


MoveOutcome = Moved | Refused


@dataclass(frozen=True, slots=True)
class MoveFile:
    """Use case: of the faces that a person has of the previous network, move the one that a
    picture surely shows, the likest first: its template is made of that picture by the network in
    use. ``person`` of a file is an external id, else a user token.

    A picture that a face of the network in use was made of already moves nothing, so that the same
    file moves one face, however often it comes. ``recognition``: the previous network's.
    Comparisons here count as nobody's guesses: the operator has the pictures. Content that cannot
    serve is an outcome; raises what is nobody's fault, such as StorageUnavailable.
    """

    subjects: SubjectStore
    references: ReferenceStore
    consent: RecordConsent
    recognition: Recognition
    move: MoveReference
    decode: Callable[[bytes], FaceImage]

    def __call__(
        self, caller: Caller, file: FileOfSubject, declaration: Declaration
    ) -> MoveOutcome:
        try:
            return self._moved(caller, file, declaration)
        except OSError as error:
            return Refused("unreadable", f"the file cannot be read: {error.strerror}")
        except (InputError, SampleError) as error:
            return Refused(error.code, error.message)

    def _moved(self, caller: Caller, file: FileOfSubject, declaration: Declaration) -> Moved:
        token = self._token(caller, file.person)
        if not self._left(self.references.faces(caller.tenant_id, token)):
            return Moved(token, anew=False)
        entry = self.consent.entry(caller, Processing.MOVE, declaration, token)
        with self.consent.with_change(entry):
            image = self.decode(file.read())
            for _ in range(_TRIES):
                faces = self.references.faces(caller.tenant_id, token)
                left = self._left(faces)
                seen, captured = self._seen(file.name, image, left) if left else (None, None)
                if seen is None or captured is None or _is_among(captured.template, faces):
                    self.consent.begin(entry).result()
                    return Moved(token, anew=False)
                if self.move.put(caller, seen.reference, captured, declaration):
                    return Moved(token, anew=True)
        raise ChangedMeanwhile("this person was changed again and again: run it once more")

    def _token(self, caller: Caller, person: str) -> UserToken:
        with suppress(UserTokenNotFound):
            found = self.subjects.with_external_id(caller.tenant_id, parse_external_id(person))
            return found.user_token
        with suppress(InvalidParameter):
            return parse_user_token(person)
        raise UserTokenNotFound("nobody is enrolled under this name")

    def _left(self, faces: Sequence[BiometricReference]) -> list[BiometricReference]:
        """Those of the previous network. Raises ReferenceModelMismatch for one of a third."""
        known = {self._model_before, self.move.capture.embedder.model}
        if other := [face.record.model for face in faces if face.record.model not in known]:
            raise ReferenceModelMismatch(
                f"this person was enrolled with {other[0]}, which is neither the network in use "
                "nor the previous one"
            )
        return [face for face in faces if face.record.model == self._model_before]

    @property
    def _model_before(self) -> ModelName:
        return self.recognition.compare.capture.embedder.model

    def _seen(
        self, name: str, image: FaceImage, left: Sequence[BiometricReference]
    ) -> tuple[Sighting, CapturedReference]:
        """The likest of them, and what the network in use makes of the picture. Raises
        ImageUnusable, NoFaceDetected."""
        compare = self.recognition.compare
        probe = compare.capture(Picture(name, lambda: image))
        seen = [
            Sighting(face, image, probe, compare.judge_with_all(
                probe.template, [face.template], (probe.assessed,)
            ))
            for face in left
        ]  # fmt: skip
        likest = max(seen, key=lambda it: it.comparison.similarity)
        if not self.move.is_sure(likest.comparison):
            raise ImageUnusable(f"{name} does not surely show the person who is enrolled")
        captured = self.move.capture(image, probe)
        if captured is None:
            raise ImageUnusable(f"{name} is not good enough to enrol, or not surely live")
        return likest, captured


def _is_among(template: Template, faces: Sequence[BiometricReference]) -> bool:
    """Whether one of them was made of the same picture."""
    others = (face.template for face in faces if face.template.model == template.model)
    return any(float(template.vector @ other.vector) > _SAME_PICTURE for other in others)
