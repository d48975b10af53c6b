"""What enrolment and verification need from the outside, as roles."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from concurrent.futures import Future
from datetime import datetime
from typing import Protocol

from perse.domain.access import TenantId
from perse.domain.consent import ConsentEntry
from perse.domain.receipts import DestructionEvent, Receipt
from perse.domain.references import BiometricReference, ReferenceRecord, UserToken, UserTokens
from perse.domain.retries import RetryKey
from perse.domain.throttling import Guess

Now = Callable[[], datetime]


class ConsentLedger(Protocol):
    def begin(self, entry: ConsentEntry) -> Future[None]:
        """Start writing ``entry``; wait for the result before answering: it is there when the
        entry cannot be lost any more, or is StorageUnavailable when it was not written."""
        ...


class ReferenceStore(Protocol):
    """Enrolled users, apart by tenant. Each change and its ledger entry happen both or neither."""

    def add(
        self, reference: BiometricReference, *, entry: ConsentEntry, retry: RetryKey | None = None
    ) -> ReferenceRecord:
        """Keep a new user of ``entry``'s tenant; what ``retry`` made before, if it did.

        Raises InvalidParameter when ``retry`` was used for another request, UserTokenNotFound
        when what it made has been deleted since.
        """
        ...

    def made_by(self, tenant_id: TenantId, retry: RetryKey) -> ReferenceRecord | None:
        """What ``retry`` made before, if it did. Raises as ``add``."""
        ...

    def replace(self, reference: BiometricReference, *, entry: ConsentEntry) -> ReferenceRecord:
        """Put ``reference`` in the place of its user's and forget failed comparisons against it.

        The old template is nowhere any more when this returns. Raises UserTokenNotFound.
        """
        ...

    def move(
        self, before: BiometricReference, after: BiometricReference, *, entry: ConsentEntry
    ) -> bool:
        """Put ``after`` in the place of ``before`` if that is still what is kept of its user;
        whether it was. Failed comparisons stay counted.

        The old template is destroyed as by ``replace``. Raises UserTokenNotFound.
        """
        ...

    def delete(
        self,
        user_token: UserToken,
        *,
        entry: ConsentEntry,
        event: DestructionEvent = DestructionEvent.DELETED,
        not_updated_since: datetime | None = None,
    ) -> Receipt:
        """Destroy a user's template and data key. Raises UserTokenNotFound; also for a user who
        was updated at ``not_updated_since`` or later."""
        ...

    def find(self, tenant_id: TenantId, user_token: UserToken) -> BiometricReference:
        """The newest face. Raises UserTokenNotFound, or StorageDamaged when what is stored was
        changed."""
        ...

    def faces(self, tenant_id: TenantId, user_token: UserToken) -> Sequence[BiometricReference]:
        """All of the user's, the oldest first; one or more. Raises as ``find``."""
        ...

    def record(self, tenant_id: TenantId, user_token: UserToken) -> ReferenceRecord:
        """What is known beside the template. Raises UserTokenNotFound."""
        ...


class ReferenceList(Protocol):
    def tokens(self, tenant_id: TenantId) -> UserTokens:
        """Every user of the tenant, the oldest first, as of now."""
        ...

    def page(self, tenant_id: TenantId, *, after: UserToken | None, limit: int) -> UserTokens:
        """At most ``limit`` users enrolled after ``after``, the oldest first."""
        ...

    def total(self, tenant_id: TenantId) -> int: ...


class GuessLimiter(Protocol):
    """Failed comparisons against each user. Both raise UserTokenNotFound for an unknown one."""

    def check(self, tenant_id: TenantId, user_token: UserToken, *, at: datetime) -> None:
        """Raises RateLimited or ReferenceLocked when nobody may compare now."""
        ...

    def record(
        self, tenant_id: TenantId, user_token: UserToken, guess: Guess, *, at: datetime
    ) -> None:
        """Count one comparison before its score is told. Raises as ``check`` when others closed
        the user meanwhile."""
        ...


class OldReferences(Protocol):
    def not_updated_since(
        self, moment: datetime, *, limit: int
    ) -> Sequence[tuple[TenantId, UserToken]]:
        """Users whose reference is older than that, the oldest first."""
        ...

    def forget_retries(self, *, before: datetime) -> int:
        """Drop clients' names of requests that are too old to be sent again; how many."""
        ...


class Owners(Protocol):
    def owners(self, user_token: UserToken) -> Sequence[TenantId]:
        """The tenants that have a user of that token: one, or none."""
        ...


class ReceiptRecords(Protocol):
    def list(
        self, *, tenant_id: TenantId | None = None, subject_sha256: str | None = None
    ) -> Sequence[Receipt]:
        """Every receipt, or those of one tenant or one token's hash, the oldest first."""
        ...
