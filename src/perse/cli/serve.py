"""``perse serve``."""

from __future__ import annotations

from typing import Annotated

import typer
from rich.markup import escape

from perse.api.app import create_app
from perse.api.server.crowd import Crowd, Room
from perse.api.server.server import serve as serve_app
from perse.api.telemetry.logs import configure_logs
from perse.api.telemetry.metrics import Metrics
from perse.bootstrap.services import open_services
from perse.cli.options import DataDir, Offline, Pack
from perse.cli.progress import console
from perse.cli.setup import prepare, show_first_request
from perse.settings import load_settings

Host = Annotated[
    str | None, typer.Option(help="Address to listen on. [PERSE_HOST, else 127.0.0.1]")
]
Port = Annotated[
    int | None, typer.Option(help="Port to listen on; 0 takes a free one. [PERSE_PORT, else 8080]")
]


def serve(
    host: Host = None,
    port: Port = None,
    data_dir: DataDir = None,
    pack: Pack = None,
    offline: Offline = None,
) -> None:
    """Serve, after setting up what is missing. Ctrl-C finishes what was accepted and ends."""
    settings = load_settings(host=host, port=port, data_dir=data_dir, pack=pack, offline=offline)
    prepared = prepare(settings)
    services = open_services(settings, prepared.on_disk)
    configure_logs(settings.log_level)

    def announce(url: str) -> None:
        shown = escape(url)
        console.print(
            f"perse is ready at [bold]{shown}[/]  (try it in a browser: {shown}/swagger/)",
            soft_wrap=True,
        )
        if prepared.first_key:
            show_first_request(url, prepared.first_key)

    metrics = Metrics()
    serve_app(
        create_app(services, settings, metrics),
        host=settings.host,
        port=settings.port,
        on_ready=announce,
        crowd=Crowd(Room.of(settings), metrics=metrics),
    )
