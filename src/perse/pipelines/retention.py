"""What is too old is destroyed, and leaves receipts."""

from __future__ import annotations

from collections.abc import Sequence
from contextlib import suppress
from dataclasses import dataclass
from datetime import datetime, timedelta

from perse.domain.access import TenantId
from perse.domain.consent import ConsentEntry, Declaration, Processing
from perse.domain.receipts import DestructionEvent, Receipt
from perse.domain.references import SampleId, UserToken
from perse.errors import SampleNotFound, UserTokenNotFound
from perse.pipelines.reference_ports import Now, OldReferences, ReferenceStore
from perse.pipelines.subject_ports import OldSamples

_AT_A_TIME = 100
RETRIES_KEPT = timedelta(hours=24)


@dataclass(frozen=True, slots=True)
class PurgeExpired:
    """Use case: destroy subjects not updated for ``lifetime``, and of the others the samples that
    are older than that (None: nothing expires).

    Several processes may purge at once: each is destroyed, and receipted, once.
    """

    old: OldReferences
    references: ReferenceStore
    samples: OldSamples
    now: Now
    lifetime: timedelta | None

    def __call__(self) -> Sequence[Receipt]:
        self.old.forget_retries(before=self.now() - RETRIES_KEPT)
        receipts: list[Receipt] = []
        if self.lifetime is None:
            return receipts
        limit = self.now() - self.lifetime
        while expired := self.old.not_updated_since(limit, limit=_AT_A_TIME):
            for tenant_id, user_token in expired:
                receipts += self._destroy(tenant_id, user_token, limit)
        while outdated := self.samples.not_captured_since(limit, limit=_AT_A_TIME):
            for tenant_id, user_token, sample_id in outdated:
                receipts += self._destroy_sample(tenant_id, user_token, sample_id, limit)
        return receipts

    def _destroy_sample(
        self, tenant_id: TenantId, user_token: UserToken, sample_id: SampleId, limit: datetime
    ) -> Sequence[Receipt]:
        entry = self._entry(tenant_id, user_token)
        with suppress(UserTokenNotFound, SampleNotFound):  # gone or replaced meanwhile
            return [
                self.samples.remove_sample(
                    user_token,
                    sample_id,
                    entry=entry,
                    event=DestructionEvent.EXPIRED,
                    not_captured_since=limit,
                )
            ]
        return []

    def _destroy(
        self, tenant_id: TenantId, user_token: UserToken, limit: datetime
    ) -> Sequence[Receipt]:
        entry = self._entry(tenant_id, user_token)
        with suppress(UserTokenNotFound):  # deleted or updated by somebody else meanwhile
            return [
                self.references.delete(
                    user_token,
                    entry=entry,
                    event=DestructionEvent.EXPIRED,
                    not_updated_since=limit,
                )
            ]
        return []

    def _entry(self, tenant_id: TenantId, user_token: UserToken) -> ConsentEntry:
        return ConsentEntry(
            at=self.now(),
            tenant_id=tenant_id,
            key_id=None,
            operation=Processing.EXPIRE,
            declaration=Declaration.NOT_NEEDED,
            user_token=user_token,
        )
