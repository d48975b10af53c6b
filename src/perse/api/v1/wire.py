"""Subjects and their samples in the words of ``/v1``."""

from __future__ import annotations

from datetime import datetime
from typing import Annotated

from pydantic import Field, FiniteFloat

from perse.api.http.answers import Answer, Success
from perse.api.http.calls import Call
from perse.api.http.operations import Parameter
from perse.api.v0.measures import number
from perse.api.v1.examples import SAMPLE_ID, SUBJECT_ID
from perse.domain.references import ReferenceRecord, UserToken, parse_user_token
from perse.domain.subjects import COLLECTION_PATTERN, Subject

_WIRE_NAMES = {
    "colour": "color",
    "net_speech_s": "net_speech",
    "snr_db": "signal_to_noise",
    "clipped_share": "clipping",
    "bandwidth_hz": "bandwidth",
}
NAME_SCHEMA = {"type": "string", "pattern": COLLECTION_PATTERN, "example": "staff"}
SUBJECT = Parameter(
    "subject_id",
    "path",
    "The subject: its id, which is its `user_token`.",
    {"type": "string", "format": "uuid", "example": SUBJECT_ID},
)
SAMPLE = Parameter(
    "sample_id",
    "path",
    "The sample; the one of a user enrolled under `/v0` goes by the `user_token`.",
    {"type": "string", "format": "uuid", "example": SAMPLE_ID},
)


class WireSubject(Answer):
    id: str = Field(description="Stands for the subject from now on; its `user_token` in `/v0`.")
    external_id: str | None = Field(None, description="Your own name for the subject.")
    collections: list[str] = Field(description="The collections that it belongs to, by name.")
    faces: int = Field(ge=0, description="How many faces are kept.")
    voices: int = Field(ge=0, description="How many voices are kept.")
    version: int = Field(ge=1, description="Counts the changes; the ETag is this in quotes.")
    created_at: datetime
    updated_at: datetime = Field(description="When a sample was last added.")


class SubjectAnswer(WireSubject, Success):
    """A subject."""


class WireSample(Answer):
    id: str
    model: str = Field(description="The network whose template is kept.")
    quality: dict[str, FiniteFloat] = Field(description="The metrics of what was captured.")
    created_at: datetime


class ReceiptAnswer(Success):
    receipt: str = Field(description="Signed proof of destruction (JWS); /.well-known/jwks.json.")


Cursor = Annotated[
    str | None, Field(None, description="Where the next page begins; absent on the last one.")
]


def subject_in(call: Call) -> UserToken:
    """The subject that the path names. Raises UserTokenNotFound."""
    return parse_user_token(call.request.path_params[SUBJECT.name])


def wire_subject(subject: Subject) -> WireSubject:
    """A subject in a list."""
    return WireSubject(**_subject(subject))


def subject_answer(subject: Subject, *, time_taken: float) -> SubjectAnswer:
    """``time_taken``: seconds."""
    return SubjectAnswer(**_subject(subject), time_taken=time_taken)


def _subject(subject: Subject) -> dict[str, object]:
    return {
        "id": subject.user_token,
        "external_id": subject.external_id,
        "collections": sorted(subject.collections),
        "faces": subject.faces,
        "voices": subject.voices,
        "version": subject.version,
        "created_at": subject.created_at,
        "updated_at": subject.updated_at,
    }


def sample_of(record: ReferenceRecord) -> dict[str, object]:
    """What a WireSample is made of."""
    return {
        "id": record.name,
        "model": record.model,
        "quality": {
            _WIRE_NAMES.get(name, name): number(value) for name, value in record.quality.items()
        },
        "created_at": record.updated_at,
    }
