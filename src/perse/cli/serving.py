"""``perse setup`` and ``perse serve``."""

from __future__ import annotations

from typing import Annotated

import typer

from perse.api.app import create_app
from perse.api.logs import configure_logs
from perse.api.server import serve as serve_app
from perse.bootstrap.services import open_services
from perse.cli.options import DataDir, Offline, Pack
from perse.cli.progress import console
from perse.cli.setting_up import prepare
from perse.settings import load_settings

Host = Annotated[
    str | None, typer.Option(help="Address to listen on. [PERSE_HOST, else 127.0.0.1]")
]
Port = Annotated[
    int | None, typer.Option(help="Port to listen on; 0 takes a free one. [PERSE_PORT, else 8080]")
]


def setup(data_dir: DataDir = None, pack: Pack = None, offline: Offline = None) -> None:
    """Fetch and verify the weights, and make the data folder and a first API key."""
    prepare(load_settings(data_dir=data_dir, pack=pack, offline=offline))


def serve(
    host: Host = None,
    port: Port = None,
    data_dir: DataDir = None,
    pack: Pack = None,
    offline: Offline = None,
) -> None:
    """Serve, after setting up what is missing. Ctrl-C finishes what was accepted and ends."""
    settings = load_settings(host=host, port=port, data_dir=data_dir, pack=pack, offline=offline)
    services = open_services(settings, prepare(settings))
    configure_logs(settings.log_level)
    serve_app(
        create_app(services),
        host=settings.host,
        port=settings.port,
        on_ready=lambda url: console.print(
            f"perse is ready at [bold]{url}[/]  (try it in a browser: {url}/swagger/)"
        ),
    )
