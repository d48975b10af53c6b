"""``perse consent``: the ledger of biometric calls and their declarations."""

from __future__ import annotations

import json
from typing import Annotated

import typer

from perse.bootstrap.storage import open_storage
from perse.bootstrap.upkeep import wire_ledger_check
from perse.cli.chains import Anchors, points_of, show_verified
from perse.cli.options import DataDir
from perse.domain.access import TenantId
from perse.domain.audit import Act, Deed
from perse.domain.references import UserToken
from perse.pipelines.subject_export import exported_entry
from perse.settings import load_settings

app = typer.Typer(help="Verify and export the consent ledger.", no_args_is_help=True)


@app.command()
def verify(
    anchor: Anchors = None,
    data_dir: DataDir = None,
) -> None:
    """Find any change, insertion or removal. Exit 1 when there is one.

    Prints the end of the chain as SEQ:HASH: kept elsewhere, it also proves later that nothing was
    cut off the end. Receipts of deletions are such notes, and are checked, too.
    """
    anchors = points_of(anchor)
    with open_storage(load_settings(data_dir=data_dir)) as storage:
        problems = list(wire_ledger_check(storage)(anchors))
        head = storage.ledger.head()
    show_verified(problems, head)


@app.command()
def export(
    user_token: Annotated[str | None, typer.Option(help="Of this user only.")] = None,
    tenant: Annotated[str | None, typer.Option(help="Of this tenant only.")] = None,
    data_dir: DataDir = None,
) -> None:
    """Print entries, one JSON object per line, the oldest first."""
    tenant_id = None if tenant is None else TenantId(tenant)
    with open_storage(load_settings(data_dir=data_dir)) as storage:
        storage.journal.note(Deed(Act.LEDGER_EXPORT, user_token or "", tenant_id))
        for link in storage.ledger.entries(
            tenant_id=tenant_id,
            user_token=None if user_token is None else UserToken(user_token),
        ):
            typer.echo(json.dumps(exported_entry(link)))
