"""Every error perse raises on purpose, as a tree by what the caller can do about it.

Each class has a stable ``code``, which is part of the public interface. The message says what is
wrong and what to do; it never holds anything biometric. Nothing here knows HTTP.
"""

from __future__ import annotations

from typing import ClassVar


class PerseError(Exception):
    """Root of the tree."""

    code: ClassVar[str] = "internal_error"

    @property
    def message(self) -> str:
        return str(self)


# --- the request is wrong: send it differently -------------------------------------------------


class InputError(PerseError):
    """The caller sent something that cannot be accepted as it is."""


class InvalidParameter(InputError):
    code = "invalid_parameter"


class FormKeyMissing(InputError):
    code = "form_key_missing"


class EnduserConsentRequired(InputError):
    code = "enduser_consent_required"


class EmptyFile(InputError):
    code = "empty_file"


class FileTooLarge(InputError):
    code = "file_too_large"


class ContentTypeHeaderMissing(InputError):
    code = "content_type_header_missing"


class ContentEncodingUnsupported(InputError):
    """A body that is compressed or otherwise encoded as a whole."""

    code = "content_encoding_unsupported"


class InvalidFileType(InputError):
    """Bytes that are no accepted picture or recording, or that do not decode."""

    code = "invalid_file_type"


class Unauthorized(InputError):
    code = "unauthorized"


class PermissionMissing(InputError):
    """The caller is known, and its API key may not do this."""

    code = "permission_missing"


class NotFound(InputError):
    code = "not_found"


class SubjectNotFound(NotFound):
    code = "subject_not_found"


class SampleNotFound(NotFound):
    code = "sample_not_found"


class CollectionNotFound(NotFound):
    code = "collection_not_found"


class SessionNotFound(NotFound):
    code = "session_not_found"


class AlreadyExists(InputError):
    """Something else has the name that was asked for, or is what was to be made."""

    code = "already_exists"


class ChangedMeanwhile(InputError):
    """It is not any more what the caller wanted to change."""

    code = "changed_meanwhile"


class MethodNotAllowed(InputError):
    code = "method_not_allowed"


class OriginNotAllowed(InputError):
    """A page of another origin, which may not talk to the server."""

    code = "origin_not_allowed"


class UpgradeRequired(InputError):
    """Something that is only answered over another protocol, or another version of it."""

    code = "upgrade_required"


# --- the sample cannot serve: take another one -------------------------------------------------


class SampleError(PerseError):
    """A valid file whose content cannot be used for what was asked."""


class NoFaceDetected(SampleError):
    code = "no_face_detected"


class ImageUnderexposed(SampleError):
    code = "image_underexposed"


class ImageOverexposed(SampleError):
    code = "image_overexposed"


class ImageUnusable(SampleError):
    """A face that would not be recognised again: blurred, turned away, half hidden."""

    code = "image_unusable"


class NoSpeechDetected(SampleError):
    code = "no_speech_detected"


class RecordingUnusable(SampleError):
    """A voice that would not be recognised again: covered by noise, or not one alone."""

    code = "recording_unusable"


class UserTokenNotFound(SampleError):
    code = "user_token_not_found"


class ReferenceModelMismatch(SampleError):
    """A template of another network: such templates do not compare."""

    code = "reference_model_mismatch"


class ReferenceLocked(SampleError):
    """Too many failed comparisons: closed until it is updated or unlocked."""

    code = "reference_locked"


# --- not now: try again later ------------------------------------------------------------------


class TryLater(PerseError):
    """``retry_after_s`` is how long to wait, in seconds."""

    def __init__(self, message: str, *, retry_after_s: int = 1) -> None:
        super().__init__(message)
        self.retry_after_s = retry_after_s


class RateLimited(TryLater):
    code = "rate_limited"


class QuotaExceeded(RateLimited):
    """The tenant has used what the operator lets it of ``quota``."""

    code = "quota_exceeded"

    def __init__(self, message: str, *, retry_after_s: int = 1, quota: str = "") -> None:
        super().__init__(message, retry_after_s=retry_after_s)
        self.quota = quota


class Overloaded(TryLater):
    code = "overloaded"


class IndexLoading(TryLater):
    """The search is being read into memory; the message tells how far it is."""

    code = "index_loading"


class SearchMemoryExceeded(TryLater):
    """What is to be searched takes more memory than the operator set, or than others left."""

    code = "search_memory_exceeded"


class ClusterUnavailable(TryLater):
    """The cluster of machines, or what was asked of it, does not answer."""

    code = "cluster_unavailable"


class StorageUnavailable(TryLater):
    """The database does not answer, is busy for too long, or its disk is full."""

    code = "storage_unavailable"


class TracesRemain(StorageUnavailable):
    """Everything asked for is done and kept; only what it destroyed is still in SQLite's log."""


# --- the installation is wrong: the operator must act ------------------------------------------


class SetupError(PerseError):
    """perse cannot start or go on as it is set up; the message says what to do."""

    code = "setup_error"


class SettingsInvalid(SetupError):
    code = "settings_invalid"


class AddressUnusable(SetupError):
    """The server cannot listen where it was told to."""

    code = "address_unusable"


class WeightsUnavailable(SetupError):
    """A weight file is missing, or none of its sources answered."""

    code = "weights_unavailable"


class WeightsCorrupt(SetupError):
    """A weight file whose SHA-256 is not the catalogue's."""

    code = "weights_corrupt"


class NetworkUnusable(SetupError):
    """A weight file that cannot be opened or run as a network."""

    code = "network_unusable"


class MasterKeyUnusable(SetupError):
    """The master key is missing, malformed, or not the one this database was sealed with."""

    code = "master_key_unusable"


class StorageDamaged(SetupError):
    """What is stored does not authenticate: rows were changed or swapped, or a backup is torn."""

    code = "storage_damaged"


class StorageTooNew(SetupError):
    """The database was made by a newer perse."""

    code = "storage_too_new"


class PackMismatch(SetupError):
    """The data folder belongs to another pack."""

    code = "pack_mismatch"


class CatalogInvalid(SetupError):
    code = "catalog_invalid"


class LivenessUnavailable(SetupError):
    """The pack in use has no attack detector."""

    code = "liveness_unavailable"
