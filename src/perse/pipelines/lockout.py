"""The end of a lockout, by an operator."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Protocol

from perse.domain.access import TenantId
from perse.domain.references import UserToken
from perse.errors import UserTokenNotFound
from perse.pipelines.reference_ports import Owners


class Lockouts(Protocol):
    def unlock(self, tenant_id: TenantId, user_token: UserToken) -> None:
        """Forget every failed comparison. Raises UserTokenNotFound."""
        ...


@dataclass(frozen=True, slots=True)
class UnlockUser:
    """Use case: forget the failed comparisons against a user. Raises UserTokenNotFound."""

    tenants: Owners
    guesses: Lockouts

    def __call__(self, user_token: UserToken) -> None:
        owners = self.tenants.owners(user_token)
        if not owners:
            raise UserTokenNotFound(f"no user has the token {user_token}")
        for tenant_id in owners:
            self.guesses.unlock(tenant_id, user_token)
