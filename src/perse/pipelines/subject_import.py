"""Many files at once: each becomes a sample of the subject that it is said to show."""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Mapping
from dataclasses import dataclass

from perse.domain.access import Caller
from perse.domain.consent import Declaration
from perse.domain.references import Modality, SampleId, UserToken
from perse.domain.retries import NameRetry, RetryKey
from perse.domain.subjects import CollectionName, ExternalId, KeptSample, SubjectDetails
from perse.errors import AlreadyExists, InputError, NotFound, SampleError, UserTokenNotFound
from perse.pipelines.subject_ports import SubjectStore
from perse.pipelines.subjects import CreateSubject


@dataclass(frozen=True, slots=True)
class FileOfSubject:
    """``name``: what reports call the file. ``read``: its content, when it is needed."""

    external_id: ExternalId
    name: str
    modality: Modality
    read: Callable[[], bytes]


@dataclass(frozen=True, slots=True)
class Imported:
    """``displaced``: the subject had as many samples as it may, and the oldest is gone."""

    user_token: UserToken
    sample_id: SampleId
    displaced: bool


@dataclass(frozen=True, slots=True)
class Refused:
    """A file that became no sample: the error's code and what it said."""

    code: str
    message: str


Outcome = Imported | Refused


@dataclass(frozen=True, slots=True)
class Content:
    """Of a file; ``retry`` stands for adding just this to just that subject."""

    name: str
    data: bytes
    retry: RetryKey


AddContent = Callable[[Caller, UserToken, Content, Declaration], KeptSample]


@dataclass(frozen=True, slots=True)
class ImportFile:
    """Use case: keep what a file shows as a sample of the subject with that external id, who is
    made where there is none. ``add``: by modality, how samples are added; one that is not there
    is refused.

    A file that was imported within the last day, for the same subject, is the same sample. Content
    that cannot serve is an outcome; raises what is nobody's fault, such as StorageUnavailable.
    """

    subjects: SubjectStore
    create: CreateSubject
    add: Mapping[Modality, AddContent]
    name_retry: NameRetry
    collections: frozenset[CollectionName] = frozenset()

    def __call__(self, caller: Caller, file: FileOfSubject, declaration: Declaration) -> Outcome:
        try:
            return self._imported(caller, file, declaration)
        except OSError as error:
            return Refused("unreadable", f"the file cannot be read: {error.strerror}")
        except (InputError, SampleError) as error:
            return Refused(error.code, error.message)

    def _imported(self, caller: Caller, file: FileOfSubject, declaration: Declaration) -> Imported:
        add = self.add.get(file.modality)
        if add is None:
            raise NotFound(f"the networks in use compare no {file.modality}s: choose another pack")
        data = file.read()
        content = Content(file.name, data, self._retry(file.external_id, data))
        user_token = self._subject(caller, file.external_id)
        kept = add(caller, user_token, content, declaration)
        return Imported(user_token, kept.record.name, kept.displaced is not None)

    def _retry(self, external_id: ExternalId, data: bytes) -> RetryKey:
        digest = hashlib.sha256(external_id.encode() + b"\0" + hashlib.sha256(data).digest())
        return self.name_retry(f"import-{digest.hexdigest()}", data)

    def _subject(self, caller: Caller, external_id: ExternalId) -> UserToken:
        tenant_id = caller.tenant_id
        try:
            return self.subjects.with_external_id(tenant_id, external_id).user_token
        except UserTokenNotFound:
            pass
        try:
            return self.create(caller, SubjectDetails(external_id, self.collections)).user_token
        except AlreadyExists:  # by the file beside this one
            return self.subjects.with_external_id(tenant_id, external_id).user_token
