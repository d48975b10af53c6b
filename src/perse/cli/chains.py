"""What ``verify`` of the consent ledger and of the audit log have in common."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Annotated

import typer

from perse.domain.chains import ChainPoint

Anchors = Annotated[
    list[str] | None,
    typer.Option("--anchor", help="A SEQ:HASH that this command printed before; may be repeated."),
]


def points_of(anchors: Iterable[str] | None) -> list[ChainPoint]:
    """Raises InvalidParameter."""
    return [ChainPoint.parse(text) for text in anchors or ()]


def show_verified(problems: Iterable[str], head: ChainPoint) -> None:
    """The end of the chain alone on stdout; exit status 1 where something is wrong."""
    failed = False
    for problem in problems:
        failed = True
        typer.echo(problem, err=True)
    if failed:
        raise typer.Exit(1)
    typer.echo(f"{head.seq} entries, nothing changed, inserted or removed", err=True)
    typer.echo(str(head))
