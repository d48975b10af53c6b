"""Every error of the client, as a tree by what its caller can do about it.

What the server says has a stable ``code``; a code that is not known here is an error of the class
that its HTTP status suggests.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from types import MappingProxyType
from typing import ClassVar


class PerseError(Exception):
    """Root of the tree.

    ``message`` says what is wrong and what to do. ``status``: of HTTP, None where nobody answered.
    ``request_id``: under which the server's log tells more, where the answer names it.
    """

    known_code: ClassVar[str | None] = None

    def __init__(
        self,
        message: str,
        *,
        code: str | None = None,
        status: int | None = None,
        request_id: str | None = None,
    ) -> None:
        super().__init__(message)
        self.message = message
        self.code = code or self.known_code or "unknown"
        self.status = status
        self.request_id = request_id


# --- the request is wrong: send it differently -------------------------------------------------


class RequestError(PerseError):
    """The server does not accept the request as it is."""


class InvalidParameter(RequestError):
    known_code = "invalid_parameter"


class FormKeyMissing(RequestError):
    known_code = "form_key_missing"


class EnduserConsentRequired(RequestError):
    known_code = "enduser_consent_required"


class EmptyFile(RequestError):
    known_code = "empty_file"


class FileTooLarge(RequestError):
    known_code = "file_too_large"


class ContentTypeHeaderMissing(RequestError):
    known_code = "content_type_header_missing"


class ContentEncodingUnsupported(RequestError):
    known_code = "content_encoding_unsupported"


class InvalidFileType(RequestError):
    """No accepted picture or recording, or one that does not decode."""

    known_code = "invalid_file_type"


class Unauthorized(RequestError):
    """The API key is wrong, expired or revoked."""

    known_code = "unauthorized"


class PermissionMissing(RequestError):
    """The API key may not do this; ``message`` says which permission it lacks."""

    known_code = "permission_missing"


class MethodNotAllowed(RequestError):
    known_code = "method_not_allowed"


class AlreadyExists(RequestError):
    known_code = "already_exists"


class ChangedMeanwhile(RequestError):
    """It has not the version any more that was to be changed: look at it again."""

    known_code = "changed_meanwhile"


class NotFound(RequestError):
    known_code = "not_found"


class SubjectNotFound(NotFound):
    known_code = "subject_not_found"


class SampleNotFound(NotFound):
    known_code = "sample_not_found"


class CollectionNotFound(NotFound):
    known_code = "collection_not_found"


class SessionNotFound(NotFound):
    known_code = "session_not_found"


class UserTokenNotFound(NotFound):
    known_code = "user_token_not_found"


# --- the sample cannot serve: take another one -------------------------------------------------


class SampleError(PerseError):
    """A valid file whose content cannot be used; ``message`` may be shown to the person."""


class NoFaceDetected(SampleError):
    known_code = "no_face_detected"


class ImageUnderexposed(SampleError):
    known_code = "image_underexposed"


class ImageOverexposed(SampleError):
    known_code = "image_overexposed"


class ImageUnusable(SampleError):
    known_code = "image_unusable"


class NoSpeechDetected(SampleError):
    known_code = "no_speech_detected"


class RecordingUnusable(SampleError):
    known_code = "recording_unusable"


# --- what is kept of the person cannot be compared: enrol anew, or unlock ----------------------


class ReferenceUnusable(PerseError):
    """No other sample helps."""


class ReferenceModelMismatch(ReferenceUnusable):
    """Enrolled with another network."""

    known_code = "reference_model_mismatch"


class ReferenceLocked(ReferenceUnusable):
    """Too many failed comparisons."""

    known_code = "reference_locked"


# --- not now: try again later ------------------------------------------------------------------


class TryLater(PerseError):
    """The client has tried as often as it may. ``retry_after_s``: how long the server asks to wait,
    in seconds, where it does."""

    retry_after_s: float | None = None


class RateLimited(TryLater):
    known_code = "rate_limited"


class QuotaExceeded(RateLimited):
    """The tenant has used what the operator lets it."""

    known_code = "quota_exceeded"


class Overloaded(TryLater):
    known_code = "overloaded"


class IndexLoading(TryLater):
    """The search is being read into memory."""

    known_code = "index_loading"


class SearchMemoryExceeded(TryLater):
    known_code = "search_memory_exceeded"


class ClusterUnavailable(TryLater):
    """The machines that searches are spread over do not answer."""

    known_code = "cluster_unavailable"


class StorageUnavailable(TryLater):
    known_code = "storage_unavailable"


class Unreachable(TryLater):
    """Nobody answered, or the answer broke off. Unless the call may be repeated, nobody knows
    whether the server did what it was asked."""

    known_code = "unreachable"


# --- a fault of the server: its operator must act ----------------------------------------------


class ServerError(PerseError):
    """The server failed."""

    known_code = "internal_error"


class AnswerUnreadable(ServerError):
    """Not an answer of perse: a proxy's page, half a document, or a key that should be there."""

    known_code = "answer_unreadable"


def class_of(code: str | None, status: int) -> type[PerseError]:
    """The class of an answer's error: that of its code, else the nearest by its status."""
    if code in BY_CODE:
        return BY_CODE[code]
    if status in _BY_STATUS:
        return _BY_STATUS[status]
    return RequestError if 400 <= status < 500 else ServerError


def _family(root: type[PerseError]) -> Iterator[type[PerseError]]:
    for child in root.__subclasses__():
        yield child
        yield from _family(child)


BY_CODE: Mapping[str | None, type[PerseError]] = MappingProxyType(
    {error.known_code: error for error in _family(PerseError) if error.known_code}
)
_BY_STATUS: Mapping[int, type[PerseError]] = MappingProxyType(
    {
        401: Unauthorized,
        403: PermissionMissing,
        404: NotFound,
        405: MethodNotAllowed,
        409: AlreadyExists,
        412: ChangedMeanwhile,
        422: SampleError,
        429: RateLimited,
        502: TryLater,
        503: TryLater,
        504: TryLater,
    }
)
