"""``perse calibrate``: operating points of this installation, measured on the user's own files."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterable
from dataclasses import asdict
from typing import Annotated

import typer
from rich.console import Console
from rich.markup import escape
from rich.table import Table

from perse.bootstrap.local_points import ROLES_BY_KIND, made_with
from perse.bootstrap.storage import recording
from perse.bootstrap.weights import chosen_pack, open_catalog
from perse.cli.evaluate import COMPARED, DEFAULT_BPCER, NoCache, Presentations, Root, Source
from perse.cli.evaluation import Inquiry, evaluate_comparison, evaluate_liveness, open_evaluated
from perse.cli.evaluation_tables import show_comparison, show_liveness
from perse.cli.options import AsJson, DataDir, Pack
from perse.cli.progress import console
from perse.domain.audit import Act, Deed
from perse.domain.decisions import fmr_key
from perse.errors import PerseError
from perse.evaluation.calibration import calibrate_comparison, calibrate_liveness
from perse.evaluation.intervals import Interval
from perse.evaluation.local_points import KINDS, Kind, LocalPoint, LocalPoints, LocalPointsFolder
from perse.evaluation.wording import interval, percent
from perse.settings import Settings, load_settings

app = typer.Typer(
    help="Thresholds from your own files, instead of the catalogue's.", no_args_is_help=True
)

FmrOption = Annotated[
    float | None,
    typer.Option(min=1e-6, max=0.1, help="FMR that default thresholds aim at. [the server's]"),
]
BpcerOption = Annotated[
    float, typer.Option(min=1e-4, max=0.5, help="BPCER that the liveness threshold aims at.")
]
Cautious = Annotated[
    bool,
    typer.Option(
        "--cautious", help="Thresholds that keep their rate in 95 of 100 resamplings of the people."
    ),
]
KindArgument = Annotated[Kind, typer.Argument(help="face, voice or liveness.")]


def _measuring(kind: Kind) -> Callable[..., None]:
    def command(
        source: Source,
        fmr: FmrOption = None,
        cautious: Cautious = False,
        root: Root = None,
        no_cache: NoCache = False,
        data_dir: DataDir = None,
        pack: Pack = None,
    ) -> None:
        settings = load_settings(data_dir=data_dir, pack=pack)
        inquiry = Inquiry(source, root, rate=fmr, cached=not no_cache, cautious=cautious)
        pipeline = open_evaluated(kind, settings)
        result, _ = evaluate_comparison(inquiry, pipeline, settings)
        show_comparison(result, console)
        _put_to_use(calibrate_comparison(kind, result, fmr or pipeline.default_fmr), settings)

    return command


for _kind in COMPARED:
    app.command(
        _kind,
        help=f"Measure {_kind}s and let the server use the thresholds found, from its next "
        "start on.",
    )(_measuring(_kind))


@app.command()
def liveness(
    source: Presentations,
    bpcer: BpcerOption = DEFAULT_BPCER,
    no_cache: NoCache = False,
    data_dir: DataDir = None,
    pack: Pack = None,
) -> None:
    """Measure liveness and let the server use the threshold found, from its next start on."""
    settings = load_settings(data_dir=data_dir, pack=pack)
    inquiry = Inquiry(source, rate=bpcer, cached=not no_cache)
    pipeline = open_evaluated("liveness", settings)
    result, _ = evaluate_liveness(inquiry, pipeline, settings, bpcer)
    show_liveness(result, console)
    _put_to_use(calibrate_liveness(result, bpcer), settings)


@app.command("list")
def list_points(data_dir: DataDir = None, pack: Pack = None, as_json: AsJson = False) -> None:
    """Every calibration, the oldest first, and which ones are in use."""
    settings = load_settings(data_dir=data_dir, pack=pack)
    found = _folder(settings).all()
    in_use = _in_use(settings)
    if as_json:
        for points in found:
            typer.echo(json.dumps({"id": points.id, **asdict(points)}))
        return
    table = Table("id", "kind", "when", "made from", "people", "aims at", "in use", box=None)
    for points in found:
        table.add_row(
            points.id,
            points.kind,
            points.at[:16].replace("T", " "),
            escape(points.source),
            f"{points.people:,}",
            _aim(points),
            "yes" if points.id in in_use else "",
        )
    Console().print(table)


@app.command()
def compare(
    first: Annotated[str, typer.Argument(help="Id of a calibration.")],
    second: Annotated[str, typer.Argument(help="Id of another one of the same kind.")],
    data_dir: DataDir = None,
) -> None:
    """Two calibrations side by side: thresholds and error rates."""
    folder = _folder(load_settings(data_dir=data_dir))
    one, other = folder.read(first), folder.read(second)
    if one.kind != other.kind:
        raise typer.BadParameter(f"{first} is of {one.kind}, {second} of {other.kind}")
    rejects = "BPCER" if one.kind == "liveness" else "FNMR"
    table = Table(
        "at", *(f"{text} {i}" for i in (first, second) for text in ("threshold", rejects))
    )
    table.box = None
    for rate in sorted({point.rate for point in (*one.points, *other.points)}, reverse=True):
        table.add_row(_rate_name(one.kind, rate), *_cells(one, rate), *_cells(other, rate))
    Console().print(table)
    if one.made_with != other.made_with:
        typer.echo("They were made with different networks: thresholds do not compare.")


@app.command()
def rollback(kind: KindArgument, data_dir: DataDir = None, pack: Pack = None) -> None:
    """Go back to the calibration before, or to the catalogue's operating points."""
    settings = load_settings(data_dir=data_dir, pack=pack)
    folder, digest = _folder(settings), _digests(settings)[kind]
    with recording(settings, Deed(Act.POINTS_ROLL_BACK, kind)):
        gone = folder.roll_back(kind, digest)
    now = folder.in_use(kind, digest)
    typer.echo(
        f"{gone.id} is out of use; {kind} thresholds are "
        f"{'those of ' + now.id if now else 'the catalogue’s'} from the next start on",
        err=True,
    )


