"""The application: services in, ASGI out."""

from __future__ import annotations

from collections.abc import AsyncIterator, Callable, Sequence
from contextlib import asynccontextmanager
from functools import partial

import structlog
from starlette.routing import Router
from starlette.types import ASGIApp, Lifespan, Receive, Scope, Send

from perse import __version__
from perse.api import system, v0, v1
from perse.api.admission.access import STRANGERS, Access
from perse.api.admission.budget import ByteBudget
from perse.api.admission.door import Door
from perse.api.admission.frame_pacing import FramePacing
from perse.api.admission.loads import shared_bytes
from perse.api.admission.restraint import Restraint
from perse.api.admission.turns import Room
from perse.api.admission.turnstile import TakeTurns
from perse.api.http.boundary import AnswerErrors, Cors, SafeHeaders
from perse.api.http.calls import Readiness, Workplace
from perse.api.http.departures import NoticeDepartures
from perse.api.http.forms import FieldKind, FormLimits
from perse.api.http.openapi import openapi_endpoint
from perse.api.http.paths import PlainPaths
from perse.api.http.prefixes import KnowPrefix
from perse.api.http.proxies import party_of
from perse.api.http.routing import endpoints_of, routes_of
from perse.api.http.sockets import SocketOperation, socket_endpoints
from perse.api.http.terms import Terms
from perse.api.server.priority import FURTHER_STEPS, step_back
from perse.api.server.unread_bodies import DrainBody
from perse.api.services import Services
from perse.api.telemetry.metrics import Metrics
from perse.api.telemetry.observation import Observe
from perse.api.telemetry.tracing import Tracer, open_tracer
from perse.bootstrap.shares import usable_cores
from perse.chores import Chore
from perse.errors import NotFound
from perse.own_memory import give_back_freed_memory
from perse.settings import Settings
from perse.web.capture import capture_endpoints
from perse.web.console import console_endpoints
from perse.web.swagger import swagger_endpoints

OPERATIONS = (*v0.OPERATIONS, *v1.OPERATIONS, *system.OPERATIONS)
SOCKETS: tuple[SocketOperation, ...] = v1.SOCKETS
_ACCESS_THREADS = 2
_WAITING_BRIEFLY = 1000
_ABOUT_S = 1.0
_GIVE_BACK_S = 20.0
_LONG_QUESTION_S = 0.02


def create_app(
    services: Services,
    settings: Settings,
    metrics: Metrics | None = None,
    restraint: Restraint | None = None,
    sockets: Sequence[SocketOperation] = SOCKETS,
) -> ASGIApp:
    """The whole server over ready services; it owns its worker threads from start to end."""
    workplace = _workplace(services, settings, metrics or Metrics(), restraint or Restraint())
    _watch(workplace)
    tracer = _tracer(services, settings, workplace.metrics)
    talks = socket_endpoints(sockets, workplace, settings.cors_origins)
    router = Router(
        routes_of(endpoints_of(OPERATIONS, workplace) | talks | _documentation(sockets)),
        redirect_slashes=False,
        default=_unknown_path,
        lifespan=_lifespan(workplace, tracer),
    )
    log = structlog.get_logger("perse")
    prefixed = KnowPrefix(PlainPaths(router), settings.root_path, settings.trusted_proxies)
    app = Cors(
        AnswerErrors(prefixed, log, workplace.metrics), settings.cors_origins, settings.cors_headers
    )
    fair = TakeTurns(
        SafeHeaders(app), workplace.turnstile, workplace.restraint, _party_of(workplace.access)
    )
    observed = Observe(fair, workplace.metrics, log, tracer, settings.server_timing)
    return NoticeDepartures(
        DrainBody(
            observed,
            turnstile=workplace.turnstile,
            restraint=workplace.restraint,
            proxies=settings.trusted_proxies,
        )
    )


def _tracer(services: Services, settings: Settings, metrics: Metrics) -> Tracer | None:
    tracer = open_tracer(
        settings.traces, settings.traces_share, version=__version__, pack=services.pack
    )
    if tracer:
        metrics.count("perse_spans", "Spans of traces made.", lambda: tracer.made)
        metrics.count(
            "perse_spans_delivered", "Spans that a collector has.", lambda: tracer.delivered
        )
    return tracer


def _party_of(access: Access) -> Callable[[Scope], str]:
    """Whose request one is: a tenant's, or that of strangers at one address."""

    def party(scope: Scope) -> str:
        peer = scope["client"][0] if scope.get("client") else None
        return access.party_of(scope) or f"{STRANGERS}@{party_of(peer)}"

    return party


def _documentation(sockets: Sequence[SocketOperation]) -> dict[str, dict[str, ASGIApp]]:
    pages = {
        "/openapi.json": openapi_endpoint(OPERATIONS, sockets),
        **swagger_endpoints(),
        **capture_endpoints(),
        **console_endpoints(),
    }
    return {path: {"GET": page} for path, page in pages.items()}


