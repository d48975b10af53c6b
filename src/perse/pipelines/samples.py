"""Give subjects samples, faces and voices, and take them away."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Generic, TypeVar

from perse.domain.access import Caller
from perse.domain.consent import ConsentEntry, Declaration, Processing
from perse.domain.identification import DEFAULT_FPIR, Identification, SearchTerms
from perse.domain.likeness import Likeness
from perse.domain.receipts import Receipt
from perse.domain.references import (
    BiometricReference,
    Modality,
    SampleId,
    UserToken,
    new_user_token,
)
from perse.domain.retries import RetryKey
from perse.domain.subjects import CollectionName, KeptSample, SubjectDetails, new_sample_id
from perse.domain.voice_enrolment import VoiceGate
from perse.errors import AlreadyExists, ClusterUnavailable, InvalidParameter
from perse.pipelines.comparison import Picture
from perse.pipelines.consent import RecordConsent, naming
from perse.pipelines.enrolment import CapturedReference, nobody_waits, reference_of
from perse.pipelines.identification import FindDuplicates
from perse.pipelines.subject_ports import SampleStore
from perse.pipelines.voice import CaptureVoice, Recording

Capture = TypeVar("Capture")


@dataclass(frozen=True, slots=True)
class AddedSample(KeptSample):
    """``duplicates``: who else it is like; None where nobody was looked for."""

    duplicates: Identification | None = None


@dataclass(frozen=True, slots=True)
class DuplicateTerms:
    """What is asked of a sample that others may be enrolled with: whether it is refused then, and
    what is asked of a search. Raises InvalidParameter as that does."""

    refuse: bool
    fpir: float = DEFAULT_FPIR
    collection: CollectionName | None = None

    def __post_init__(self) -> None:
        SearchTerms(fpir=self.fpir)


@dataclass(frozen=True, slots=True)
class FindOthers:
    """Who else a sample is like. ``likeness``: of a sample as it will be kept."""

    likeness: Callable[[BiometricReference], Likeness]
    find: FindDuplicates

    def check_ready(self, caller: Caller, modality: Modality, terms: DuplicateTerms) -> None:
        """Raises what would keep ``__call__`` from an answer: CollectionNotFound, IndexLoading,
        SearchMemoryExceeded, ClusterUnavailable."""
        self.find.check_ready(caller, modality, terms.collection)

    def __call__(
        self, caller: Caller, sample: BiometricReference, terms: DuplicateTerms
    ) -> Identification:
        """Raises AlreadyExists when somebody is and ``terms`` refuse that, ClusterUnavailable when
        they do and not everybody could be looked at."""
        record = sample.record
        found = self.find(
            caller,
            self.likeness(sample),
            beside=record.user_token,
            collection=terms.collection,
            fpir=terms.fpir,
            modality=record.modality,
        )
        if found.candidates and terms.refuse:
            other = found.candidates[0]
            raise AlreadyExists(
                f"this {record.modality} seems to be that of subject {other.subject} (similarity "
                f"{other.similarity:.2f}): nothing was kept; look at both before you go on"
            )
        if found.partial and terms.refuse:
            raise ClusterUnavailable(
                "not everybody could be looked at, because machines do not answer, so nobody can "
                "say whether another subject is the same person: nothing was kept, try again"
            )
        return found


_PROCESSING = {Modality.FACE: Processing.ENROL, Modality.VOICE: Processing.VOICE_ENROL}


# An instance of AddSample[...] notes its type, for which slots have no room.
@dataclass(frozen=True)
class AddSample(Generic[Capture]):
    """Use case: keep one more sample of a subject, of at most ``most`` of its kind: the newest.
    ``others`` None: nobody else can be looked for. ``processing``: what the ledger calls it, None =
    an enrolment of that modality.

    Raises UserTokenNotFound before it looks at pixels or listens, and what ``capture`` raises. A
    ``retry`` that has been answered before gets the same sample again, and nothing is processed
    and nobody looked for.
    """

    modality: Modality
    capture: Callable[[Capture], CapturedReference]
    samples: SampleStore
    consent: RecordConsent
    most: int
    others: FindOthers | None = None
    processing: Processing | None = None
    new_id: Callable[[], SampleId] = new_sample_id
    new_token: Callable[[], UserToken] = new_user_token

    def __call__(
        self,
        caller: Caller,
        user_token: UserToken,
        sent: Capture,
        *,
        declaration: Declaration,
        retry: RetryKey | None = None,
        duplicates: DuplicateTerms | None = None,
        captured: Callable[[], None] = nobody_waits,
    ) -> AddedSample:
        """``captured`` is called when nothing is left to do but to store. With ``duplicates`` it
        is told who else it is like; raises as ``FindOthers`` then."""
        entry = self._entry(caller, declaration, user_token)
        with self.consent.with_change(entry):
            self.samples.check(caller.tenant_id, user_token)
            made = retry and self.samples.sample_made_by(caller.tenant_id, user_token, retry)
            if made:
                self.consent.begin(entry).result()
                return AddedSample(made, None)
            others = self._others(caller, duplicates) if duplicates else None
            reference = self._reference(self.capture(sent), user_token, entry)
            found = others(reference) if others else None
            captured()
            kept = self.samples.add_sample(reference, entry=entry, most=self.most, retry=retry)
            return AddedSample(kept.record, kept.displaced, found)

    def first(
        self,
        caller: Caller,
        sent: Capture,
        details: SubjectDetails,
        *,
        declaration: Declaration,
        found: Callable[[], UserToken],
        retry_for: Callable[[UserToken], RetryKey | None],
    ) -> KeptSample:
        """The same of a subject who is made with it, once there is a sample to keep: nobody is made
        for what is refused. ``found``: who that is where somebody has made it meanwhile. Raises
        what ``capture`` and ``found`` raise, and CollectionNotFound."""
        begun = self._entry(caller, declaration)
        with self.consent.with_change(begun):
            captured, user_token = self.capture(sent), self.new_token()
            entry, created = naming(begun, user_token), self._created(caller, user_token)
            reference, retry = self._reference(captured, user_token, entry), retry_for(user_token)
            try:
                made = self.samples.add_first(
                    reference, details, created=created, entry=entry, retry=retry
                )
            except AlreadyExists:
                user_token = found()
                entry, retry = naming(begun, user_token), retry_for(user_token)
                reference = self._reference(captured, user_token, entry)
                return self.samples.add_sample(reference, entry=entry, most=self.most, retry=retry)
            return KeptSample(made, None)

    def _created(self, caller: Caller, user_token: UserToken) -> ConsentEntry:
        operation = Processing.SUBJECT_CREATE
        return self.consent.entry(caller, operation, Declaration.NOT_NEEDED, user_token)

    def _entry(
        self, caller: Caller, declaration: Declaration, user_token: UserToken | None = None
    ) -> ConsentEntry:
        processing = self.processing or _PROCESSING[self.modality]
        return self.consent.entry(caller, processing, declaration, user_token)

    def _reference(
        self, captured: CapturedReference, user_token: UserToken, entry: ConsentEntry
    ) -> BiometricReference:
        return reference_of(
            captured, user_token, entry, sample_id=self.new_id(), modality=self.modality
        )

    def _others(
        self, caller: Caller, terms: DuplicateTerms
    ) -> Callable[[BiometricReference], Identification]:
        others = self.others
        if others is None:
            raise InvalidParameter("nobody can be looked for here: on_duplicate is allow")
        others.check_ready(caller, self.modality, terms)
        return lambda sample: others(caller, sample, terms)


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
        entry = self.consent.entry(
            caller, Processing.SAMPLE_DELETE, Declaration.NOT_NEEDED, user_token
        )
        return self.samples.remove_sample(user_token, sample_id, entry=entry, modality=modality)
