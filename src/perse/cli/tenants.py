"""``perse tenants``: everything that belongs together."""

from __future__ import annotations

from typing import Annotated

import typer
from rich.console import Console
from rich.table import Table

from perse.bootstrap.storage import open_storage
from perse.bootstrap.upkeep import wire_tenant_erasure
from perse.cli.options import DataDir
from perse.domain.access import TenantId
from perse.settings import load_settings

app = typer.Typer(help="List tenants and erase them whole.", no_args_is_help=True)


@app.command("list")
def list_tenants(data_dir: DataDir = None) -> None:
    """List every tenant with its active keys and the number of its users, the oldest first."""
    table = Table("tenant", "created", "users", "active keys", box=None)
    table.columns[0].no_wrap = True
    with open_storage(load_settings(data_dir=data_dir)) as storage:
        for tenant in storage.tenants.list():
            table.add_row(
                tenant.tenant_id,
                f"{tenant.created_at:%Y-%m-%d %H:%M}",
                str(tenant.users),
                ", ".join(tenant.active_keys),
            )
    Console().print(table)


@app.command()
def delete(
    tenant: Annotated[str, typer.Argument(help="The tenant's id, as perse tenants list shows it.")],
    yes: Annotated[bool, typer.Option("--yes", help="Do not ask.")] = False,
    data_dir: DataDir = None,
) -> None:
    """Destroy a tenant's users, keys and API keys for good; print the receipt on stdout.

    Its entries in the consent ledger stay: they prove what was done under which declaration.
    """
    if not yes:
        typer.confirm(f"Destroy everything of tenant {tenant} for good?", abort=True, err=True)
    with open_storage(load_settings(data_dir=data_dir)) as storage:
        typer.echo(wire_tenant_erasure(storage)(TenantId(tenant)).jws)
