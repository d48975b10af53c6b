"""``perse secrets``: the keys that seal what is kept."""

from __future__ import annotations

from typing import Annotated

import typer

from perse.bootstrap.storage import open_storage
from perse.bootstrap.upkeep import wire_rotation
from perse.cli.options import DataDir
from perse.settings import load_settings

app = typer.Typer(help="Rotate the keys that seal templates.", no_args_is_help=True)


@app.callback()
def _group() -> None:
    """Rotate the keys that seal templates."""


@app.command()
def rotate(
    tenant_keys: Annotated[
        bool,
        typer.Option(
            "--tenant-keys",
            help="Renew the tenants' keys, too: whatever old copies of the database hold of "
            "deleted users cannot be opened any more.",
        ),
    ] = False,
    data_dir: DataDir = None,
) -> None:
    """Wrap everything with a new master key; servers go on serving.

    One at a time on a database; run it again if it was interrupted. With the key in a file, this
    makes the new key and drops the old one. With PERSE_MASTER_KEY or PERSE_MASTER_KEY_COMMAND,
    give the new key first and the old one second, restart the servers, rotate, and then take the
    old one out.
    """
    settings = load_settings(data_dir=data_dir)
    with open_storage(settings) as storage:
        done = wire_rotation(settings, storage)(renew_tenant_keys=tenant_keys)
    typer.echo(f"master key {done.master_key} wraps {done.tenant_keys} tenant keys")
    if done.data_keys is not None:
        typer.echo(f"tenant keys renewed, {done.data_keys} data keys wrapped anew")
    if not done.new:
        typer.echo("it is the same master key as before: give a new one first to change it")
    if done.drop_old:
        typer.echo("now take the old master key out of the setting or command")
