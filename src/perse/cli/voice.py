"""``perse voice compare``: the voice pipeline on files, without a server."""

from __future__ import annotations

import time
from pathlib import Path
from typing import Annotated

import typer

from perse.api.v0.voice_wire import voice_compare_answer
from perse.cli.options import AsJson, DataDir, Pack
from perse.cli.progress import weights_progress
from perse.cli.verdict_tables import show_match, show_verdicts
from perse.domain.voice_quality import judge_voice
from perse.domain.voices import VoiceComparison, VoiceThresholds
from perse.engine import Engine, open_voice_engine
from perse.settings import load_settings

app = typer.Typer(help="Voices.", no_args_is_help=True)
_UNITS = {"net_speech_s": "net speech, s", "snr_db": "signal to noise, dB"}
_UNITS |= {"clipped_share": "clipped share", "bandwidth_hz": "bandwidth, Hz"}


@app.callback()
def _voices() -> None:
    """Voices."""


@app.command("compare")
def compare(
    first: Annotated[Path, typer.Argument(readable=False, help="A WAV or OGG recording.")],
    second: Annotated[Path, typer.Argument(readable=False, help="Another recording.")],
    as_json: AsJson = False,
    data_dir: DataDir = None,
    pack: Pack = None,
) -> None:
    """Compare the voices of two recordings."""
    with _engine(data_dir, pack) as engine:
        started = time.perf_counter()
        comparison = engine.compare_voices(first, second)
        elapsed_s = time.perf_counter() - started
        thresholds = engine.voice_thresholds
    if as_json:
        answer = voice_compare_answer(comparison, thresholds, time_taken=elapsed_s)
        typer.echo(answer.to_json())
    else:
        _show(comparison, thresholds, names=(str(first), str(second)))


def _engine(data_dir: Path | None, pack: str | None) -> Engine:
    with weights_progress() as progress:
        return open_voice_engine(load_settings(data_dir=data_dir, pack=pack), progress)


def _show(
    comparison: VoiceComparison, thresholds: VoiceThresholds, *, names: tuple[str, str]
) -> None:
    show_match(comparison, threshold=thresholds.similarity, role="speaker_embedder")
    if comparison.obstacle:
        typer.echo(f"not assessable: {comparison.obstacle}")
    for name, quality in zip(names, (comparison.first, comparison.second), strict=True):
        typer.echo(f"{name}: {quality.decoded_s:.1f} s heard")
        verdicts = judge_voice(quality, thresholds.recording)
        named = {_UNITS[measure]: verdict for measure, verdict in verdicts.items()}
        show_verdicts(named, value=".4g")
