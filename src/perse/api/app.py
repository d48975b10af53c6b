"""The application: services in, ASGI out."""

from __future__ import annotations

import os
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager

import structlog
from starlette.routing import Router
from starlette.types import ASGIApp, Lifespan, Receive, Scope, Send

from perse import __version__
from perse.api.calls import Workplace
from perse.api.door import Door
from perse.api.draining import DrainBody
from perse.api.forms import FieldKind, FormLimits
from perse.api.guarding import AnswerErrors, Cors, SafeHeaders
from perse.api.metrics import Metrics
from perse.api.observing import Observe
from perse.api.routing import endpoints_of, routes_of
from perse.api.services import Services
from perse.api.system import Readiness, system_endpoints
from perse.api.v0 import OPERATIONS
from perse.errors import NotFound

_LOOKUP_THREADS = 4
_LOOKUPS_WAITING = 1000


def create_app(services: Services) -> ASGIApp:
    """The whole server over ready services; it owns its worker threads from start to end."""
    place, metrics, readiness = _workplace(services), Metrics(), Readiness()
    _watch(metrics, place)
    endpoints: Mapping[str, Mapping[str, ASGIApp]] = {
        **endpoints_of(OPERATIONS, place),
        **system_endpoints(services, metrics, readiness),
    }
    router = Router(
        routes_of(endpoints),
        redirect_slashes=False,
        default=_unknown_path,
        lifespan=_lifespan(place, readiness),
    )
    log = structlog.get_logger("perse")
    app = Cors(AnswerErrors(router, log), services.settings.cors_origins)
    return DrainBody(Observe(SafeHeaders(app), metrics, log))


async def _unknown_path(scope: Scope, receive: Receive, send: Send) -> None:  # noqa: ARG001
    raise NotFound("there is nothing at this path: /openapi.json lists what there is")


def _workplace(services: Services) -> Workplace:
    settings = services.settings
    workers = settings.workers or usable_cores()
    return Workplace(
        services,
        compute=Door("compute", workers=workers, waiting=settings.queue_size),
        lookups=Door("lookup", workers=_LOOKUP_THREADS, waiting=_LOOKUPS_WAITING),
        limits=FormLimits({FieldKind.PICTURE: settings.max_image_bytes}),
    )


def usable_cores() -> int:
    """Cores that this process may run on, at least one."""
    if hasattr(os, "sched_getaffinity"):
        return len(os.sched_getaffinity(0))
    return os.cpu_count() or 1


def _watch(metrics: Metrics, place: Workplace) -> None:
    compute = place.compute
    metrics.watch("perse_workers_busy", "Worker threads at work.", lambda: float(compute.busy))
    metrics.watch(
        "perse_work_waiting", "Requests waiting for a worker.", lambda: float(compute.waiting)
    )
    services = place.services
    metrics.describe(__version__, services.pack, services.models)


def _lifespan(place: Workplace, readiness: Readiness) -> Lifespan[Router]:
    @asynccontextmanager
    async def lifespan(_: Router) -> AsyncIterator[None]:
        await place.compute.run(place.services.warm)
        readiness.ready = True
        yield
        readiness.ready = False
        place.compute.close()
        place.lookups.close()
        place.services.close()

    return lifespan
