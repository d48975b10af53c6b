"""Who calls, how often, and who logs in: without waiting for anybody else's work."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from dataclasses import dataclass, field
from functools import partial

from starlette.datastructures import Headers
from starlette.types import Scope

from perse.api.admission.door import Door
from perse.auth.authenticator import Authenticator
from perse.auth.credentials import Credentials, read_credentials
from perse.domain.access import Caller, KeyId, TenantId
from perse.errors import Unauthorized
from perse.pipelines.call_limits import CallLimits
from perse.pipelines.quotas import Allowances, Leave

# The party of everybody who is not known at all: strangers wait for one another only.
STRANGERS = ""


def credentials_of(headers: Headers) -> Credentials:
    """What a request says of who sends it. Raises Unauthorized for what contradicts itself."""
    return read_credentials(headers.getlist("authorization"), headers.getlist("x-api-key"))


@dataclass(frozen=True, slots=True)
class Access:
    """``door`` is for nothing else, so that no list and no slow deletion stands before it.
    ``limits`` None: nobody counts calls of keys. ``allowances``: what tenants may still use."""

    door: Door
    authenticator: Authenticator
    limits: CallLimits | None
    allowances: Allowances
    _leasing: dict[TenantId, asyncio.Task[None]] = field(default_factory=dict)
    _asking: dict[KeyId, asyncio.Task[Caller]] = field(default_factory=dict)

    def party_of(self, scope: Scope) -> str:
        """Whose request it is, as far as that is known without asking anybody: whose it was when
        the same credentials were good last, or a stranger's. Nobody gets in by this."""
        try:
            remembered = self.authenticator.remember(credentials_of(Headers(scope=scope)))
        except Unauthorized:
            return STRANGERS
        return remembered.tenant_id if remembered else STRANGERS

    async def caller(self, sent: Credentials, party: str) -> Caller:
        """The caller behind a request's credentials, whose call is counted. ``party``: whose the
        request is, as far as that is known. Raises Unauthorized, RateLimited or QuotaExceeded.

        One who is known from the last second waits for nothing. When half of that is over, the
        key store is asked again while the request goes on.
        """
        ask = partial(self.authenticator.authenticate, sent)
        known = self.authenticator.recall(sent)
        if known is None:
            caller = await self.door.run(party, ask)
        else:
            caller = known.caller
            if known.due:
                self._ask_again(caller, ask)
        if self.limits is not None:
            await self.door.run(caller.tenant_id, partial(self.limits.take, caller.key_id))
        await self._given(caller.tenant_id, self.allowances.spend_request)
        return caller

    async def room_for_upload(self, tenant_id: TenantId) -> None:
        """Raises QuotaExceeded where no body may come any more."""
        await self._given(tenant_id, self.allowances.room_for_upload)

    async def _given(self, tenant_id: TenantId, ask: Callable[..., Leave]) -> None:
        """Where more has to be leased for it, all who wait share one look at the database. Raises
        QuotaExceeded."""
        leave = ask(tenant_id)
        while leave is Leave.UNKNOWN:
            await asyncio.shield(self._lease(tenant_id))
            leave = ask(tenant_id, leased=True)
        if leave is Leave.DUE:
            self._lease(tenant_id)

    def _lease(self, tenant_id: TenantId) -> asyncio.Task[None]:
        leasing = self._leasing.get(tenant_id)
        if leasing is None:
            more = self.door.run(tenant_id, partial(self.allowances.lease, tenant_id))
            leasing = self._leasing[tenant_id] = asyncio.ensure_future(more)
            leasing.add_done_callback(partial(self._leased, tenant_id))
        return leasing

    def _leased(self, tenant_id: TenantId, leasing: asyncio.Future[None]) -> None:
        self._leasing.pop(tenant_id, None)
        if not leasing.cancelled():
            leasing.exception()  # seen, also where nobody waits for it

    async def log_in(self, private_key: str, party: str) -> str:
        """A session token. Raises Unauthorized."""
        return await self.door.run(party, partial(self.authenticator.login, private_key))

    def _ask_again(self, caller: Caller, ask: Callable[[], Caller]) -> None:
        """Where the answer is no, or none comes, the caller is a stranger when the second ends."""
        if caller.key_id in self._asking:
            return
        asking = asyncio.ensure_future(self.door.run(caller.tenant_id, ask))
        self._asking[caller.key_id] = asking
        asking.add_done_callback(partial(self._answered, caller.key_id))

    def _answered(self, key_id: KeyId, asking: asyncio.Future[Caller]) -> None:
        self._asking.pop(key_id, None)
        if not asking.cancelled():
            asking.exception()  # seen: nobody waits for it
