"""``perse detect`` and ``perse compare``: the pipelines on files, without a server."""

from __future__ import annotations

import time
from pathlib import Path
from typing import Annotated

import typer

from perse.api.v0.wire import compare_answer, detect_answer
from perse.cli.options import AsJson, DataDir, Pack
from perse.cli.progress import console, weights_progress
from perse.cli.verdict_tables import show_match, show_verdicts
from perse.domain.faces import FaceComparison, FaceDetection, FaceThresholds
from perse.domain.verdicts import judge_face, similarity_obstacle
from perse.engine import Engine, open_engine
from perse.errors import PerseError
from perse.media.face_drawing import draw_detection

Pictures = Annotated[list[Path], typer.Argument(readable=False, help="JPEG, PNG or WebP files.")]
Draw = Annotated[
    Path | None,
    typer.Option(
        readable=False,
        help="Also paint boxes, landmarks and metrics onto a copy of the one picture.",
    ),
]


def detect(
    pictures: Pictures,
    as_json: AsJson = False,
    draw: Draw = None,
    data_dir: DataDir = None,
    pack: Pack = None,
) -> None:
    """Find and judge the faces of pictures. Exit status 1 when a picture could not be read."""
    if draw and len(pictures) != 1:
        raise typer.BadParameter("--draw takes exactly one picture")
    failed = False
    with _engine(data_dir, pack) as engine:
        for picture in pictures:
            try:
                _detect_one(engine, picture, as_json=as_json, draw=draw)
            except PerseError as error:
                failed = True
                _tell(picture, error)
    raise typer.Exit(1 if failed else 0)


def compare(
    first: Annotated[Path, typer.Argument(readable=False, help="One picture.")],
    second: Annotated[Path, typer.Argument(readable=False, help="Another picture.")],
    as_json: AsJson = False,
    data_dir: DataDir = None,
    pack: Pack = None,
) -> None:
    """Compare the largest faces of two pictures."""
    with _engine(data_dir, pack) as engine:
        started = time.perf_counter()
        comparison = engine.compare(first, second)
        elapsed_s = time.perf_counter() - started
        if as_json:
            answer = compare_answer(comparison, engine.thresholds, time_taken=elapsed_s)
            typer.echo(answer.to_json())
        else:
            _show_comparison(comparison, engine.thresholds)


def _engine(data_dir: Path | None, pack: str | None) -> Engine:
    with weights_progress() as progress:
        return open_engine(pack, progress=progress, data_dir=data_dir)


def _tell(picture: Path, error: PerseError) -> None:
    """One line, whose picture is named once."""
    named = error.message.startswith(str(picture))
    text = error.message if named else f"{picture}: {error.message}"
    console.print(text, style="red", markup=False, soft_wrap=True)


def _detect_one(engine: Engine, picture: Path, *, as_json: bool, draw: Path | None) -> None:
    started = time.perf_counter()
    image = engine.load(picture)
    detection = engine.detect(image.pixels)
    elapsed_s = time.perf_counter() - started
    if draw:
        draw_detection(image, detection, draw)
    if as_json:
        answer = detect_answer(detection, engine.thresholds, time_taken=elapsed_s)
        typer.echo(answer.to_json())
    else:
        _show_detection(picture, detection, engine.thresholds)


def _show_detection(picture: Path, detection: FaceDetection, thresholds: FaceThresholds) -> None:
    count = len(detection.faces)
    typer.echo(f"{picture}: {count} face{'' if count == 1 else 's'}")
    for number, face in enumerate(detection.faces, start=1):
        box = face.face.box
        typer.echo(
            f"  face {number}: {box.width:.0f}x{box.height:.0f} at {box.left:.0f},{box.top:.0f}"
        )
        show_verdicts(judge_face(face, thresholds), value=".3f")


def _show_comparison(comparison: FaceComparison, thresholds: FaceThresholds) -> None:
    show_match(comparison, threshold=thresholds.similarity, role="face_embedder")
    obstacle = similarity_obstacle(comparison, thresholds)
    if obstacle:
        typer.echo(f"cannot tell: {obstacle}")
    if comparison.pad is not None and thresholds.liveness is not None:
        live = "live" if comparison.pad.value >= thresholds.liveness else "not live"
        typer.echo(
            f"{live}: liveness {comparison.pad.value:.3f}, threshold {thresholds.liveness:.3f}"
        )
