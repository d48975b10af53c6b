"""``perse db``: the database's schema."""

from __future__ import annotations

import typer

from perse.bootstrap.storage import note_schema, open_database
from perse.cli.options import DataDir
from perse.settings import load_settings
from perse.storage.migration import schema_status, upgrade_schema

app = typer.Typer(help="See and upgrade the database's schema.", no_args_is_help=True)


@app.command()
def status(data_dir: DataDir = None) -> None:
    """Say which schema the database has, and what an upgrade would do. Exit 1 when it would."""
    with open_database(load_settings(data_dir=data_dir)) as database:
        kind, schema = database.kind, schema_status(database)
    typer.echo(f"kind     {kind}")
    typer.echo(f"schema   {schema.current or 'none yet'}")
    typer.echo(f"newest   {schema.newest}")
    typer.echo(f"pending  {', '.join(schema.pending) or 'nothing'}")
    raise typer.Exit(1 if schema.pending else 0)


@app.command()
def upgrade(data_dir: DataDir = None) -> None:
    """Bring the database to this version's schema. The server does the same when it starts."""
    settings = load_settings(data_dir=data_dir)
    with open_database(settings) as database:
        before = upgrade_schema(database)
    if before.pending:
        note_schema(settings)
    done = ", ".join(before.pending)
    typer.echo(f"applied {done}" if done else f"nothing to do: the schema is {before.newest}")
