"""Many files at once: each becomes a sample of the subject that it is said to show."""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Mapping
from contextlib import suppress
from dataclasses import dataclass
from typing import Any, Generic, TypeVar

from perse.domain.access import Caller, TenantId
from perse.domain.consent import Declaration
from perse.domain.references import Modality, SampleId, UserToken
from perse.domain.retries import NameRetry, RetryKey
from perse.domain.subjects import (
    CollectionName,
    ExternalId,
    KeptSample,
    SubjectDetails,
    parse_external_id,
)
from perse.errors import (
    InputError,
    NotFound,
    SampleError,
    SampleNotFound,
    UserTokenNotFound,
)
from perse.pipelines.samples import AddSample
from perse.pipelines.subject_ports import SampleStore, SubjectStore

Capture = TypeVar("Capture")

# So often a sample is made of the same file again after it was destroyed, and each time once.
_TIMES_ANEW = 20


@dataclass(frozen=True, slots=True)
class FileOfSubject:
    """``person``: as the source says it, to be the external id. ``name``: what reports call the
    file. ``read``: its content, when it is needed."""

    person: str
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


@dataclass(frozen=True)  # no slots, as AddSample
class Intake(Generic[Capture]):
    """How files of a modality become samples. ``opened``: what is captured, of the file's name and
    content."""

    add: AddSample[Capture]
    opened: Callable[[str, bytes], Capture]


@dataclass(frozen=True, slots=True)
class ImportFile:
    """Use case: keep what a file shows as a sample of the subject with that external id, who is
    made where there is none, once the file has turned out to show a sample. ``intakes``: by
    modality; what has none is refused.

    A file that was imported within the last day, for the same subject, is the same sample while
    that is there. Content that cannot serve is an outcome, and so is a person who cannot be named;
    raises what is nobody's fault, such as StorageUnavailable.
    """

    subjects: SubjectStore
    samples: SampleStore
    intakes: Mapping[Modality, Intake[Any]]
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
        external_id = parse_external_id(file.person)
        intake = self.intakes.get(file.modality)
        if intake is None:
            raise NotFound(f"the networks in use compare no {file.modality}s: choose another pack")
        data = file.read()
        sent = intake.opened(file.name, data)

        def retry_for(user_token: UserToken) -> RetryKey | None:
            return self._retry(caller.tenant_id, user_token, data)

        known = self._known(caller.tenant_id, external_id)
        kept: KeptSample
        if known:
            kept = intake.add(caller, known, sent, declaration=declaration, retry=retry_for(known))
        else:
            kept = intake.add.first(
                caller,
                sent,
                SubjectDetails(external_id, self.collections),
                declaration=declaration,
                found=lambda: self._found(caller.tenant_id, external_id),
                retry_for=retry_for,
            )
        return Imported(kept.record.user_token, kept.record.name, kept.displaced is not None)

    def _retry(self, tenant_id: TenantId, user_token: UserToken, data: bytes) -> RetryKey | None:
        """Stands for adding just this to just that subject. What it stood for may have been
        destroyed: then the next one stands for adding it anew; None when there is no next one."""
        digest = hashlib.sha256(user_token.encode() + b"\0" + hashlib.sha256(data).digest())
        for time in range(_TIMES_ANEW):
            retry = self.name_retry(f"import-{digest.hexdigest()}-{time}", data)
            with suppress(SampleNotFound):
                self.samples.sample_made_by(tenant_id, user_token, retry)
                return retry
        return None

    def _known(self, tenant_id: TenantId, external_id: ExternalId) -> UserToken | None:
        with suppress(UserTokenNotFound):
            return self._found(tenant_id, external_id)
        return None

    def _found(self, tenant_id: TenantId, external_id: ExternalId) -> UserToken:
        return self.subjects.with_external_id(tenant_id, external_id).user_token
