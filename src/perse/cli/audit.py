"""``perse audit``: who changed who may do what, or what is kept."""

from __future__ import annotations

import json
from datetime import UTC, datetime
from typing import Annotated

import typer
from rich.console import Console
from rich.markup import escape
from rich.table import Table

from perse.bootstrap.storage import open_storage
from perse.bootstrap.upkeep import wire_audit_check
from perse.cli.chains import Anchors, points_of, show_verified
from perse.cli.options import AsJson, DataDir
from perse.domain.audit import AuditLink
from perse.settings import load_settings

app = typer.Typer(
    help="List and verify the audit log of administrative acts.", no_args_is_help=True
)

Since = Annotated[
    datetime | None,
    typer.Option(
        formats=["%Y-%m-%d", "%Y-%m-%dT%H:%M", "%Y-%m-%dT%H:%M:%S"],
        help="Those from this day or moment on (UTC).",
    ),
]


@app.command("list")
def list_entries(since: Since = None, as_json: AsJson = False, data_dir: DataDir = None) -> None:
    """List who did what on what, and how it ended, the oldest first."""
    moment = None if since is None else since.replace(tzinfo=UTC)
    table = Table("at", "who", "what", "on what", "more", "outcome", box=None)
    for column in table.columns:
        column.overflow = "fold"
    with open_storage(load_settings(data_dir=data_dir)) as storage:
        for link in storage.journal.log.entries(since=moment):
            if as_json:
                typer.echo(json.dumps(_exported(link)))
            else:
                table.add_row(*map(escape, _row(link)))
    if not as_json:
        Console().print(table)


@app.command()
def verify(anchor: Anchors = None, data_dir: DataDir = None) -> None:
    """Find any change, insertion or removal, and say where. Exit 1 when there is one.

    Prints the end of the log as SEQ:HASH: kept elsewhere, it also proves later that nothing was
    cut off the end. Receipts of deletions are such notes, and are checked, too.
    """
    anchors = points_of(anchor)
    with open_storage(load_settings(data_dir=data_dir)) as storage:
        problems = list(wire_audit_check(storage)(anchors))
        head = storage.journal.log.head()
    show_verified(problems, head)


def _row(link: AuditLink) -> tuple[str, ...]:
    entry, deed = link.entry, link.entry.deed
    more = [f"{name} {value}" for name, value in deed.details.items()]
    return (
        f"{entry.at:%Y-%m-%d %H:%M:%S}",
        f"{entry.actor.kind} {entry.actor.name}",
        deed.act,
        deed.target,
        ", ".join(more),
        entry.outcome,
    )


def _exported(link: AuditLink) -> dict[str, object]:
    entry, deed = link.entry, link.entry.deed
    return {
        "seq": link.point.seq,
        "at": entry.at.isoformat(),
        "actor": {"kind": entry.actor.kind, "name": entry.actor.name},
        "act": deed.act,
        "target": deed.target,
        "tenant": deed.tenant_id,
        "details": dict(deed.details),
        "outcome": entry.outcome,
        "hash": link.point.hash.hex(),
    }
