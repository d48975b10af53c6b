"""All commands together."""

from __future__ import annotations

from typing import Annotated

import typer

import perse
from perse.cli import (
    audit,
    bulk,
    calibrate,
    consent,
    db,
    doctor,
    evaluate,
    faces,
    identification,
    keys,
    models,
    receipts,
    references,
    secrets,
    serve,
    setup,
    subjects,
    tenants,
    voice,
)

app = typer.Typer(
    help="Self-hosted face and voice biometrics.",
    no_args_is_help=True,
    pretty_exceptions_enable=False,
    add_completion=False,
)


def _print_version(wanted: bool) -> None:
    if wanted:
        typer.echo(f"perse {perse.__version__}")
        raise typer.Exit


@app.callback()
def _options(
    _version: Annotated[
        bool, typer.Option("--version", callback=_print_version, is_eager=True, help="Version.")
    ] = False,
) -> None:
    """Self-hosted face and voice biometrics."""


app.command("serve")(serve.serve)
app.command("setup")(setup.setup)
app.command("detect")(faces.detect)
app.command("compare")(faces.compare)
app.command("identify")(identification.identify)
app.command("doctor")(doctor.doctor)
app.add_typer(keys.app, name="keys")
app.add_typer(models.app, name="models")
app.add_typer(db.app, name="db")
app.add_typer(secrets.app, name="secrets")
app.add_typer(receipts.app, name="receipts")
app.add_typer(tenants.app, name="tenants")
app.add_typer(subjects.app, name="subjects")
app.add_typer(bulk.app, name="bulk")
app.add_typer(consent.app, name="consent")
app.add_typer(audit.app, name="audit")
app.add_typer(references.app, name="references")
app.add_typer(evaluate.app, name="evaluate")
app.add_typer(calibrate.app, name="calibrate")
app.add_typer(voice.app, name="voice")
