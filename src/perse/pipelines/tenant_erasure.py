"""The end of a tenant."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Protocol

from perse.domain.access import TenantId
from perse.domain.consent import ConsentEntry, Declaration, Processing
from perse.domain.receipts import Receipt
from perse.pipelines.reference_ports import Now


class Tenants(Protocol):
    def erase(self, *, entry: ConsentEntry) -> Receipt:
        """Destroy all that ``entry``'s tenant has. Raises NotFound."""
        ...


@dataclass(frozen=True, slots=True)
class EraseTenant:
    """Use case: destroy a tenant's users, keys and API keys, and say so in writing.

    Raises NotFound.
    """

    tenants: Tenants
    now: Now

    def __call__(self, tenant_id: TenantId) -> Receipt:
        return self.tenants.erase(
            entry=ConsentEntry(
                at=self.now(),
                tenant_id=tenant_id,
                key_id=None,
                operation=Processing.TENANT_DELETE,
                declaration=Declaration.NOT_NEEDED,
            )
        )
