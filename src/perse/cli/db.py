"""``perse db``: the database's schema."""

from __future__ import annotations

import typer

from perse.bootstrap.schema import database_status, upgrade_database
from perse.cli.options import DataDir
from perse.settings import load_settings

app = typer.Typer(help="See and upgrade the database's schema.", no_args_is_help=True)


@app.command()
def status(data_dir: DataDir = None) -> None:
    """Say which schema the database has, and what an upgrade would do. Exit 1 when it would."""
    found = database_status(load_settings(data_dir=data_dir))
    typer.echo(f"kind     {found.kind}")
    typer.echo(f"schema   {found.schema.current or 'none yet'}")
    typer.echo(f"newest   {found.schema.newest}")
    typer.echo(f"pending  {', '.join(found.schema.pending) or 'nothing'}")
    raise typer.Exit(1 if found.schema.pending else 0)


@app.command()
def upgrade(data_dir: DataDir = None) -> None:
    """Bring the database to this version's schema. The server does the same when it starts."""
    before = upgrade_database(load_settings(data_dir=data_dir)).schema
    done = ", ".join(before.pending)
    typer.echo(f"applied {done}" if done else f"nothing to do: the schema is {before.newest}")
