"""Give subjects samples, faces and voices, and take them away."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Generic, TypeVar

from perse.domain.access import Caller
from perse.domain.consent import Declaration, Processing
from perse.domain.receipts import Receipt
from perse.domain.references import Modality, SampleId, UserToken, sample_not_found
from perse.domain.retries import RetryKey
from perse.domain.subjects import KeptSample, new_sample_id
from perse.domain.voice_enrolment import VoiceGate
from perse.pipelines.comparison import Picture
from perse.pipelines.consent import RecordConsent
from perse.pipelines.enrolment import CapturedReference, nobody_waits, reference_of
from perse.pipelines.subject_ports import SampleStore
from perse.pipelines.voice import CaptureVoice, Recording

Capture = TypeVar("Capture")

_PROCESSING = {Modality.FACE: Processing.ENROL, Modality.VOICE: Processing.VOICE_ENROL}


@dataclass(
    frozen=True
)  # an instance of AddSample[...] notes its type, for which slots have no room
class AddSample(Generic[Capture]):
    """Use case: keep one more sample of a subject, of at most ``most`` of its kind: the newest.

    Raises UserTokenNotFound before it looks at pixels or listens, and what ``capture`` raises. A
    ``retry`` that has been answered before gets the same sample again, and nothing is processed.
    """

    modality: Modality
    capture: Callable[[Capture], CapturedReference]
    samples: SampleStore
    consent: RecordConsent
    most: int
    new_id: Callable[[], SampleId] = new_sample_id

    def __call__(
        self,
        caller: Caller,
        user_token: UserToken,
        sent: Capture,
        *,
        declaration: Declaration,
        retry: RetryKey | None = None,
        captured: Callable[[], None] = nobody_waits,
    ) -> KeptSample:
        """``captured`` is called when nothing is left to do but to store."""
        processing = _PROCESSING[self.modality]
        entry = self.consent.entry(caller, processing, declaration, user_token)
        with self.consent.with_change(entry):
            self.samples.records(caller.tenant_id, user_token, self.modality)  # is it there?
            made = retry and self.samples.sample_made_by(caller.tenant_id, user_token, retry)
            if made:
                self.consent.begin(entry).result()
                return KeptSample(made, None)
            reference = reference_of(
                self.capture(sent),
                user_token,
                entry,
                sample_id=self.new_id(),
                modality=self.modality,
            )
            captured()
            return self.samples.add_sample(reference, entry=entry, most=self.most, retry=retry)


AddFace = AddSample[Picture]
AddVoice = AddSample[Recording]


@dataclass(frozen=True, slots=True)
class CaptureVoiceReference:
    """The template of a recording, whatever was said in it, if that voice may be enrolled.

    Raises NoSpeechDetected, and RecordingUnusable as ``gate`` says.
    """

    capture: CaptureVoice
    gate: VoiceGate

    def __call__(self, recording: Recording) -> CapturedReference:
        voice = self.capture(recording)
        self.gate.check(voice, name=recording.name)
        return CapturedReference(voice.template, voice.to_keep())


@dataclass(frozen=True, slots=True)
class DeleteSample:
    """Use case: destroy one sample of a subject, and say so in writing.

    Raises UserTokenNotFound and SampleNotFound.
    """

    samples: SampleStore
    consent: RecordConsent

    def __call__(
        self, caller: Caller, user_token: UserToken, modality: Modality, sample_id: SampleId
    ) -> Receipt:
        known = self.samples.records(caller.tenant_id, user_token, modality)
        if sample_id not in {record.name for record in known}:
            raise sample_not_found()
        entry = self.consent.entry(
            caller, Processing.SAMPLE_DELETE, Declaration.NOT_NEEDED, user_token
        )
        return self.samples.remove_sample(user_token, sample_id, entry=entry)
