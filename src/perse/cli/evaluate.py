"""``perse evaluate``: error rates on the user's own files, through the pipelines that serve."""

from __future__ import annotations

import json
import os
from collections.abc import Callable, Mapping
from pathlib import Path
from types import MappingProxyType
from typing import Annotated, TypeVar

import typer
from rich.console import Console

from perse.cli.evaluation import (
    Inquiry,
    evaluate_comparison,
    evaluate_identification,
    evaluate_liveness,
    open_evaluated,
)
from perse.cli.evaluation_tables import show_comparison, show_liveness
from perse.cli.identification_tables import show_identification
from perse.cli.options import DataDir, Pack
from perse.cli.progress import console
from perse.errors import InvalidParameter
from perse.evaluation.comparison_rates import Curves
from perse.evaluation.local_points import Kind
from perse.evaluation.plotting import prepare_matplotlib
from perse.evaluation.results import ComparisonResult, LivenessResult, plain
from perse.evaluation.sample_cache import forget_samples
from perse.evaluation.search_results import IdentificationResult
from perse.settings import Settings, load_settings

app = typer.Typer(help="Measure error rates on your own files.", no_args_is_help=True)

Result = TypeVar("Result", ComparisonResult, LivenessResult, IdentificationResult)

DEFAULT_BPCER = 0.05
DEFAULT_FPIR = 1e-2
DEFAULT_CANDIDATES = 10
# What is compared with one another, and what that is called.
COMPARED: Mapping[Kind, str] = MappingProxyType(
    {"face": "faces of pictures", "voice": "voices of recordings"}
)

Source = Annotated[
    Path,
    typer.Argument(
        readable=False,
        help="A folder with a folder per person, or a file that lists pairs of files.",
    ),
]
Presentations = Annotated[
    Path,
    typer.Argument(
        readable=False, help="A folder with live/ and spoof/, the latter by species if you like."
    ),
]
Root = Annotated[
    Path | None,
    typer.Option(readable=False, help="Where the names in a list of pairs start. [its folder]"),
]
Groups = Annotated[
    Path | None,
    typer.Option(
        readable=False,
        help="CSV of groups: a column person or file, then such as sex, age, device.",
    ),
]
Report = Annotated[
    Path | None, typer.Option(readable=False, help="Also write one HTML page with plots.")
]
PrintJson = Annotated[bool, typer.Option("--json", help="Print everything as one JSON object.")]
NoCache = Annotated[
    bool, typer.Option("--no-cache", help="Keep no templates in the data folder, and use none.")
]
FmrOption = Annotated[
    float | None,
    typer.Option(min=1e-6, max=0.1, help="FMR that lists and groups refer to. [the server's]"),
]
BpcerOption = Annotated[
    float, typer.Option(min=1e-4, max=0.5, help="BPCER to list APCER at, beside the usual ones.")
]
People = Annotated[Path, typer.Argument(readable=False, help="A folder with a folder per person.")]
FpirOption = Annotated[
    float, typer.Option(min=1e-6, max=0.5, help="FPIR that identify is asked for.")
]
MaxCandidates = Annotated[
    int, typer.Option(min=1, max=100, help="How many candidates are asked for.")
]
Treat = Annotated[
    list[str] | None,
    typer.Option(
        help="Also rate the pictures treated so, or a folder of copies; may be given repeatedly."
    ),
]


@app.command()
def face(  # noqa: PLR0913, PLR0917 - options are parameters
    source: Source,
    root: Root = None,
    groups: Groups = None,
    fmr: FmrOption = None,
    treat: Treat = None,
    report: Report = None,
    as_json: PrintJson = False,
    no_cache: NoCache = False,
    data_dir: DataDir = None,
    pack: Pack = None,
) -> None:
    """Compare the faces of pictures: all with all, or the pairs that a file lists."""
    treatments = tuple(treat or ())
    inquiry = Inquiry(source, root, groups, fmr, cached=not no_cache, treat=treatments)
    settings = load_settings(data_dir=data_dir, pack=pack)
    _compare("face", inquiry, settings, report, as_json=as_json)


