"""Many files at once: each becomes a sample of the subject that it is said to show."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Callable, Mapping
from contextlib import suppress
from dataclasses import dataclass, field
from typing import Any, Generic, Protocol, TypeVar

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
    file. ``read``: its content, when it is needed. ``place``: its whole address, where it has
    one."""

    person: str
    name: str
    modality: Modality
    read: Callable[[], bytes]
    place: str = ""


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


class RetryOfFile(Protocol):
    """What stands for making this file a sample of that subject, or one who is made of it."""

    def __call__(
        self, tenant_id: TenantId, user_token: UserToken, file: FileOfSubject, data: bytes
    ) -> RetryKey | None: ...


@dataclass(frozen=True, slots=True)
class ByContent:
    """Stands, for a day, for adding just this to just that subject. What it stood for may have
    been destroyed: then the next one stands for adding it anew; None when there is no next one."""

    samples: SampleStore
    name_retry: NameRetry

    def __call__(
        self,
        tenant_id: TenantId,
        user_token: UserToken,
        file: FileOfSubject,  # noqa: ARG002 - wherever it lies
        data: bytes,
    ) -> RetryKey | None:
        digest = hashlib.sha256(user_token.encode() + b"\0" + hashlib.sha256(data).digest())
        for time in range(_TIMES_ANEW):
            retry = self.name_retry(f"import-{digest.hexdigest()}-{time}", data)
            with suppress(SampleNotFound):
                self.samples.sample_made_by(tenant_id, user_token, retry)
                return retry
        return None


@dataclass(frozen=True, slots=True)
class ByPlace:
    """Stands, for good, for the sample of what lies at that place for that person: made once, and
    not again when it has been destroyed."""

    secret: bytes = field(repr=False)

    def of(self, person: str, place: str) -> RetryKey:
        """The same for the same words."""
        return RetryKey.of_item(json.dumps(["enrol", person, place]), secret=self.secret)

    def __call__(
        self,
        tenant_id: TenantId,  # noqa: ARG002 - keys are apart by tenant anyway
        user_token: UserToken,  # noqa: ARG002 - the person's, whoever that is
        file: FileOfSubject,
        data: bytes,  # noqa: ARG002 - whatever lay there
    ) -> RetryKey:
        return self.of(file.person, file.place)


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

    ``retry``: by which a file that comes again is the same sample. Content that cannot serve is an
    outcome, and so is a person who cannot be named; raises what is nobody's fault, such as
    StorageUnavailable.
    """

    subjects: SubjectStore
    intakes: Mapping[Modality, Intake[Any]]
    retry: RetryOfFile
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
            return self.retry(caller.tenant_id, user_token, file, data)

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

    def _known(self, tenant_id: TenantId, external_id: ExternalId) -> UserToken | None:
        with suppress(UserTokenNotFound):
            return self._found(tenant_id, external_id)
        return None

    def _found(self, tenant_id: TenantId, external_id: ExternalId) -> UserToken:
        return self.subjects.with_external_id(tenant_id, external_id).user_token
