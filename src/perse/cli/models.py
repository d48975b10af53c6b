"""``perse models``: the networks, where they are from, and whether they are here."""

from __future__ import annotations

import json
from collections.abc import Iterable
from typing import Annotated

import typer
from rich.console import Console
from rich.table import Table

from perse.bootstrap.weights import needed_networks, open_catalog, open_store
from perse.cli.options import AsJson, DataDir, Offline
from perse.cli.progress import weights_progress
from perse.settings import Settings, load_settings
from perse.weights.cards import ModelCard, facts_of
from perse.weights.catalogue import Catalog
from perse.weights.store import WeightStatus

app = typer.Typer(help="List, fetch and verify the networks.", no_args_is_help=True)

Names = Annotated[
    list[str] | None, typer.Argument(help="Networks by name; none = those of the pack in use.")
]
OfPack = Annotated[str | None, typer.Option("--pack", help="The networks of this pack instead.")]


@app.command("list")
def list_models(data_dir: DataDir = None, as_json: AsJson = False) -> None:
    """List every network: its role, packs, licence, caveat, and whether it is here."""
    settings = load_settings(data_dir=data_dir)
    catalog, store = open_catalog(settings), open_store(settings)
    if as_json:
        for card in catalog.models.values():
            typer.echo(_as_json(card, catalog, store.status(card)))
        return
    table = Table("network", "role", "packs", "here", "MB", "licence", box=None)
    for column in table.columns:
        column.overflow = "fold"
    for card in catalog.models.values():
        licence, *_ = card.licence.weights.partition(",")
        table.add_row(
            card.name,
            card.role,
            ", ".join(_packs_of(card, catalog)),
            store.status(card).state,
            f"{card.size_bytes / 1e6:.1f}",
            licence,
        )
    Console().print(table)
    Console(stderr=True).print("Training data and commercial use: --json, or docs/models.md")


@app.command()
def fetch(
    names: Names = None, pack: OfPack = None, data_dir: DataDir = None, offline: Offline = None
) -> None:
    """Fetch, verify and convert networks; one that is damaged is replaced."""
    settings = load_settings(data_dir=data_dir, offline=offline)
    with weights_progress() as progress:
        store = open_store(settings, progress)
        for card in _wanted(settings, names, pack):
            path = store.obtain(card, repair=True)
            typer.echo(f"{card.name}: {path}")


@app.command()
def verify(names: Names = None, pack: OfPack = None, data_dir: DataDir = None) -> None:
    """Check networks against the SHA-256 pinned for them; exit status 1 unless all are right.

    What was converted here is converted again and compared.
    """
    settings = load_settings(data_dir=data_dir)
    store = open_store(settings)
    failed = False
    for card in _wanted(settings, names, pack):
        status = store.check(card)
        typer.echo(f"{card.name}: {status.note or 'ready'}")
        failed = failed or status.state != "ready"
    if failed:
        raise typer.Exit(1)


def _wanted(settings: Settings, names: list[str] | None, pack: str | None) -> Iterable[ModelCard]:
    """The networks named, else those of ``pack``, else those that would be served."""
    catalog = open_catalog(settings)
    if names:
        return [catalog.card(name) for name in names]
    if pack is None:
        return needed_networks(settings, catalog)
    return catalog.cards_of(pack).values()


def _packs_of(card: ModelCard, catalog: Catalog) -> list[str]:
    return [pack.name for pack in catalog.packs.values() if card.name in pack.roles.values()]


def _as_json(card: ModelCard, catalog: Catalog, status: WeightStatus) -> str:
    here = {
        "packs": _packs_of(card, catalog),
        "state": status.state,
        "path": str(status.path),
    }
    return json.dumps(facts_of(card) | here)
