"""How the installation is: for its operator, and of other tenants totals alone."""

from __future__ import annotations

import time
from typing import Annotated, Any, Literal

from pydantic import Field, FiniteFloat

from perse import __version__
from perse.api.http.answers import Answer, Success
from perse.api.http.calls import Call
from perse.api.http.needs import Needs
from perse.api.http.operations import Operation
from perse.api.v0.measures import number
from perse.bootstrap.examination import Finding
from perse.domain.access import Permission
from perse.weights.cards import ModelCard, PackagedSource, PackageSource, UrlSource

Count = Annotated[int, Field(ge=0)]


class WireLicence(Answer):
    code: str
    weights: str
    training_data: str
    commercial_use: str


class WireNetwork(Answer):
    role: str
    name: str
    origin: str = Field(description="Where its makers published it.")
    licence: WireLicence


class WireLoad(Answer):
    workers: Count = Field(description="Worker threads there are.")
    busy: Count = Field(description="Worker threads at work.")
    waiting: Count = Field(description="Requests waiting for a worker.")
    in_flight: Count = Field(description="Requests being answered.")


class WireIndexes(Answer):
    """Of all tenants together."""

    templates: Count = Field(description="Templates in memory.")
    bytes: Count = Field(description="Bytes of templates in memory.")
    loading: Count = Field(description="Tenants whose templates are being read.")
    searches: Count = Field(description="Searches since the start.")


class WireFinding(Answer):
    name: str
    state: Literal["ok", "warning", "failed"]
    sentence: str = Field(description="What is, or what to do.")


class StatusAnswer(Success):
    ready: bool
    version: str
    pack: str
    uptime_s: FiniteFloat = Field(
        ge=0, description="Seconds since the process that answers was started."
    )
    networks: list[WireNetwork]
    load: WireLoad
    answers: dict[str, Count] = Field(
        description="How many answers there were since the start, by HTTP status."
    )
    errors: dict[str, Count] = Field(description="How many of them were errors, by code.")
    search: WireIndexes
    findings: list[WireFinding] = Field(description="What `perse doctor` says, seconds old.")


async def show_status(call: Call) -> StatusAnswer:
    """How the installation is."""
    workplace, services = call.workplace, call.services
    findings = await call.look_up(services.examine)
    return StatusAnswer(
        ready=workplace.readiness.ready,
        version=__version__,
        pack=services.pack,
        uptime_s=number(time.monotonic() - workplace.started_s),
        networks=[_network(role, card) for role, card in services.cards.items()],
        **_counted(call),
        findings=[_finding(it) for it in findings],
        time_taken=call.time_taken(),
    )


def _counted(call: Call) -> dict[str, Any]:
    """Of all processes of the server."""
    counted = call.workplace.metrics.counted()
    return {
        "load": WireLoad(
            workers=counted.total("perse_workers"),
            busy=counted.total("perse_workers_busy"),
            waiting=counted.total("perse_work_waiting"),
            in_flight=counted.total("perse_http_requests_in_flight"),
        ),
        "answers": counted.by("perse_http_requests_total", "status"),
        "errors": counted.by("perse_http_errors_total", "code"),
        "search": WireIndexes(
            templates=counted.total("perse_search_templates"),
            bytes=counted.total("perse_search_bytes"),
            loading=counted.total("perse_search_loading"),
            searches=counted.total("perse_searches_total"),
        ),
    }


def _network(role: str, card: ModelCard) -> WireNetwork:
    licence = {name: getattr(card.licence, name) for name in WireLicence.model_fields}
    return WireNetwork(
        role=role, name=card.name, origin=_origin(card), licence=WireLicence(**licence)
    )


def _origin(card: ModelCard) -> str:
    """An address where there is one; never a path of this machine."""
    addresses = [it.url for it in card.sources if isinstance(it, UrlSource)]
    packages = [
        f"{it.package} {it.version}" for it in card.sources if isinstance(it, PackageSource)
    ]
    if any(isinstance(it, PackagedSource) for it in card.sources):
        return "ships with perse"
    return next(iter([*addresses, *packages]), "a file of the operator's own")


def _finding(finding: Finding) -> WireFinding:
    return WireFinding(name=finding.subject, state=finding.state.value, sentence=finding.text)


_EXAMPLE: dict[str, Any] = {
    "ready": True,
    "version": __version__,
    "pack": "standard",
    "uptime_s": 86412.5,
    "networks": [
        {
            "role": "face_attack_detector",
            "name": "perse_pad",
            "origin": "ships with perse",
            "licence": {
                "code": "Apache-2.0",
                "weights": "Apache-2.0",
                "training_data": "freely licensed",
                "commercial_use": "allowed",
            },
        }
    ],
    "load": {"workers": 2, "busy": 1, "waiting": 0, "in_flight": 2},
    "answers": {"200": 1290, "422": 12},
    "errors": {"no_face_detected": 12},
    "search": {"templates": 640, "bytes": 1310720, "loading": 0, "searches": 88},
    "findings": [{"name": "database", "state": "ok", "sentence": "2 active API keys"}],
    "time_taken": 0.031,
    "status": 200,
}

OPERATIONS = (
    Operation(
        "GET",
        "/v1/status",
        show_status,
        StatusAnswer,
        summary="How the installation is",
        tag="operation",
        description="Networks with their licences, load, answers by status and by error code, the "
        "search's memory, and what `perse doctor` finds. Of tenants it tells nothing but what all "
        "of them come to together.",
        processes=None,
        needs=Needs.of(Permission.OPERATE),
        example=_EXAMPLE,
    ),
)
