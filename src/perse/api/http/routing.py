"""From declared operations to routes."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass

from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route
from starlette.types import ASGIApp, Receive, Scope, Send

from perse.api.admission.access import STRANGERS, credentials_of
from perse.api.http.answers import Answer
from perse.api.http.calls import Call, Workplace
from perse.api.http.operations import Operation
from perse.api.http.problems import problem_response
from perse.api.telemetry.exchange import Exchange, exchange_of
from perse.domain.access import Caller
from perse.errors import MethodNotAllowed

_NO_CONTENT = 204


@dataclass(frozen=True, slots=True)
class OperationEndpoint:
    """Finds out who calls and whether it may, then lets the operation answer.

    Whoever called within the last second is known without a look-up. What would have to wait for
    a full queue is refused then, before a byte of its body is read.
    """

    operation: Operation
    workplace: Workplace

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        request = Request(scope, receive)
        needs = self.operation.needs
        caller = await self._caller(request) if needs else None
        if needs and caller:
            needs.check_before(caller)
        with self.workplace.bodies.holding(caller.tenant_id if caller else STRANGERS) as body:
            call = Call(
                self.workplace,
                request,
                self.operation.fields,
                self.operation.processes,
                needs,
                caller,
                body,
            )
            try:
                answer = await self.operation.answer(call)
            finally:
                await call.entries_written()
        if isinstance(answer, Answer):
            answer = Response(answer.to_json(), media_type="application/json")
        await answer(scope, receive, send)

    async def _caller(self, request: Request) -> Caller:
        exchange = exchange_of(request.scope)
        sent = credentials_of(request.headers)
        caller = await self.workplace.access.caller(sent, exchange.party)
        exchange.key_id = caller.key_id
        self.workplace.restraint.see(caller.tenant_id)
        return caller


@dataclass(frozen=True, slots=True)
class MethodTable:
    """One path: the right endpoint for each method, and what to say of the others."""

    path: str
    endpoints: Mapping[str, ASGIApp]

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        exchange = exchange_of(scope)
        exchange.route = self.path
        endpoint = self.endpoints.get(_served_as(scope["method"]))
        if endpoint is None:
            endpoint = self._about_methods(scope["method"], exchange)
        await endpoint(scope, receive, send)

    def _about_methods(self, method: str, exchange: Exchange) -> Response:
        allow = ", ".join(sorted({*self.endpoints, "OPTIONS"}))
        if method == "OPTIONS":
            return Response(status_code=_NO_CONTENT, headers={"Allow": allow})
        refusal = MethodNotAllowed(f"this path knows {allow}, not this method")
        exchange.code = refusal.code
        return problem_response(refusal, headers={"Allow": allow})


def _served_as(method: str) -> str:
    """A HEAD is a GET whose body the server keeps to itself (RFC 9110)."""
    return "GET" if method == "HEAD" else method


def routes_of(endpoints: Mapping[str, Mapping[str, ASGIApp]]) -> list[Route]:
    """Routes of paths and their methods, each with and without a trailing slash.

    A browser may not follow a redirect of a preflight, so both forms are served as they are.
    """
    tables = [MethodTable(path, methods) for path, methods in endpoints.items()]
    forms = [(form, table) for table in tables for form in {table.path, slashed(table.path)}]
    return [Route(form, table) for form, table in forms]


def slashed(path: str) -> str:
    """The path with a trailing slash."""
    return path if path.endswith("/") else path + "/"


def endpoints_of(
    operations: Iterable[Operation], workplace: Workplace
) -> dict[str, dict[str, ASGIApp]]:
    """Path -> method -> endpoint."""
    endpoints: dict[str, dict[str, ASGIApp]] = {}
    for operation in operations:
        methods = endpoints.setdefault(operation.path, {})
        methods[operation.method] = OperationEndpoint(operation, workplace)
    return endpoints
