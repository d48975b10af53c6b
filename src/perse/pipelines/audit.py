"""What is written of administrative acts, and read."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from typing import Protocol

from perse.domain.access import Caller, TenantId
from perse.domain.audit import AuditLink, Deed


class Acts(Protocol):
    def note(self, deed: Deed, *, caller: Caller | None = None) -> None:
        """Write down what was done, by whom; None is the operator. Raises StorageUnavailable."""
        ...


class AuditPages(Protocol):
    def page(
        self, tenant_id: TenantId, *, after: int, limit: int, since: datetime | None = None
    ) -> Sequence[AuditLink]:
        """Entries behind entry ``after`` about what is the tenant's, the oldest first; those about
        the installation, too, while it has no other tenant."""
        ...

    def intact(self, link: AuditLink) -> bool:
        """Whether an entry is what was written, and in the place where it was."""
        ...
