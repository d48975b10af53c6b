"""The samples of a subject: faces and voices."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Literal

from perse_client.call import Call, form, get, retry_header, segment
from perse_client.operations.identification import Candidate, SearchThreshold
from perse_client.operations.measures import Answer, Receipt
from perse_client.operations.subjects import path_of
from perse_client.uploads import Upload

OnDuplicate = Literal["allow", "report", "refuse"]


@dataclass(frozen=True, kw_only=True)
class Sample:
    """``model``: the network whose template is kept. ``quality``: the metrics of the capture."""

    id: str
    model: str
    quality: Mapping[str, float]
    created_at: datetime


@dataclass(frozen=True, kw_only=True)
class Speech:
    """Of all voices of a subject together, in seconds. ``guidance``: what the person can do, empty
    when there is nothing to do."""

    net_speech_total: float
    net_speech_wanted: float
    net_speech_enough: bool
    guidance: str


@dataclass(frozen=True, kw_only=True)
class Duplicates:
    """``candidates``: who else it is like, possibly nobody. ``subjects``: how many were searched,
    itself included where it has samples. ``partial``: some could not be."""

    candidates: tuple[Candidate, ...]
    threshold: SearchThreshold
    subjects: int
    partial: bool


@dataclass(frozen=True, kw_only=True)
class AddedFace(Sample, Answer):
    """``displaced_receipt``: signed proof that the oldest sample was destroyed for this one.
    ``duplicates``: where they were asked for."""

    displaced_receipt: str | None
    duplicates: Duplicates | None


@dataclass(frozen=True, kw_only=True)
class AddedVoice(AddedFace, Speech):
    """A voice, and how much speech there is."""


@dataclass(frozen=True, kw_only=True)
class Faces(Answer):
    """The oldest first."""

    faces: tuple[Sample, ...]


@dataclass(frozen=True, kw_only=True)
class Voices(Speech, Answer):
    """The oldest first."""

    voices: tuple[Sample, ...]


def add_face(
    subject_id: str,
    image: Upload,
    *,
    consent: bool | None = None,
    on_duplicate: OnDuplicate | None = None,
    fpir: float | None = None,
    collection: str | None = None,
    idempotency_key: str | None = None,
) -> Call[AddedFace]:
    """Keep the template of the largest face of a picture, never the picture.

    ``on_duplicate``: report who else it is like, in ``duplicates``, or refuse it then
    (AlreadyExists). ``fpir`` and ``collection`` are those of that search.
    """
    return form(
        f"{path_of(subject_id)}/faces",
        AddedFace,
        files={"image_file": image},
        consent=consent,
        headers=retry_header(idempotency_key),
        on_duplicate=on_duplicate,
        fpir=fpir,
        collection=collection,
    )


def add_voice(
    subject_id: str,
    audio: Upload,
    *,
    consent: bool | None = None,
    on_duplicate: OnDuplicate | None = None,
    fpir: float | None = None,
    collection: str | None = None,
    idempotency_key: str | None = None,
) -> Call[AddedVoice]:
    """Keep the template of the voice of a recording (WAV or OGG), never the recording.

    ``on_duplicate``: report who else it is like, in ``duplicates``, or refuse it then
    (AlreadyExists). ``fpir`` and ``collection`` are those of that search.
    """
    return form(
        f"{path_of(subject_id)}/voices",
        AddedVoice,
        files={"audio_file": audio},
        consent=consent,
        headers=retry_header(idempotency_key),
        on_duplicate=on_duplicate,
        fpir=fpir,
        collection=collection,
    )


def list_faces(subject_id: str) -> Call[Faces]:
    """The faces of a subject."""
    return get(f"{path_of(subject_id)}/faces", Faces)


def list_voices(subject_id: str) -> Call[Voices]:
    """The voices of a subject."""
    return get(f"{path_of(subject_id)}/voices", Voices)


def delete_face(subject_id: str, sample_id: str) -> Call[Receipt]:
    """Destroy a face of a subject."""
    return _deletion(f"{path_of(subject_id)}/faces/{segment(sample_id)}")


def delete_voice(subject_id: str, sample_id: str) -> Call[Receipt]:
    """Destroy a voice of a subject."""
    return _deletion(f"{path_of(subject_id)}/voices/{segment(sample_id)}")


def _deletion(path: str) -> Call[Receipt]:
    return Call(method="DELETE", path=path, answer=Receipt, repeatable=False)
