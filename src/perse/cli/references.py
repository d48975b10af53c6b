"""``perse references``: the enrolled users as a whole."""

from __future__ import annotations

from typing import Annotated

import typer
from rich.console import Console
from rich.table import Table

from perse.auth.api_keys import utc_now
from perse.bootstrap.previous_network import embedders_of
from perse.bootstrap.storage import open_storage
from perse.bootstrap.upkeep import wire_purge, wire_unlocking
from perse.cli.options import DataDir
from perse.domain.audit import Act, Deed
from perse.domain.references import parse_user_token
from perse.settings import load_settings

app = typer.Typer(help="Count, unlock and purge enrolled users.", no_args_is_help=True)


@app.command()
def status(data_dir: DataDir = None) -> None:
    """Count users by tenant and network.

    Those of the previous pack's network are moved as they are recognised; those of any other cannot
    be compared until they are updated with a new picture.
    """
    settings = load_settings(data_dir=data_dir)
    embedders, now = embedders_of(settings), utc_now()
    table = Table("tenant", "network", "users", "", box=None)
    with open_storage(settings) as storage:
        for (tenant_id, model), users in storage.tenants.users_by_model().items():
            table.add_row(tenant_id, model, str(users), embedders.outlook(model, at=now))
    Console().print(table)


@app.command()
def unlock(
    user_token: Annotated[str, typer.Argument(help="The token that enrolment gave.")],
    data_dir: DataDir = None,
) -> None:
    """Forget the failed comparisons against a user, who can be compared again at once."""
    token = parse_user_token(user_token)
    with (
        open_storage(load_settings(data_dir=data_dir)) as storage,
        storage.journal.recording(Deed(Act.SUBJECT_UNLOCK, token)),
    ):
        wire_unlocking(storage)(token)
    typer.echo("unlocked", err=True)


@app.command()
def purge(data_dir: DataDir = None) -> None:
    """Destroy references older than PERSE_REFERENCE_TTL_DAYS now; print a receipt a line.

    The server does the same when it starts and every hour.
    """
    settings = load_settings(data_dir=data_dir)
    days = settings.reference_ttl_days
    deed = Deed(Act.PURGE, details={"days": "never" if days is None else f"{days:g}"})
    with open_storage(settings) as storage, storage.journal.undertaking(deed) as counts:
        receipts = wire_purge(settings, storage)()
        counts["destroyed"] = len(receipts)
    for receipt in receipts:
        typer.echo(receipt.jws)
    typer.echo(f"{len(receipts)} references destroyed", err=True)
