"""``perse identify``: who of the enrolled people is on a picture, without a server."""

from __future__ import annotations

import time
from collections.abc import Callable
from pathlib import Path
from typing import Annotated

import typer
from rich.console import Console
from rich.table import Table

from perse.api.v1.identification_wire import face_search
from perse.bootstrap.subject_commands import opened_identification
from perse.bootstrap.weights import obtain_networks
from perse.cli.callers import KeyName, caller_named
from perse.cli.options import AsJson, ConsentGiven, DataDir
from perse.cli.progress import console, weights_progress
from perse.domain.consent import Declaration
from perse.domain.identification import DEFAULT_FPIR, MOST_CANDIDATES, SearchTerms
from perse.domain.subjects import parse_collection_name
from perse.errors import IndexLoading
from perse.pipelines.identification import IdentifiedFace
from perse.settings import load_settings


def identify(
    picture: Annotated[Path, typer.Argument(readable=False, help="JPEG, PNG or WebP.")],
    key: KeyName = None,
    collection: Annotated[str | None, typer.Option(help="Search this collection only.")] = None,
    most: Annotated[
        int, typer.Option("--max-candidates", min=1, max=MOST_CANDIDATES, help="Most to show.")
    ] = 10,
    fpir: Annotated[
        float,
        typer.Option(
            help="In how many searches for people who are not there may anybody be found."
        ),
    ] = DEFAULT_FPIR,
    consent_given: ConsentGiven = False,
    as_json: AsJson = False,
    data_dir: DataDir = None,
) -> None:
    """Say who of the enrolled people the largest face may be. Candidates are hints, no decision."""
    settings = load_settings(data_dir=data_dir)
    name = None if collection is None else parse_collection_name(collection)
    terms = SearchTerms(most, fpir, name)
    caller = caller_named(settings, key)
    declaration = Declaration.GIVEN if consent_given else Declaration.ABSENT
    with weights_progress() as progress:
        on_disk = obtain_networks(settings, progress)
    with opened_identification(settings, on_disk) as search:
        found = _when_loaded(lambda: search(caller, picture, terms, declaration))
        answer = face_search(found, search.thresholds)
    if as_json:
        typer.echo(answer.to_json())
    else:
        _show(found, answer.similarity_obstacle)


def _when_loaded(search: Callable[[], IdentifiedFace]) -> IdentifiedFace:
    """Wait until everybody has been read into memory, and say how far that is."""
    with console.status("Reading who is enrolled ...") as status:
        while True:
            try:
                return search()
            except IndexLoading as problem:
                status.update(problem.message)
                time.sleep(1)


def _show(found: IdentifiedFace, obstacle: str | None) -> None:
    identification, threshold = found.identification, found.identification.threshold
    if obstacle:
        typer.echo(f"cannot tell: {obstacle}")
    table = Table("rank", "subject", "external id", "similarity", box=None)
    for it in identification.candidates:
        table.add_row(str(it.rank), it.subject, it.external_id or "", f"{it.similarity:.3f}")
    if identification.candidates:
        Console().print(table)
    else:
        typer.echo("nobody")
    console.print(
        f"{identification.subjects} subjects, {threshold.comparisons} samples; candidates from "
        f"similarity {threshold.similarity:.3f} on, for an FPIR of {threshold.fpir:g}"
    )
    if not threshold.supported:
        console.print(
            f"Nobody has measured errors that rare: at this FPIR {threshold.largest_supported} "
            "samples are the most. How often strangers are candidates is not known.",
            style="yellow",
        )
