"""``perse keys``: who may call the server."""

from __future__ import annotations

from typing import Annotated

import typer
from rich.console import Console
from rich.table import Table

from perse.bootstrap.storage import opened_key_list, opened_keys
from perse.cli.options import DataDir
from perse.domain.access import ALL_PERMISSIONS, Permission, told
from perse.settings import load_settings

app = typer.Typer(help="Create, list and revoke API keys.", no_args_is_help=True)

Name = Annotated[str, typer.Argument(help="What you call the key, such as the product using it.")]


Permissions = Annotated[
    list[Permission],
    typer.Argument(help="What: " + "; ".join(f"{it}: {it.meaning}" for it in Permission) + "."),
]


@app.command()
def create(
    name: Name,
    may: Annotated[
        list[Permission] | None,
        typer.Option(help="What the key may do, and nothing else; may be repeated. [all]"),
    ] = None,
    tenant_of: Annotated[
        str | None,
        typer.Option(help="Share the people of this key's tenant; without it, a new tenant."),
    ] = None,
    data_dir: DataDir = None,
) -> None:
    """Print a new API key, alone on stdout. It is stored hashed and never shown again."""
    permissions = frozenset(may) if may else ALL_PERMISSIONS
    with opened_keys(load_settings(data_dir=data_dir)) as keys:
        _, text = keys.create(name, permissions=permissions, tenant_of=tenant_of)
    typer.echo(text)


@app.command("list")
def list_keys(data_dir: DataDir = None) -> None:
    """List every key, the oldest first."""
    table = Table("name", "key id", "tenant", "created", "revoked", "may", box=None)
    for column in table.columns:
        column.overflow = "fold"
    with opened_key_list(load_settings(data_dir=data_dir)) as keys:
        found = keys.all()
    for key in found:
        revoked = f"{key.revoked_at:%Y-%m-%d %H:%M}" if key.revoked_at else ""
        created = f"{key.created_at:%Y-%m-%d %H:%M}"
        may = told(key.permissions)
        table.add_row(key.name, key.key_id, key.tenant_id, created, revoked, may)
    Console().print(table)


@app.command()
def allow(name: Name, permissions: Permissions, data_dir: DataDir = None) -> None:
    """Let a key do more, within a second on every server."""
    with opened_keys(load_settings(data_dir=data_dir)) as keys:
        key = keys.allow(name, permissions)
    typer.echo(f"{key.name} may now: {told(key.permissions)}", err=True)


@app.command()
def forbid(name: Name, permissions: Permissions, data_dir: DataDir = None) -> None:
    """Let a key and its session tokens do less, within a second on every server."""
    with opened_keys(load_settings(data_dir=data_dir)) as keys:
        key = keys.forbid(name, permissions)
    typer.echo(f"{key.name} may now: {told(key.permissions)}", err=True)


@app.command()
def revoke(name: Name, data_dir: DataDir = None) -> None:
    """End a key and every session token of it, at once."""
    with opened_keys(load_settings(data_dir=data_dir)) as keys:
        key = keys.revoke(name)
    typer.echo(f"revoked {key.name}", err=True)


@app.command()
def rotate(
    name: Name,
    retired_name: Annotated[
        str | None, typer.Option(help="What the old key is called from now on.")
    ] = None,
    data_dir: DataDir = None,
) -> None:
    """Print a second key of the same tenant under this name, which may do the same.

    The old key works on under the other name until you revoke that.
    """
    with opened_keys(load_settings(data_dir=data_dir)) as keys:
        _, text = keys.rotate(name, retired_name=retired_name or f"{name} (old)")
    typer.echo(text)
