"""Subjects, their samples and collections over opened pipelines and storage."""

from __future__ import annotations

from dataclasses import dataclass, field

from perse.auth.api_keys import utc_now
from perse.bootstrap.enrolment import guess_limiter, reference_capture, retry_names
from perse.bootstrap.faces import FaceServices
from perse.bootstrap.fusion import fusion_of
from perse.bootstrap.voices import VoiceServices
from perse.domain.enrolment_gate import EnrolmentGate
from perse.domain.likeness import FaceLikeness, Likeness
from perse.domain.references import BiometricReference, Modality
from perse.domain.retries import NameRetry
from perse.domain.voice_enrolment import VoiceGate
from perse.domain.voices import CapturedVoice
from perse.pipelines.consent import RecordConsent
from perse.pipelines.identification import FindDuplicates
from perse.pipelines.moving import PreviousNetwork, is_over
from perse.pipelines.sample_matching import MatchFaces, MatchVoices
from perse.pipelines.samples import (
    AddFace,
    AddVoice,
    CaptureVoiceReference,
    DeleteSample,
    FindOthers,
)
from perse.pipelines.subject_ports import CollectionStore, SampleStore, SubjectStore
from perse.pipelines.subject_verification import PreviousFaces, VerifySubject
from perse.pipelines.subjects import (
    ChangeSubject,
    CreateSubject,
    DeleteSubject,
    ListSubjects,
    PutCollection,
    RemoveCollection,
)
from perse.pipelines.voice_likeness import VoiceLikeness
from perse.settings import Settings
from perse.storage.storage import Storage
from perse.weights.fusion import shipped_sample_fusion


@dataclass(frozen=True, slots=True)
class SubjectServices:
    """``retry_key`` names a request that may come twice. ``add_voice``: None where the pack
    compares no voices."""

    store: SubjectStore
    list: ListSubjects
    create: CreateSubject
    change: ChangeSubject
    delete: DeleteSubject
    collections: CollectionStore
    put_collection: PutCollection
    remove_collection: RemoveCollection
    samples: SampleStore
    add_face: AddFace
    add_voice: AddVoice | None
    delete_sample: DeleteSample
    verify: VerifySubject
    retry_key: NameRetry = field(repr=False)


def wire_subjects(
    settings: Settings,
    faces: FaceServices,
    voices: VoiceServices | None,
    storage: Storage,
    consent: RecordConsent,
    find: FindDuplicates | None = None,
    previous: PreviousNetwork | None = None,
) -> SubjectServices:
    """Everything under one roof with what /v0 enrols. ``find``: None where there is no search.
    ``previous``: None where nobody is being moved."""
    subjects, collections, samples = storage.subjects, storage.collections, storage.samples
    return SubjectServices(
        store=subjects,
        list=ListSubjects(subjects, collections),
        create=CreateSubject(subjects, consent),
        change=ChangeSubject(subjects, consent),
        delete=DeleteSubject(subjects, consent),
        collections=collections,
        put_collection=PutCollection(collections, consent),
        remove_collection=RemoveCollection(collections, consent),
        samples=samples,
        add_face=_add_face(settings, faces, samples, consent, find),
        add_voice=_add_voice(settings, voices, samples, consent, find) if voices else None,
        delete_sample=DeleteSample(samples, consent),
        verify=_verify(settings, faces, voices, storage, previous),
        retry_key=retry_names(storage),
    )


def _add_face(
    settings: Settings,
    faces: FaceServices,
    samples: SampleStore,
    consent: RecordConsent,
    find: FindDuplicates | None,
) -> AddFace:
    def likeness(sample: BiometricReference) -> Likeness:
        return FaceLikeness(sample.template, faces.compare.scale)

    return AddFace(
        Modality.FACE,
        reference_capture(settings, faces),
        samples,
        consent,
        settings.samples_per_subject,
        FindOthers(likeness, find) if find else None,
    )


def _add_voice(
    settings: Settings,
    voices: VoiceServices,
    samples: SampleStore,
    consent: RecordConsent,
    find: FindDuplicates | None,
) -> AddVoice:
    def likeness(sample: BiometricReference) -> Likeness:
        return VoiceLikeness(CapturedVoice.kept_as(sample), voices.compare)

    gate = VoiceGate(
        EnrolmentGate(settings.enrolment_gate), voices.compare.limits, voices.thresholds.recording
    )
    return AddVoice(
        Modality.VOICE,
        CaptureVoiceReference(voices.capture, gate),
        samples,
        consent,
        settings.samples_per_subject,
        FindOthers(likeness, find) if find else None,
    )


def _verify(
    settings: Settings,
    faces: FaceServices,
    voices: VoiceServices | None,
    storage: Storage,
    previous: PreviousNetwork | None,
) -> VerifySubject:
    return VerifySubject(
        samples=storage.samples,
        faces=MatchFaces(faces.compare, faces.thresholds),
        voices=_match_voices(voices) if voices else None,
        fusion=fusion_of(faces.compare, voices) if voices else None,
        guesses=guess_limiter(settings, storage),
        now=utc_now,
        previous=_previous(previous, voices) if previous else None,
    )


def _previous(previous: PreviousNetwork, voices: VoiceServices | None) -> PreviousFaces:
    compare, thresholds = previous.recognition.compare, previous.recognition.thresholds
    return PreviousFaces(
        MatchFaces(compare, thresholds),
        fusion_of(compare, voices) if voices else None,
        lambda at: not is_over(previous.until, at),
    )


def _match_voices(voices: VoiceServices) -> MatchVoices:
    fusion = shipped_sample_fusion(voices.capture.embedder.model)
    return MatchVoices(voices.compare, voices.thresholds, fusion)