async def _unknown_path(scope: Scope, receive: Receive, send: Send) -> None:  # noqa: ARG001
    raise NotFound("there is nothing at this path: /openapi.json lists what there is")


def _workplace(
    services: Services, settings: Settings, metrics: Metrics, restraint: Restraint
) -> Workplace:
    workers = settings.workers or usable_cores()
    limits = FormLimits(
        {
            FieldKind.PICTURE: settings.max_image_bytes,
            FieldKind.RECORDING: settings.max_audio_bytes,
        },
        upload_s=settings.upload_timeout_s,
    )

    door = partial(_door, metrics)
    questions = partial(door, charge=restraint.owe)
    shared = shared_bytes(workers, settings.max_image_pixels)
    access = questions("access", Room(_ACCESS_THREADS, _WAITING_BRIEFLY))
    return Workplace(
        services,
        compute=door(
            "compute",
            Room(workers, settings.queue_size, bulk=shared, about_s=_ABOUT_S),
            on_thread=step_back,
            on_long_thread=partial(step_back, FURTHER_STEPS),
        ),
        lookups=questions("storage", _room_for_questions(workers)),
        access=Access(access, services.authenticator, services.call_limits, services.quotas),
        bodies=ByteBudget(
            # One tenant alone may hold half of it: the largest form must fit into that.
            max(settings.body_memory_bytes, 2 * limits.largest_body),
            refused=partial(metrics.refuse, "bodies"),
        ),
        limits=limits,
        metrics=metrics,
        readiness=Readiness(),
        terms=Terms.of(settings),
        restraint=restraint,
        pacing=FramePacing(workers, partial(metrics.refuse, "liveness")),
    )


def _room_for_questions(workers: int) -> Room:
    return Room(
        max(2, min(4, workers)),
        _WAITING_BRIEFLY,
        spare=2,
        short_s=_LONG_QUESTION_S,
        about_s=_ABOUT_S,
    )


def _door(metrics: Metrics, name: str, room: Room, **told: Callable[..., None]) -> Door:
    return Door(name, room, refused=partial(metrics.refuse, name), **told)


def _watch(workplace: Workplace) -> None:
    watch, compute, storage = workplace.metrics.watch, workplace.compute, workplace.lookups
    index, pacing = workplace.services.searching.index, workplace.pacing
    for name, description, read in (
        ("perse_workers", "Worker threads.", lambda: compute.places),
        ("perse_workers_busy", "Worker threads at work.", lambda: compute.busy),
        ("perse_work_waiting", "Requests waiting for a worker.", lambda: compute.waiting),
        (
            "perse_tenants_waiting",
            "Tenants whose requests wait for a worker.",
            lambda: compute.tenants_waiting,
        ),
        ("perse_storage_waiting", "Requests waiting for storage.", lambda: storage.waiting),
        ("perse_body_bytes", "Bytes of requests held.", lambda: workplace.bodies.held),
        ("perse_liveness_sessions", "Liveness sessions that run.", lambda: pacing.sessions),
        ("perse_search_templates", "Templates in memory.", lambda: index.templates),
        ("perse_search_bytes", "Bytes of templates in memory.", lambda: index.bytes_held),
        ("perse_search_loading", "Tenants whose templates are read.", lambda: index.loading),
        (
            "perse_search_behind_seconds",
            "Seconds since all templates in memory were those that are stored.",
            lambda: index.behind_s,
        ),
    ):
        watch(name, description, read)
    count = workplace.metrics.count
    count("perse_searches", "Searches among subjects.", lambda: index.tally.searches)
    count(
        "perse_search_seconds",
        "Seconds of searches, without networks.",
        lambda: index.tally.seconds,
    )
    services = workplace.services
    workplace.metrics.describe(__version__, services.pack, services.models)


async def _warm(workplace: Workplace) -> None:
    """So that the first request to come through a door finds it open."""
    await workplace.compute.prepare(workplace.services.warm)
    await workplace.lookups.prepare()
    await workplace.access.door.prepare()


def _lifespan(workplace: Workplace, tracer: Tracer | None) -> Lifespan[Router]:
    @asynccontextmanager
    async def lifespan(_: Router) -> AsyncIterator[None]:
        await _warm(workplace)
        giving_back = Chore(give_back_freed_memory, every_s=_GIVE_BACK_S, name="perse-memory")
        workplace.readiness.ready = True
        yield
        workplace.readiness.ready = False
        giving_back.close()
        workplace.compute.close()
        workplace.lookups.close()
        workplace.access.door.close()
        workplace.services.close()
        if tracer:
            tracer.close()

    return lifespan
