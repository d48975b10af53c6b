"""``perse subjects``: what is held about a person."""

from __future__ import annotations

import json
from typing import Annotated

import typer

from perse.bootstrap.storage import open_storage
from perse.bootstrap.upkeep import opened_subject_export
from perse.cli.options import DataDir
from perse.domain.references import parse_user_token
from perse.settings import load_settings

app = typer.Typer(help="Tell a person what is held about them.", no_args_is_help=True)


@app.callback()
def _group() -> None:
    """Tell a person what is held about them."""


@app.command()
def export(
    user_token: Annotated[str, typer.Argument(help="The token that enrolment gave.")],
    data_dir: DataDir = None,
) -> None:
    """Print everything held about a user as JSON: the template itself, too. Handle with care."""
    with (
        open_storage(load_settings(data_dir=data_dir)) as storage,
        opened_subject_export(storage) as export_subject,
    ):
        typer.echo(json.dumps(export_subject(parse_user_token(user_token)), indent=2))
