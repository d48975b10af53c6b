"""``perse tenants``: everything that belongs together."""

from __future__ import annotations

import json
from typing import Annotated

import typer
from rich.console import Console
from rich.table import Table

from perse.auth.api_keys import utc_now
from perse.bootstrap.storage import open_storage
from perse.bootstrap.upkeep import wire_tenant_erasure
from perse.cli.options import AsJson, DataDir
from perse.domain.access import TenantId
from perse.domain.quotas import Quota
from perse.errors import InvalidParameter
from perse.settings import load_settings

app = typer.Typer(help="List, limit and erase tenants.", no_args_is_help=True)

TenantName = Annotated[str, typer.Argument(help="The tenant's id, as perse tenants list shows it.")]


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
def limit(
    tenant: TenantName,
    quota: Annotated[Quota, typer.Argument(help=f"What of: {', '.join(Quota)}.")],
    most: Annotated[str, typer.Argument(help="How much it may use; none = as much as it likes.")],
    data_dir: DataDir = None,
) -> None:
    """Give a tenant a quota, on every server within ten seconds."""
    if most != "none" and not (most.isascii() and most.isdecimal()):
        raise InvalidParameter("a quota is a whole number, or none")
    with open_storage(load_settings(data_dir=data_dir)) as storage:
        storage.quotas.set(TenantId(tenant), quota, None if most == "none" else int(most))
    typer.echo(f"{tenant}: {quota} {most}", err=True)


@app.command()
def usage(tenant: TenantName, as_json: AsJson = False, data_dir: DataDir = None) -> None:
    """Show how many people and samples a tenant has, its quotas and how much of them is used."""
    table = Table("what", "used", "quota", "begins anew", box=None)
    with open_storage(load_settings(data_dir=data_dir)) as storage:
        used = storage.quotas.use(TenantId(tenant), at=utc_now())
    for it in used:
        resets = it.resets_at
        if as_json:
            told = {"quota": it.quota, "used": it.used, "most": it.most}
            typer.echo(json.dumps(told | {"resets_at": resets and resets.isoformat()}))
        most = "none" if it.most is None else f"{it.most:,}"
        table.add_row(it.quota, f"{it.used:,}", most, f"{resets:%Y-%m-%d %H:%M}" if resets else "")
    if not as_json:
        Console().print(table)


@app.command()
def delete(
    tenant: TenantName,
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
