"""Every biometric call is written down before it is answered, refused ones too."""

from __future__ import annotations

from collections.abc import Iterator
from concurrent.futures import Future
from contextlib import contextmanager
from dataclasses import dataclass, replace

from perse.domain.access import Caller, KeyId, TenantId
from perse.domain.consent import ConsentEntry, Declaration, Processing
from perse.domain.references import UserToken
from perse.errors import EnduserConsentRequired, TracesRemain
from perse.pipelines.reference_ports import ConsentLedger, Now

_REFUSALS = {
    Declaration.REFUSED: (
        "the end user's consent was declared to be missing: nothing was processed"
    ),
    Declaration.ABSENT: ("declare the end user's consent: client_declaration_enduser_consent=true"),
}


@dataclass(frozen=True, slots=True)
class RecordConsent:
    """``required``: a call without a declaration is refused. ``purpose``: the text kept with
    every entry, such as "account recovery"."""

    ledger: ConsentLedger
    now: Now
    required: bool = False
    purpose: str | None = None

    def entry(
        self,
        caller: Caller,
        operation: Processing,
        declaration: Declaration,
        user_token: UserToken | None = None,
    ) -> ConsentEntry:
        """What is to be written of a call that begins now."""
        return self.entry_of(caller.tenant_id, caller.key_id, operation, declaration, user_token)

    def entry_of(
        self,
        tenant_id: TenantId,
        key_id: KeyId | None,
        operation: Processing,
        declaration: Declaration,
        user_token: UserToken | None = None,
    ) -> ConsentEntry:
        """The same where no key calls: ``key_id`` None is the operator."""
        return ConsentEntry(
            at=self.now(),
            tenant_id=tenant_id,
            key_id=key_id,
            operation=operation,
            declaration=declaration,
            user_token=user_token,
            purpose=self.purpose,
        )

    def begin(self, entry: ConsentEntry) -> Future[None]:
        """Write ``entry`` while the call goes on; wait for the result before answering."""
        return self.ledger.begin(entry)

    def check(self, entry: ConsentEntry) -> None:
        """Raises EnduserConsentRequired when nothing may be processed."""
        absent_forbids = self.required and entry.declaration == Declaration.ABSENT
        if absent_forbids or entry.declaration == Declaration.REFUSED:
            raise EnduserConsentRequired(_REFUSALS[Declaration(entry.declaration)])

    @contextmanager
    def with_change(self, entry: ConsentEntry) -> Iterator[None]:
        """For a call that writes ``entry`` together with its change: only when the change does
        not come about is the entry written here. Raises as ``check``."""
        try:
            self.check(entry)
            yield
        except TracesRemain:  # the change came about, and its entry with it
            raise
        except Exception:
            self.ledger.begin(entry).result()
            raise


def naming(entry: ConsentEntry, user_token: UserToken) -> ConsentEntry:
    """``entry``, of the user that the call has made."""
    return replace(entry, user_token=user_token)
