"""The errors that a client may meet, and when."""

from __future__ import annotations

from collections.abc import Mapping
from types import MappingProxyType

from perse import errors

MEANING: Mapping[type[errors.PerseError], str] = MappingProxyType(
    {
        errors.Unauthorized: "no credentials, or wrong, expired or revoked ones",
        errors.PermissionMissing: "the API key may not do this; the message says what it lacks",
        errors.FormKeyMissing: "a required file or field is absent; the message names it",
        errors.InvalidParameter: "the value of a field is no good, or the form is malformed",
        errors.EnduserConsentRequired: "the end user's consent was denied, or must be declared",
        errors.EmptyFile: "a file of zero bytes",
        errors.FileTooLarge: "a file or the whole request is over the limit",
        errors.ContentTypeHeaderMissing: "the request is not multipart/form-data with a boundary",
        errors.ContentEncodingUnsupported: "the body as a whole is compressed or otherwise encoded",
        errors.InvalidFileType: "not an accepted file, or one that does not decode",
        errors.NoFaceDetected: "no face is completely inside a picture; the message says which",
        errors.ImageUnderexposed: "the face is too dark to be enrolled",
        errors.ImageOverexposed: "the face is too bright to be enrolled",
        errors.ImageUnusable: "the face would not be recognised again; the message says why",
        errors.RecordingUnusable: "the voice would not be recognised again; the message says why",
        errors.UserTokenNotFound: "this API key has no user of that token",
        errors.NoSpeechDetected: "a recording with too little speech",
        errors.ReferenceModelMismatch: "the user was enrolled with another network",
        errors.ReferenceLocked: "too many failed comparisons with this user",
        errors.NotFound: "nothing is at this path",
        errors.SubjectNotFound: "this API key has no subject of that id",
        errors.SampleNotFound: "the subject has no such sample, or none of the kind that was sent",
        errors.CollectionNotFound: "this API key has no collection of that name",
        errors.SessionNotFound: "this API key has no liveness session of that id",
        errors.AlreadyExists: "another subject has that external_id, or seems to be that person",
        errors.ChangedMeanwhile: "it has not the version any more that If-Match names",
        errors.MethodNotAllowed: "the path does not know this method; see the header Allow",
        errors.OriginNotAllowed: "a page of an origin that PERSE_CORS_ORIGINS does not name",
        errors.UpgradeRequired: "the path is a WebSocket, of version 13",
        errors.RateLimited: "too many requests; see the header Retry-After",
        errors.QuotaExceeded: "the tenant has used what it may; the message says what of",
        errors.Overloaded: "there is no room for the request at the moment; see Retry-After",
        errors.IndexLoading: "the search is being read into memory; see Retry-After",
        errors.SearchMemoryExceeded: "the search needs more memory than the operator allows",
        errors.ClusterUnavailable: "the machines that searches are spread over do not answer",
        errors.StorageUnavailable: "the database does not answer; see Retry-After",
        errors.PerseError: "a fault of the server; the answer names the request in its log",
    }
)
EVERYWHERE: tuple[type[errors.PerseError], ...] = (errors.Overloaded, errors.PerseError)