@app.command()
def voice(  # noqa: PLR0913, PLR0917 - options are parameters
    source: Source,
    root: Root = None,
    groups: Groups = None,
    fmr: FmrOption = None,
    report: Report = None,
    as_json: PrintJson = False,
    no_cache: NoCache = False,
    data_dir: DataDir = None,
    pack: Pack = None,
) -> None:
    """Compare the voices of recordings: all with all, or the pairs that a file lists."""
    inquiry = Inquiry(source, root, groups, fmr, cached=not no_cache)
    settings = load_settings(data_dir=data_dir, pack=pack)
    _compare("voice", inquiry, settings, report, as_json=as_json)


def _compare(
    kind: Kind, inquiry: Inquiry, settings: Settings, report: Path | None, *, as_json: bool
) -> None:
    check_report(report, settings)
    result, curves = evaluate_comparison(inquiry, open_evaluated(kind, settings), settings)
    tell_comparison(result, curves, report, as_json=as_json)


def tell_comparison(
    result: ComparisonResult, curves: Curves, report: Path | None, *, as_json: bool
) -> None:
    """On stdout, and as a page where one was asked for."""
    if report:
        from perse.evaluation.report import comparison_page  # noqa: PLC0415 - an optional extra

        _write(report, comparison_page(result, curves))
    _tell(result, show_comparison, as_json=as_json)


@app.command()
def liveness(
    source: Presentations,
    groups: Groups = None,
    bpcer: BpcerOption = DEFAULT_BPCER,
    report: Report = None,
    as_json: PrintJson = False,
    no_cache: NoCache = False,
    data_dir: DataDir = None,
    pack: Pack = None,
) -> None:
    """Tell live faces from presentation attacks, species by species."""
    settings = load_settings(data_dir=data_dir, pack=pack)
    check_report(report, settings)
    inquiry = Inquiry(source, groups=groups, rate=bpcer, cached=not no_cache)
    result, scores = evaluate_liveness(
        inquiry, open_evaluated("liveness", settings), settings, DEFAULT_BPCER
    )
    if report:
        from perse.evaluation.liveness_report import liveness_page  # noqa: PLC0415 - optional extra

        _write(report, liveness_page(result, scores))
    _tell(result, show_liveness, as_json=as_json)


@app.command()
def identification(
    source: People,
    fpir: FpirOption = DEFAULT_FPIR,
    max_candidates: MaxCandidates = DEFAULT_CANDIDATES,
    report: Report = None,
    as_json: PrintJson = False,
    no_cache: NoCache = False,
    data_dir: DataDir = None,
    pack: Pack = None,
) -> None:
    """Search for every picture's person among all others, who may be there or not."""
    settings = load_settings(data_dir=data_dir, pack=pack)
    check_report(report, settings)
    inquiry = Inquiry(source, rate=fpir, cached=not no_cache)
    result, searches = evaluate_identification(
        inquiry, max_candidates, open_evaluated("face", settings), settings, DEFAULT_FPIR
    )
    if report:
        from perse.evaluation.identification_report import (  # noqa: PLC0415 - optional extra
            identification_page,
        )

        _write(report, identification_page(result, searches))
    _tell(result, show_identification, as_json=as_json)


@app.command()
def forget(data_dir: DataDir = None) -> None:
    """Delete the templates that evaluations keep in the data folder."""
    count = forget_samples(load_settings(data_dir=data_dir).data_dir)
    typer.echo(f"{count:,} cached samples deleted", err=True)


def _tell(result: Result, show: Callable[[Result, Console], None], *, as_json: bool) -> None:
    if as_json:
        typer.echo(json.dumps(plain(result)))
    else:
        show(result, Console())


def check_report(report: Path | None, settings: Settings) -> None:
    """Before hours of work rather than after them."""
    if report:
        prepare_matplotlib(settings.data_dir)
        folder = report.absolute().parent
        if not folder.is_dir():
            raise InvalidParameter(f"there is no folder {folder} to write the report into: make it")
        if report.is_dir() or not os.access(report if report.exists() else folder, os.W_OK):
            raise InvalidParameter(
                f"{report} may not be written: choose another name for the report"
            )


def _write(report: Path, page: str) -> None:
    report.write_text(page, encoding="utf-8")
    console.print(f"report: {report}", markup=False, soft_wrap=True)
