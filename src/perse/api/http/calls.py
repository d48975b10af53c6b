"""One call of an operation: what its code may ask for."""

from __future__ import annotations

import asyncio
import json
import time
from collections.abc import Callable, Coroutine, Mapping
from concurrent.futures import Future
from dataclasses import dataclass, field

from starlette.requests import ClientDisconnect, Request

from perse.api.admission.access import Access
from perse.api.admission.budget import ByteBudget, Holding
from perse.api.admission.door import Door, Load
from perse.api.admission.frame_pacing import FramePacing
from perse.api.admission.restraint import Restraint
from perse.api.admission.turnstile import Turnstile
from perse.api.http.consent import Processes, declaration_of
from perse.api.http.content_encoding import refuse_encoded
from perse.api.http.departures import departure
from perse.api.http.forms import Form, FormField, FormLimits, arriving_within, read_form
from perse.api.http.needs import Needs
from perse.api.http.terms import Terms
from perse.api.services import Services
from perse.api.telemetry.exchange import exchange_of
from perse.api.telemetry.metrics import Metrics
from perse.domain.access import Caller
from perse.domain.consent import Declaration, Processing
from perse.domain.references import UserToken
from perse.errors import InvalidParameter, Unauthorized
from perse.pipelines.ports import Result
from perse.stages import Stage, during

_LARGEST_JSON_BYTES = 4096


@dataclass(slots=True)
class Readiness:
    """False until every network has run once, and again when the server begins to end."""

    ready: bool = False


@dataclass(frozen=True, slots=True)
class Workplace:
    """What all calls share. ``compute`` is for networks and decoders and as wide as the machine;
    ``lookups`` is for short waits on the database. ``bodies`` counts the bytes of requests that
    are held; ``turnstile`` and ``restraint`` share the event loop, ``pacing`` the workers among
    liveness sessions."""

    services: Services
    compute: Door
    lookups: Door
    access: Access
    bodies: ByteBudget
    limits: FormLimits
    metrics: Metrics
    readiness: Readiness
    terms: Terms
    pacing: FramePacing
    started_s: float = field(default_factory=time.monotonic)
    turnstile: Turnstile = field(default_factory=Turnstile)
    restraint: Restraint = field(default_factory=Restraint)


@dataclass(frozen=True, slots=True)
class Call:
    """``fields``, ``processes`` and ``needs`` are what the operation declares."""

    workplace: Workplace
    request: Request
    fields: tuple[FormField, ...]
    processes: Processes | None
    needs: Needs | None
    known_caller: Caller | None
    body: Holding
    writing: list[Future[None]] = field(default_factory=list)

    @property
    def services(self) -> Services:
        return self.workplace.services

    @property
    def caller(self) -> Caller:
        """Who calls. Raises Unauthorized on an operation that does not ask."""
        if self.known_caller is None:
            raise Unauthorized("this operation needs to know who calls")
        return self.known_caller

    def time_taken(self) -> float:
        """Seconds since the request began, as answers carry it."""
        return round(exchange_of(self.request.scope).elapsed_s(), 6)

    async def form(self) -> Form:
        """The form as it was sent, and what it asks for is in the consent ledger or on its way.

        Refuses before reading when there is no room inside. Raises EnduserConsentRequired when the
        form or its silence forbids the processing, PermissionMissing, QuotaExceeded, and
        InvalidParameter.
        """
        tenant_id, limits = self.caller.tenant_id, self.workplace.limits
        self.workplace.compute.refuse_when_full(tenant_id)
        await self.workplace.access.room_for_upload(tenant_id)
        try:
            form = await read_form(
                self.request, self.fields, limits, holding=self.body, turn=self.turn
            )
        finally:
            self.services.quotas.spend_bytes(tenant_id, self.body.size)
        if self.needs:
            self.needs.check(self.caller, form)
        if self.processes and not self.processes.with_change:
            asked = self.processes.of(form, self.request.path_params)
            self._record(*asked, declaration_of(form))
        return form

    async def turn(self) -> None:
        """Return when it is the tenant's turn on the event loop."""
        await self.workplace.turnstile.passes(self.caller.tenant_id)

    def _record(
        self, processing: Processing, user_token: UserToken | None, declaration: Declaration
    ) -> None:
        """The answer waits for it."""
        consent = self.services.consent
        entry = consent.entry(self.caller, processing, declaration, user_token)
        self.writing.append(consent.begin(entry))
        consent.check(entry)

    async def entries_written(self) -> None:
        """Wait until what was recorded cannot be lost. Raises StorageUnavailable."""
        if not self.writing:
            return
        with during(Stage.STORE):
            for written in self.writing:
                await asyncio.wrap_future(written)

    async def json_object(self) -> Mapping[str, object]:
        """The body as a JSON object, whatever its Content-Type.

        Raises ContentEncodingUnsupported or InvalidParameter.
        """
        refuse_encoded(self.request.headers)
        body = bytearray()
        async with arriving_within(self.workplace.limits.upload_s):
            async for chunk in self.request.stream():
                body += chunk
                if len(body) > _LARGEST_JSON_BYTES:
                    raise InvalidParameter(f"the body is longer than {_LARGEST_JSON_BYTES} bytes")
        return json_object_of(bytes(body), "the body")

    async def compute(self, work: Callable[[], Result], *, load: Load) -> Result:
        """Do blocking work behind the door; drop it when the client leaves before its turn."""
        tenant_id = self.caller.tenant_id
        return await self._while_wanted(self.workplace.compute.run(tenant_id, work, load=load))

    async def look_up(self, work: Callable[[], Result]) -> Result:
        """Do short blocking work for the caller's tenant, such as a question to the database."""
        return await self.workplace.lookups.run(self.caller.tenant_id, work)

    async def _while_wanted(self, work: Coroutine[None, None, Result]) -> Result:
        working = asyncio.create_task(work)
        leaving = asyncio.create_task(departure(self.request.receive))
        leaving.add_done_callback(_giving_up(working))
        try:
            return await working
        except asyncio.CancelledError:
            if leaving.done():
                raise ClientDisconnect from None
            raise
        finally:
            leaving.cancel()
            del working  # holds what was raised, which holds this frame: a circle round the body


def _giving_up(working: asyncio.Task[Result]) -> Callable[[object], object]:
    return lambda _: working.cancel()


def json_object_of(content: bytes, name: str) -> Mapping[str, object]:
    """What is sent as that ``name``. Raises InvalidParameter."""
    try:
        document = json.loads(content)
    except (ValueError, RecursionError):
        raise InvalidParameter(f"{name} is not valid JSON") from None
    if not isinstance(document, dict):
        raise InvalidParameter(f"{name} is not a JSON object")
    return document
