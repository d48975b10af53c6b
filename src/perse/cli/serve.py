"""``perse serve``."""

from __future__ import annotations

from typing import Annotated

import typer
from rich.markup import escape

from perse.api.app import create_app
from perse.api.server.berth import Berth, become_parent, take_berth
from perse.api.server.crowd import Crowd, Room
from perse.api.server.member import Serving, serve_in
from perse.api.server.server import serve as serve_app
from perse.api.telemetry.board import Board
from perse.api.telemetry.logs import configure_logs
from perse.api.telemetry.metrics import Metrics
from perse.api.telemetry.tracing import check_traces
from perse.bootstrap.actors import the_server
from perse.bootstrap.ground import lay_ground
from perse.bootstrap.services import Services, build_services, open_services
from perse.bootstrap.shares import may_fork, processes_of, share_of
from perse.bootstrap.storage import open_storage
from perse.bootstrap.weights import obtain_networks
from perse.cli.options import DataDir, Offline, Pack
from perse.cli.progress import console
from perse.cli.setup import Prepared, prepare, show_first_request
from perse.settings import Settings, load_settings

Host = Annotated[
    str | None, typer.Option(help="Address to listen on. [PERSE_HOST, else 127.0.0.1]")
]
Port = Annotated[
    int | None, typer.Option(help="Port to listen on; 0 takes a free one. [PERSE_PORT, else 8080]")
]
Processes = Annotated[
    str | None,
    typer.Option(
        help="Processes that serve; auto = one for every four cores. [PERSE_PROCESSES, else auto]"
    ),
]


def serve(
    host: Host = None,
    port: Port = None,
    data_dir: DataDir = None,
    pack: Pack = None,
    offline: Offline = None,
    processes: Processes = None,
) -> None:
    """Serve, after setting up what is missing. Ctrl-C finishes what was accepted and ends."""
    settings = load_settings(
        host=host,
        port=port,
        data_dir=data_dir,
        pack=pack,
        offline=offline,
        processes=processes,
    )
    check_traces(settings.traces)
    berth, count = take_berth(), processes_of(settings)
    if berth:
        _serve_share(settings, berth, count)
    elif count > 1:
        _hand_over(settings, prepare(settings), count)
    else:
        _serve_alone(settings, prepare(settings))


def _serve_alone(settings: Settings, prepared: Prepared) -> None:
    services = open_services(settings, prepared.on_disk)
    configure_logs(settings.log_level)

    def announce(url: str) -> None:
        shown = escape(url)
        console.print(
            f"perse is ready at [bold]{shown}[/]  (look at it in a browser: {shown}/)",
            soft_wrap=True,
        )
        if prepared.first_key:
            show_first_request(url, prepared.first_key)

    serving = _serving(services, settings, Metrics())
    serve_app(
        serving.app,
        host=settings.host,
        port=settings.port,
        on_ready=announce,
        crowd=serving.crowd,
    )


def _hand_over(settings: Settings, prepared: Prepared, count: int) -> None:
    """To a parent of processes, which starts this command again."""

    def announce(url: str) -> None:
        if prepared.first_key:
            console.print("Once perse is ready:")
            show_first_request(url, prepared.first_key)

    parents = 1 if may_fork(settings) else count
    become_parent(parents, host=settings.host, port=settings.port, on_address=announce)


def _serve_share(settings: Settings, berth: Berth, count: int) -> None:
    ground = lay_ground(settings, obtain_networks(settings))
    open_storage(
        settings, ground.signing_keys, the_server()
    ).close()  # what is wrong with it is said once
    configure_logs(settings.log_level)
    own = share_of(settings, count)

    def open_one(board: Board) -> Serving:
        return _serving(build_services(own, ground), own, Metrics(board))

    serve_in(berth, count if may_fork(settings) else 1, open_one)


def _serving(services: Services, settings: Settings, metrics: Metrics) -> Serving:
    app = create_app(services, settings, metrics)
    return Serving(app, Crowd(Room.of(settings), metrics=metrics), metrics)