def _put_to_use(points: LocalPoints, settings: Settings) -> None:
    """The id alone on stdout, for scripts."""
    aim, threshold = _aim(points), f"{points.default.threshold:.4f}"
    details = {"points": points.id, "aims_at": aim, "threshold": threshold}
    with recording(settings, Deed(Act.POINTS_SET, points.kind, details=details)):
        points_id = _folder(settings).put_to_use(points)
    console.print(
        f"{points.kind} operating points {points_id} aim at {aim}, threshold "
        f"{threshold}. Restart the server to use them; `perse calibrate "
        f"rollback {points.kind}` takes them back.",
        markup=False,
        soft_wrap=True,
    )
    typer.echo(points_id)


def _folder(settings: Settings) -> LocalPointsFolder:
    return LocalPointsFolder.of(settings.data_dir)


def _digests(settings: Settings) -> dict[Kind, str]:
    """Of the networks in use, without opening them."""
    catalog = open_catalog(settings)
    cards = catalog.cards_of(chosen_pack(settings, catalog).name)
    return {kind: made_with(cards, *ROLES_BY_KIND[kind]) for kind in KINDS}


def _in_use(settings: Settings) -> set[str]:
    """Empty where no pack can be told yet."""
    try:
        digests = _digests(settings)
    except PerseError:
        return set()
    used: Iterable[LocalPoints | None] = (
        _folder(settings).in_use(kind, digest) for kind, digest in digests.items()
    )
    return {points.id for points in used if points is not None}


def _aim(points: LocalPoints) -> str:
    return _rate_name(points.kind, points.default_rate)


def _rate_name(kind: Kind, rate: float) -> str:
    return f"BPCER {percent(rate)}" if kind == "liveness" else f"FMR {fmr_key(rate)}"


def _cells(points: LocalPoints, rate: float) -> tuple[str, str]:
    found = next((point for point in points.points if point.rate == rate), None)
    return (f"{found.threshold:.4f}", _rejects(found)) if found else ("", "")


def _rejects(point: LocalPoint) -> str:
    ends = Interval(*point.false_rejects_interval)
    return f"{percent(point.false_rejects)} ({interval(ends)})"
